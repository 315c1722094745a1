// A page on a port of its own (so that CORS matters) that plays a URL with one of four players and keeps count.
// The player's script is loaded before the click that starts it, as on a page that waits for its viewer.
import type { Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { e2e } from './paths.ts';

const modules = join(e2e, 'node_modules');
const files = {
  hls: 'hls.js/dist/hls.min.js',
  mpegts: 'mpegts.js/dist/mpegts.js',
  dash: 'dashjs/dist/modern/umd/dash.all.min.js',
  shaka: 'shaka-player/dist/shaka-player.compiled.js',
};
export type Player = keyof typeof files;
export type Options = { player: Player; url: string; clock?: boolean };

// Runs in the page.
function inPage(o: Options) {
  const v = document.getElementById('v') as HTMLVideoElement;
  const w = window as any;
  const s = (w.stats = { time: 0, frames: 0, stalls: [] as number[], errors: [] as string[], behind: 0, firstFrame: 0, playing: 0, samples: [] as object[], clock: [] as number[], ended: false });
  const fault = (text: string, fatal: boolean) => s.errors.push((fatal ? 'fatal ' : '') + text);
  let latency = () => NaN; // seconds, as the player's own clock has it

  const starts: Record<string, () => void> = {
    hls() {
      const { Hls } = w;
      const hls = (w.player = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.2 })); // catches up, as the watch page does
      hls.on(Hls.Events.ERROR, (_: string, e: any) => {
        fault(e.details + (e.response ? ' ' + e.response.code : '') + (e.error ? ' ' + e.error.message : ''), e.fatal);
        if (/stall|nudge|hole/i.test(e.details) && s.playing) s.stalls.push(v.currentTime);
      });
      latency = () => (hls.playingDate ? (Date.now() - hls.playingDate.getTime()) / 1000 : NaN);
      hls.loadSource(o.url);
      hls.attachMedia(v);
    },
    mpegts() {
      const p = (w.player = w.mpegts.createPlayer({ type: 'flv', isLive: true, url: o.url }, { enableStashBuffer: true }));
      p.on(w.mpegts.Events.ERROR, (type: string, detail: string) => fault(type + ' ' + detail, true));
      p.attachMediaElement(v);
      p.load();
    },
    dash() {
      const p = (w.player = w.dashjs.MediaPlayer().create());
      p.on('error', (e: any) => fault(`${e.error?.code ?? ''} ${e.error?.message ?? e.error}`, true));
      latency = () => p.getCurrentLiveLatency();
      p.initialize(v, o.url, true);
    },
    shaka() {
      w.shaka.polyfill.installAll();
      const p = (w.player = new w.shaka.Player());
      p.addEventListener('error', (e: any) => fault(`shaka ${e.detail.code} ${JSON.stringify(e.detail.data)}`, e.detail.severity === 2));
      p.configure({ streaming: { lowLatencyMode: true, liveSync: { enabled: true } } }); // towards the latency that the manifest asks for
      latency = () => { const d = p.getPlayheadTimeAsDate(); return d ? (Date.now() - d.getTime()) / 1000 : NaN; };
      p.attach(v).then(() => p.load(o.url)).catch((e: any) => fault(`shaka ${e.code} ${JSON.stringify(e.data)} ${e.stack}`, true));
    },
  };

  document.getElementById('go')!.addEventListener('click', () => {
    const clicked = performance.now();
    const frame = (now: number) => { s.firstFrame = now - clicked; };
    v.requestVideoFrameCallback(frame);
    starts[o.player]();
    // dash.js plays by itself; what has begun before it listens never starts its reloads of the manifest
    if (o.player !== 'dash') v.play().catch(() => {});
  });
  v.addEventListener('playing', () => { s.playing ||= performance.now(); });
  v.addEventListener('waiting', () => { if (s.playing) s.stalls.push(v.currentTime); });
  v.addEventListener('ended', () => { s.ended = true; });
  let counted = 0;
  setInterval(() => {
    const quality = v.getVideoPlaybackQuality();
    s.time = v.currentTime;
    const shown = quality.totalVideoFrames - quality.droppedVideoFrames; // begins again with a new source
    s.frames += shown < counted ? shown : shown - counted;
    counted = shown;
    s.behind = v.buffered.length ? v.buffered.end(v.buffered.length - 1) - v.currentTime : 0;
  }, 100);
  setInterval(() => { if (s.playing) s.samples.push({ at: Date.now(), time: v.currentTime, latency: latency(), rate: v.playbackRate }); }, 500);

  if (!o.clock) return;
  // publishClock: 16 blocks, 20 pixels wide, the lowest bit of the milliseconds first
  const canvas = new OffscreenCanvas(320, 40).getContext('2d', { willReadFrequently: true })!;
  const look = () => {
    canvas.drawImage(v, 0, 0, 320, 40, 0, 0, 320, 40);
    const row = canvas.getImageData(0, 20, 320, 1).data;
    let shown = 0;
    for (let i = 0; i < 16; ++i) if (row[(20 * i + 10) * 4] > 128) shown |= 1 << i;
    s.clock.push((((Date.now() - shown) % 65536) + 65536) % 65536);
    v.requestVideoFrameCallback(look);
  };
  v.requestVideoFrameCallback(look);
}

