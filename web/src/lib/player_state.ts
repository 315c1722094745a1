// What the viewer is told. One pure step function: the player feeds it what happened, the page shows
// what comes out. Three sources feed it: the video element, the engine (hls.js, mpegts.js), and the
// server's list of streams, which is late by up to a poll and so never overrules a moving picture.

export type State =
  | 'connecting' // first try under way
  | 'waiting' // nobody publishes yet; starts by itself
  | 'playing'
  | 'buffering' // the picture stands still, the publisher is there
  | 'reconnecting' // the publisher or the network is away and expected back
  | 'ended' // was playing, is over; starts by itself when it returns
  | 'failed'; // this browser cannot play it

// held: the publisher was lost and the server keeps its place for a while.
export type Published = 'unknown' | 'live' | 'held' | 'absent';

export interface Condition {
  state: State;
  hasPlayed: boolean;
  published: Published;
}

export type Happening =
  | { type: 'attempt' } // a connection is being tried
  | { type: 'playing' } // pictures move
  | { type: 'stalled' } // the buffer ran dry
  | { type: 'gone' } // the server knows no such stream now
  | { type: 'lost' } // the connection failed or was closed
  | { type: 'unsupported' } // no decoder for it here
  | { type: 'published'; value: Published };

export const kStart: Condition = { state: 'connecting', hasPlayed: false, published: 'unknown' };

export function step(now: Condition, happening: Happening): Condition {
  switch (happening.type) {
    case 'attempt':
      // A quiet retry must not flicker between "waiting" and "connecting".
      return now.state === 'failed' ? { ...now, state: 'connecting' } : now;
    case 'playing':
      return { ...now, state: 'playing', hasPlayed: true };
    case 'stalled':
      return now.state === 'playing' ? { ...now, state: standstill(now.published) } : now;
    case 'gone':
      // A list that still says live is older than this answer, or HLS has no first segment yet.
      if (now.hasPlayed) return { ...now, state: now.published === 'absent' ? 'ended' : 'reconnecting' };
      return { ...now, state: now.published === 'live' ? 'connecting' : 'waiting' };
    case 'lost':
      return { ...now, state: absence(now) };
    case 'unsupported':
      return { ...now, state: 'failed' };
    case 'published':
      return published({ ...now, published: happening.value });
  }
}

function standstill(published: Published): State {
  if (published === 'absent') return 'ended';
  return published === 'held' ? 'reconnecting' : 'buffering';
}

function absence(now: Condition): State {
  if (now.hasPlayed) return now.published === 'absent' ? 'ended' : 'reconnecting';
  return now.published === 'absent' ? 'waiting' : 'connecting';
}

function published(now: Condition): Condition {
  const { state } = now;
  if (state === 'failed' || state === 'playing') return now;
  if (now.published === 'absent') return { ...now, state: now.hasPlayed ? 'ended' : 'waiting' };
  if (now.published === 'held') return { ...now, state: now.hasPlayed ? 'reconnecting' : 'waiting' };
  if (now.published === 'live') {
    if (state === 'waiting') return { ...now, state: 'connecting' };
    if (state === 'ended') return { ...now, state: 'reconnecting' };
  }
  return now;
}
