// Player: keeps one stream on one video element for as long as the page is open. It starts an engine,
// hears how it ends, and starts another when the stream comes back; what the viewer sees of this is
// the State of lib/player_state. Owned by the watch page; tells it of changes through `changed`.
import { Backoff } from '../lib/backoff';
import { kStart, step, type Condition, type Happening, type Published, type State } from '../lib/player_state';
import type { Protocol } from '../lib/protocols';
import type { Engine, EngineContext, EngineEnd, TimeShift } from './engine';
import { FrameCounter } from './frames';
import { StallMeter } from './stalls';

export interface Measures {
  latency: number | null; // seconds
  measures: 'clock' | 'buffer';
  stalls: number;
  stalledMs: number;
  decodedFrames: number;
  droppedFrames: number;
  currentTime: number;
  width: number;
  height: number;
}

export interface Snapshot {
  state: State;
  protocol: Protocol;
  paused: boolean; // by the viewer
  needsUnmute: boolean; // sound was refused by the browser; a gesture brings it
  failure: string; // why, in state failed
}

export interface PlayerOptions {
  video: HTMLVideoElement;
  protocol: Protocol;
  urls: Record<Protocol, string>;
  native: boolean; // HLS without Media Source Extensions
  serverNow: () => number;
  changed: (snapshot: Snapshot) => void;
  curious: () => void; // the server's list is worth asking for now
}

// Longer than any playlist reload or segment should take: then the engine is given up.
const kNoProgressMs = 12_000;
const kTickMs = 250;
// The longest wait between tries while the server says the stream is live.
const kHurryMs = 1500;
// A viewer's pause longer than this lets go of the connection.
const kPauseHoldMs = 30_000;

export class Player {
  private condition_: Condition = kStart;
  private engine_: Engine | null = null;
  private over_ = false; // the engine has reported its end; what it buffered may still play out
  private generation_ = 0; // answers of engines that were replaced are ignored
  private protocol_: Protocol;
  private paused_ = false;
  private needsUnmute_ = false;
  private failure_ = '';
  private has_: EngineContext['has'] = null;
  private retryTimer_ = 0;
  private readonly tickTimer_: number;
  private progressAt_ = performance.now();
  private pausedAt_ = 0;
  private lastTime_ = 0;
  private lastMeasures_: 'clock' | 'buffer' = 'clock';
  private readonly backoff_ = new Backoff(1000, 8000);
  private readonly frames_ = new FrameCounter();
  private readonly stalls_ = new StallMeter();
  private readonly listening_ = new AbortController();

  constructor(private readonly options_: PlayerOptions) {
    this.protocol_ = options_.protocol;
    const { video } = options_;
    const on = (name: string, f: () => void) =>
      video.addEventListener(name, f, { signal: this.listening_.signal });
    on('playing', () => this.onPlaying());
    on('waiting', () => this.onWaiting());
    on('ended', () => this.onEngineEnd(this.generation_, 'lost', 'end of stream'));
    on('volumechange', () => this.onVolume());
    // Media keys and the system's own buttons pause and play behind our back.
    on('pause', () => this.onPauseElsewhere());
    on('play', () => this.paused_ && this.resume());
    this.tickTimer_ = window.setInterval(() => this.tick(), kTickMs);
    void this.attempt();
  }

  get snapshot(): Snapshot {
    return {
      state: this.condition_.state,
      protocol: this.protocol_,
      paused: this.paused_,
      needsUnmute: this.needsUnmute_,
      failure: this.failure_,
    };
  }

  get muted(): boolean {
    return this.options_.video.muted;
  }

  measures(): Measures {
    const { video } = this.options_;
    const quality = video.getVideoPlaybackQuality?.();
    const frames = this.frames_.update(quality?.totalVideoFrames ?? 0, quality?.droppedVideoFrames ?? 0);
    const moving = this.condition_.state === 'playing' && !this.paused_;
    return {
      latency: moving ? (this.engine_?.latency() ?? null) : null,
      measures: this.engine_?.measures ?? this.lastMeasures_,
      stalls: this.stalls_.count,
      stalledMs: this.stalls_.total(performance.now()),
      decodedFrames: frames.decoded,
      droppedFrames: frames.dropped,
      currentTime: video.currentTime,
      width: video.videoWidth,
      height: video.videoHeight,
    };
  }

  shift(): TimeShift | null {
    return this.condition_.state === 'playing' || this.paused_ ? (this.engine_?.shift?.() ?? null) : null;
  }

  rewind(behind: number): void {
    this.progressAt_ = performance.now();
    this.engine_?.rewind?.(behind);
  }

  choose(protocol: Protocol): void {
    if (protocol === this.protocol_ && this.condition_.state !== 'failed') return;
    this.protocol_ = protocol;
    this.backoff_.reset();
    this.paused_ = false;
    void this.attempt();
  }

  // What the server's list says, after every poll.
  setPublished(value: Published, has: EngineContext['has']): void {
    this.has_ = has ?? this.has_;
    const before = this.condition_;
    if (value === before.published) return;
    this.happen({ type: 'published', value });
    if (value !== 'live' || this.paused_) return;
    this.progressAt_ = performance.now();
    this.backoff_.reset();
    // An engine that rode out the publisher's absence goes on by itself.
    if (!this.engine_ || this.over_ || ['waiting', 'ended', 'failed'].includes(before.state)) {
      void this.attempt();
    }
  }

  pause(): void {
    this.paused_ = true;
    this.pausedAt_ = performance.now();
    this.options_.video.pause();
    this.tell();
  }

