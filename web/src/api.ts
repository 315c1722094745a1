// The server's JSON, as far as these pages use it.
import { Backoff } from './lib/backoff';
import { fromDateHeader, ServerClock } from './lib/clock';
import { sameKey, type StreamKey } from './lib/paths';
import type { Published } from './lib/player_state';
import type { Track } from './lib/tracks';

export interface Stream extends StreamKey {
  live: boolean; // false while a lost publisher's place is held
  viewers: number;
  since: string; // ISO time
  tracks: Track[];
}

export interface StreamList {
  streams: Stream[];
  rtmp_port: number;
}

export interface Listing {
  list: StreamList | null; // the newest answer, kept while the server is silent
  error: string | null; // why the newest question has no answer
}

const kPollMs = 2000;
const kAnswerMs = 5000;

async function getJson(path: string): Promise<unknown> {
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(kAnswerMs) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function readList(json: unknown): StreamList {
  const raw = json as Partial<StreamList>;
  if (!raw || !Array.isArray(raw.streams)) throw new Error('streams: unexpected answer');
  const streams = raw.streams.map((s) => ({ ...s, tracks: s.tracks ?? [], viewers: s.viewers ?? 0 }));
  return { streams, rtmp_port: raw.rtmp_port ?? 0 };
}

export function findStream(listing: Listing, key: StreamKey): Stream | undefined {
  return listing.list?.streams.find((stream) => sameKey(stream, key));
}

export function publishedState(listing: Listing, key: StreamKey): Published {
  if (!listing.list || listing.error) return 'unknown';
  const stream = findStream(listing, key);
  if (!stream) return 'absent';
  return stream.live ? 'live' : 'held';
}

// Asks for the list every two seconds while the page is looked at, slower while the server is silent.
export class StreamPoll {
  private listing_: Listing = { list: null, error: null };
  private timer_ = 0;
  private asking_ = false;
  private stopped_ = false;
  private readonly backoff_ = new Backoff(kPollMs, 30_000);

  constructor(private readonly changed_: (listing: Listing) => void) {
    document.addEventListener('visibilitychange', this.onVisible_);
    void this.ask();
  }

  // Asks now, unless a question is under way.
  async ask(): Promise<void> {
    if (this.asking_ || this.stopped_) return;
    window.clearTimeout(this.timer_);
    this.asking_ = true;
    let wait = kPollMs;
    try {
      this.listing_ = { list: readList(await getJson('/api/v1/streams')), error: null };
      this.backoff_.reset();
    } catch (e) {
      this.listing_ = { ...this.listing_, error: e instanceof Error ? e.message : String(e) };
      wait = this.backoff_.next();
    }
    this.asking_ = false;
    if (this.stopped_) return;
    this.changed_(this.listing_);
    this.timer_ = window.setTimeout(() => document.hidden || void this.ask(), wait);
  }

  stop(): void {
    this.stopped_ = true;
    window.clearTimeout(this.timer_);
    document.removeEventListener('visibilitychange', this.onVisible_);
  }

  private onVisible_ = () => {
    if (!document.hidden) void this.ask();
  };
}

async function sampleClock(clock: ServerClock): Promise<void> {
  const sent = Date.now();
  const answer = await fetch('/api/v1/time', { cache: 'no-store', signal: AbortSignal.timeout(kAnswerMs) });
  const received = Date.now();
  let server = NaN;
  if (answer.ok) {
    const body = (await answer.json().catch(() => null)) as { now?: string } | null;
    server = Date.parse(body?.now ?? '');
  }
  if (Number.isNaN(server)) server = fromDateHeader(answer.headers.get('date'));
  clock.add({ sent, received, server });
}

// Keeps a clock in step with the server's: a few questions at once, then one a minute.
export function followClock(clock: ServerClock): () => void {
  const ask = () => sampleClock(clock).catch(() => undefined); // no answer: the old samples stand
  void (async () => {
    for (let i = 0; i < 3; i += 1) await ask();
  })();
  const timer = window.setInterval(ask, 60_000);
  return () => window.clearInterval(timer);
}
