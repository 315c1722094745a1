// A Weir under test: free ports, a folder of its own, settings by --set. WEIR names another binary.
import { test as base } from '@playwright/test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from './paths.ts';
import { start, until, type Process } from './process.ts';

const binary = process.env.WEIR ?? join(repository, 'build/release/weir');

export type Settings = Record<string, string | number>;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); done(true); });
    socket.on('error', () => done(false));
  });
}

export class Weir {
  private constructor(readonly process: Process, readonly folder: string, readonly rtmpPort: number, readonly httpPort: number) {}

  static async start(settings: Settings = {}, more: string[] = []): Promise<Weir> {
    const [rtmp, http] = [await freePort(), await freePort()];
    const folder = await mkdtemp(join(tmpdir(), 'weir-e2e-'));
    const all: Settings = { 'rtmp.listen': `127.0.0.1:${rtmp}`, 'http.listen': `127.0.0.1:${http}`, ...settings };
    const args = Object.entries(all).flatMap(([k, v]) => ['--set', `${k}=${v}`.replace('{folder}', folder)]);
    const weir = new Weir(start(binary, ['serve', ...args, ...more]), folder, rtmp, http);
    try {
      await until('the server listens', 10_000, async () => {
        if (!weir.process.running) throw new Error(`weir did not start\n${weir.log}`);
        return (await answers(rtmp)) && (await answers(http));
      });
    } catch (e) {
      await weir.stop();
      throw e;
    }
    return weir;
  }

  get log() { return this.process.stdout + this.process.log; }
  get alive() { return this.process.running; }
  // app/stream as viewers and publishers name it
  rtmp(stream: string) { return `rtmp://127.0.0.1:${this.rtmpPort}/${stream}`; }
  http(path: string) { return `http://127.0.0.1:${this.httpPort}/${path}`; }
  flv(stream: string) { return this.http(`${stream}.flv`); }
  hls(stream: string) { return this.http(`${stream}/index.m3u8`); }
  ts(stream: string) { return this.http(`${stream}/ts.m3u8`); }
  dash(stream: string) { return this.http(`${stream}/manifest.mpd`); }

  // Waits until `count` viewers of a stream are there; only then does it owe them its first frame.
  async watched(stream: string, count: number) {
    const lines = () => this.log.split('\n').filter((l) => l.includes(stream) && l.includes('playing') && !l.includes('stopped'));
    await until(`${count} viewers of ${stream}`, 20_000, () => lines().length >= count);
  }

  // Resident memory in MiB.
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.process.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  async stop() {
    const status = await this.process.stop('SIGTERM', 10_000);
    await rm(this.folder, { recursive: true, force: true });
    return status;
  }
}

// `weir` is shared by the tests of a worker, so stream names must differ: `name` is one per test.
// Whoever takes a browser page measures playing, and must say so by its tag: it then runs alone.
export const player = { tag: '@player' };
export const test = base.extend<{ name: string; logOnFailure: void }, { weir: Weir; settings: Settings }>({
  page: async ({ page }, use, info) => {
    if (!info.tags.includes(player.tag)) throw new Error('a test with a page runs alone: tag it `player`');
    await use(page);
  },
  settings: [{}, { scope: 'worker', option: true }],
  weir: [async ({ settings }, use) => {
    const weir = await Weir.start(settings);
    await use(weir);
    await weir.stop();
  }, { scope: 'worker' }],
  name: async ({}, use, info) => {
    await use('live/' + info.testId.replace(/[^a-z0-9]/gi, '') + info.repeatEachIndex + info.retry);
  },
  logOnFailure: [async ({ weir }, use, info) => {
    const before = weir.log.length;
    await use();
    if (info.status !== info.expectedStatus) await info.attach('server log', { body: weir.log.slice(before) || weir.log });
    if (!weir.alive) throw new Error(`the server died\n${weir.log.slice(-4000)}`);
  }, { auto: true }],
});
export { expect } from '@playwright/test';
