// An engine plays one URL into one video element and reports how it ended. The player owns it, and
// makes a new one for every try; an engine never retries for long by itself.

export type EngineEnd =
  | 'gone' // the server answered: no such stream
  | 'lost' // network trouble, or the server closed
  | 'unsupported'; // codecs this browser cannot decode

export interface Engine {
  // Seconds behind the publisher: true delay for HLS (`clock`), held buffer for FLV (`buffer`).
  readonly measures: 'clock' | 'buffer';
  latency(): number | null;
  // Jump to the newest picture.
  goLive(): void;
  // How far back the viewer can go and is, in seconds; null where there is only now.
  shift?(): TimeShift | null;
  // Play from this many seconds behind the newest, and stay there.
  rewind?(behind: number): void;
  destroy(): void;
}

export interface TimeShift {
  reach: number;
  behind: number;
}

export interface EngineContext {
  video: HTMLVideoElement;
  url: string;
  serverNow: () => number;
  // What the server's list says the stream has, when it says so.
  has: { video: boolean; audio: boolean } | null;
  onEnd: (end: EngineEnd, why: string) => void;
}

export function bufferedEnd(video: HTMLVideoElement): number | null {
  const { buffered } = video;
  return buffered.length ? buffered.end(buffered.length - 1) : null;
}