  resume(): void {
    this.paused_ = false;
    if (this.engine_ && !this.over_) {
      this.engine_.goLive();
      void this.play();
    } else {
      void this.attempt();
    }
    this.tell();
  }

  goLive(): void {
    this.engine_?.goLive();
  }

  unmute(): void {
    const { video } = this.options_;
    video.muted = false;
    if (video.volume === 0) video.volume = 1;
    this.needsUnmute_ = false;
    if (!this.paused_) void this.play();
    this.tell();
  }

  destroy(): void {
    this.listening_.abort();
    window.clearInterval(this.tickTimer_);
    this.detach();
  }

  private async attempt(): Promise<void> {
    this.detach();
    const generation = this.generation_;
    this.progressAt_ = performance.now();
    this.happen({ type: 'attempt' });
    try {
      const start = await loadEngine(this.protocol_, this.options_.native);
      if (generation !== this.generation_) return;
      this.engine_ = start({
        video: this.options_.video,
        url: this.options_.urls[this.protocol_],
        serverNow: this.options_.serverNow,
        has: this.has_,
        onEnd: (end, why) => this.onEngineEnd(generation, end, why),
      });
      this.lastMeasures_ = this.engine_.measures;
    } catch (e) {
      this.onEngineEnd(generation, 'lost', e instanceof Error ? e.message : String(e));
      return;
    }
    await this.play();
  }

  // With sound if the browser lets us, without if not: a moving picture and a button beat a still one.
  private async play(): Promise<void> {
    const { video } = this.options_;
    const generation = this.generation_;
    try {
      await video.play();
    } catch (e) {
      const refused = e instanceof DOMException && e.name === 'NotAllowedError';
      if (!refused || video.muted || generation !== this.generation_) return;
      video.muted = true;
      this.needsUnmute_ = true;
      this.tell();
      await video.play().catch(() => undefined); // a later engine, or the viewer, starts it
    }
  }

  private detach(): void {
    this.generation_ += 1;
    window.clearTimeout(this.retryTimer_);
    this.engine_?.destroy();
    this.engine_ = null;
    this.over_ = false;
  }

  private onEngineEnd(generation: number, end: EngineEnd, why: string): void {
    if (generation !== this.generation_) return;
    this.generation_ += 1; // one end per engine
    this.over_ = true;
    this.failure_ = why;
    this.happen({ type: end });
    if (end === 'unsupported') {
      this.detach();
      return;
    }
    this.options_.curious();
    const hurry = this.condition_.published === 'live' ? kHurryMs : Infinity;
    window.clearTimeout(this.retryTimer_);
    this.retryTimer_ = window.setTimeout(() => this.retry(), Math.min(this.backoff_.next(), hurry));
  }

  private retry(): void {
    // What is over and not on the server's list starts again when the list says so; trying before
    // would replay the tail of the finished playlist.
    const { published, hasPlayed } = this.condition_;
    if (!this.paused_ && !(hasPlayed && published === 'absent')) void this.attempt();
  }

  private onPauseElsewhere(): void {
    // A browser pausing a hidden page resumes it too. The end of a stream and the change from one
    // engine to the next pause the element as well, the latter with an event that comes late.
    const { video } = this.options_;
    const running = this.engine_ && !this.over_ && this.condition_.state === 'playing';
    if (this.paused_ || !running || video.ended || document.hidden) return;
    if (video.paused && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.pause();
  }

  private onPlaying(): void {
    this.stalls_.flowing(performance.now());
    this.backoff_.reset();
    this.progressAt_ = performance.now();
    this.happen({ type: 'playing' });
  }

  private onWaiting(): void {
    const { video } = this.options_;
    if (this.condition_.state !== 'playing' || this.paused_ || video.seeking) return;
    this.stalls_.dry(performance.now());
  }

  private onVolume(): void {
    if (!this.options_.video.muted && this.needsUnmute_) {
      this.needsUnmute_ = false;
      this.tell();
    }
  }

  private tick(): void {
    const now = performance.now();
    const { video } = this.options_;
    if (video.currentTime !== this.lastTime_) {
      this.lastTime_ = video.currentTime;
      this.progressAt_ = now;
      // `playing` is not fired again when a stall ends within the browser's own patience.
      if (!video.paused && !video.seeking && this.condition_.state === 'buffering') this.onPlaying();
    }
    if (this.stalls_.standing(now)) {
      this.happen({ type: 'stalled' });
      this.options_.curious();
    }
    if (this.paused_ && this.engine_ && now - this.pausedAt_ > kPauseHoldMs) this.detach();
    // While the server holds a lost publisher's place, the open connection is the quickest way back.
    const wanted = this.engine_ && !this.over_ && !this.paused_ && this.condition_.published !== 'held';
    if (wanted && now - this.progressAt_ > kNoProgressMs) {
      this.onEngineEnd(this.generation_, 'lost', 'no progress');
      this.progressAt_ = now;
    }
  }

  private happen(happening: Happening): void {
    const before = this.condition_;
    this.condition_ = step(before, happening);
    if (this.condition_.state !== before.state) this.tell();
  }

  private tell(): void {
    this.options_.changed(this.snapshot);
  }
}

async function loadEngine(protocol: Protocol, native: boolean): Promise<(c: EngineContext) => Engine> {
  if (protocol !== 'hls') return (await import('./engine_flv')).startFlv;
  return native ? (await import('./engine_native')).startNative : (await import('./engine_hls')).startHls;
}