const html = (o: Options) => `<!doctype html><meta charset="utf-8"><title>${o.player}</title>
<video id="v" muted autoplay width="640"></video><button id="go">play</button><script src="/player.js"></script>
<script>const __name = (f) => f; (${inPage})(${JSON.stringify(o)});</script>`;

export type Sample = { at: number; time: number; latency: number; rate: number };
export type Stats = {
  time: number; frames: number; stalls: number[]; errors: string[]; behind: number; ended: boolean;
  firstFrame: number; // ms from the click
  playing: number;
  samples: Sample[]; // two a second since it plays
  clock: number[]; // ms from the encoder to the screen, one a picture
};

export class PlayerPage {
  private constructor(readonly page: Page, private server: Server) {}

  // Opens the page and, when its script is there, clicks.
  static async open(page: Page, player: Player, url: string, more: { clock?: boolean } = {}): Promise<PlayerPage> {
    const server = createServer((request, answer) => {
      const script = request.url === '/player.js';
      answer.setHeader('content-type', script ? 'text/javascript' : 'text/html');
      answer.end(script ? readFileSync(join(modules, files[player])) : html({ player, url, ...more }));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.click('#go');
    return new PlayerPage(page, server);
  }

  stats(): Promise<Stats> { return this.page.evaluate(() => (window as any).stats); }

  // Waits until it plays and the picture has moved on by `seconds`.
  async plays(seconds: number, timeout: number): Promise<Stats> {
    await this.page.waitForFunction(() => (window as any).stats.samples.length > 0, undefined, { timeout })
      .catch(async (e) => { throw new Error(`${e.message}; ${await this.said()}`); });
    const from = (await this.stats()).time;
    await this.page.waitForFunction((t) => (window as any).stats.time >= t, from + seconds, { timeout })
      .catch(async (e) => { throw new Error(`${e.message}; ${await this.said()}`); });
    return this.stats();
  }

  // Puts the picture `seconds` from where it is.
  async seek(seconds: number) {
    await this.page.evaluate((by) => {
      const [v, w] = [document.querySelector('video')!, window as any];
      // dash.js is asked, as its own controls do: it goes after its latency, and by this call learns what it now is to be
      if (w.player.seekToPresentationTime) w.player.seekToPresentationTime(v.currentTime + by);
      else v.currentTime += by;
      w.stats.time = v.currentTime;
    }, seconds);
  }

  async said(): Promise<string> {
    const { samples, clock, ...rest } = await this.stats();
    return JSON.stringify({ ...rest, samples: samples.slice(-4), clock: clock.slice(-4) });
  }

  async close() {
    await this.page.close();
    this.server.closeAllConnections?.();
    await new Promise((done) => this.server.close(done));
  }
}

export const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
