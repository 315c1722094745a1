// A page on a port of its own (so that CORS matters) that plays a URL with hls.js or mpegts.js and keeps count.
import type { Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { e2e } from './paths.ts';

const modules = join(e2e, 'node_modules');
const scripts: Record<string, string> = {
  '/hls.js': readFileSync(join(modules, 'hls.js/dist/hls.min.js'), 'utf8'),
  '/mpegts.js': readFileSync(join(modules, 'mpegts.js/dist/mpegts.js'), 'utf8'),
};

const html = `<!doctype html><meta charset="utf-8"><video id="v" muted autoplay width="640"></video>
<script src="/hls.js"></script><script src="/mpegts.js"></script><script>
const v = document.getElementById('v');
const q = new URLSearchParams(location.search);
const s = window.stats = { time: 0, frames: 0, stalls: 0, errors: [], behind: 0 };
let playing = false;
v.addEventListener('playing', () => { playing = true; });
v.addEventListener('waiting', () => { if (playing) s.stalls += 1; });
setInterval(() => {
  const quality = v.getVideoPlaybackQuality();
  s.time = v.currentTime;
  s.frames = quality.totalVideoFrames - quality.droppedVideoFrames;
  s.behind = v.buffered.length ? v.buffered.end(v.buffered.length - 1) - v.currentTime : 0;
}, 100);
if (q.get('player') === 'hls') {
  const hls = new Hls({ liveSyncDurationCount: 2 });
  hls.on(Hls.Events.ERROR, (_, e) => s.errors.push((e.fatal ? 'fatal ' : '') + e.details));
  hls.loadSource(q.get('url'));
  hls.attachMedia(v);
} else {
  const p = mpegts.createPlayer({ type: 'flv', isLive: true, url: q.get('url'), hasAudio: q.get('audio') !== 'no' }, { enableStashBuffer: true });
  p.on(mpegts.Events.ERROR, (type, detail) => s.errors.push('fatal ' + type + ' ' + detail));
  p.attachMediaElement(v);
  p.load();
}
v.play().catch(() => {});
</script>`;

export type Stats = { time: number; frames: number; stalls: number; errors: string[]; behind: number };

export class PlayerPage {
  private constructor(readonly page: Page, private server: Server) {}

  static async open(page: Page, player: 'hls' | 'mpegts', url: string): Promise<PlayerPage> {
    const server = createServer((request, answer) => {
      const path = new URL(request.url!, 'http://x').pathname;
      answer.setHeader('content-type', scripts[path] ? 'text/javascript' : 'text/html');
      answer.end(scripts[path] ?? html);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/?player=${player}&url=${encodeURIComponent(url)}`);
    return new PlayerPage(page, server);
  }

  stats(): Promise<Stats> { return this.page.evaluate(() => (window as any).stats); }

  // Waits until the picture has moved on by `seconds`.
  async plays(seconds: number, timeout: number): Promise<Stats> {
    const from = (await this.stats()).time;
    await this.page.waitForFunction((t) => (window as any).stats.time >= t, from + seconds, { timeout })
      .catch(async (e) => { throw new Error(`${e.message}; ${JSON.stringify(await this.stats())}`); });
    return this.stats();
  }

  async close() {
    await this.page.close();
    this.server.closeAllConnections?.();
    await new Promise((done) => this.server.close(done));
  }
}
