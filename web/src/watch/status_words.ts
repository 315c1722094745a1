// What the viewer reads about the player's state: a word beside the title, and over the picture, when
// there is none, what is going on and what happens next.
import type { Stream } from '../api';
import type { State } from '../lib/player_state';
import { codecName } from '../lib/tracks';

export interface StatusWords {
  short: string;
  tone: 'live' | 'held' | 'off' | 'bad';
  title: string | null; // over the picture; null leaves the picture alone
  text: string;
  busy: boolean;
}

const kWords: Record<State, StatusWords> = {
  connecting: { short: 'Connecting', tone: 'off', title: 'Connecting', text: '', busy: true },
  waiting: {
    short: 'Waiting', tone: 'off', title: 'Nobody is publishing yet',
    text: 'The picture starts by itself when the stream does. You can leave this page open.', busy: true,
  },
  playing: { short: 'Live', tone: 'live', title: null, text: '', busy: false },
  buffering: { short: 'Buffering', tone: 'held', title: 'Buffering', text: '', busy: true },
  reconnecting: {
    short: 'Reconnecting', tone: 'held', title: 'Connection lost',
    text: 'Reconnecting. The picture goes on by itself.', busy: true,
  },
  ended: {
    short: 'Ended', tone: 'off', title: 'The stream has ended',
    text: 'If it comes back, it starts here by itself.', busy: false,
  },
  failed: { short: 'Cannot play', tone: 'bad', title: 'This browser cannot play the stream', text: '', busy: false },
};

export function statusWords(
  now: { state: State; paused: boolean },
  stream: Pick<Stream, 'live' | 'tracks'> | undefined,
): StatusWords {
  const words = kWords[now.state];
  if (now.state === 'failed') {
    const codecs = (stream?.tracks ?? []).filter((t) => t.kind !== 'data').map((t) => codecName(t.codec));
    const what = codecs.length ? ` (${codecs.join(', ')})` : '';
    return { ...words, text: `It has no decoder for the codecs${what}. VLC and mpv do; an address for them is on this page.` };
  }
  if (now.state === 'reconnecting' && stream && !stream.live) {
    return { ...words, title: 'The publisher is away', text: 'Its place is kept. The picture goes on when it returns.' };
  }
  if (now.paused && now.state === 'playing') return { ...words, short: 'Paused', tone: 'off' };
  return words;
}
