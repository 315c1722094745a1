// Peers that mean harm: the server lives, its memory comes back, and nobody else loses a frame.
import { connect, type Socket } from 'node:net';
import { encode } from './lib/amf.ts';
import { media, publishFile } from './lib/media.ts';
import { expectSame, probeFile, read } from './lib/probe.ts';
import { sleep, until } from './lib/process.ts';
import { RtmpClient } from './lib/rtmp_client.ts';
import { expect, test, Weir } from './lib/weir.ts';

function open(port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => done(socket));
    socket.on('error', fail);
    socket.setMaxListeners(0);
  });
}

// Sends, reads and drops what comes, waits up to `ms` for the server to close, then leaves.
async function throwAt(port: number, bytes: Buffer, ms = 300) {
  const socket = await open(port);
  socket.on('data', () => {});
  socket.write(bytes);
  await Promise.race([new Promise((done) => socket.once('close', done)), sleep(ms)]);
  socket.destroy();
}

// Random, but the same every time.
function noise(size: number, seed: number): Buffer {
  const out = Buffer.alloc(size);
  for (let i = 0, x = seed * 2654435761 + 1; i < size; ++i) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    out[i] = x >>> 24;
  }
  return out;
}

const inBatches = async (count: number, at: number, each: (i: number) => Promise<unknown>) => {
  for (let i = 0; i < count; i += at) await Promise.all(Array.from({ length: Math.min(at, count - i) }, (_, k) => each(i + k)));
};

const handshake = Buffer.concat([Buffer.from([3]), Buffer.alloc(1536), Buffer.alloc(1536)]);

// An RTMP message of `payload` on chunk stream 3, in one chunk after a chunk size of 16 MiB - 1.
function message(type: number, payload: Buffer): Buffer {
  const head = Buffer.from([3, 0, 0, 0, payload.length >> 16, payload.length >> 8, payload.length, type, 0, 0, 0, 0]);
  return Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff]), head, payload]);
}

const deep = (levels: number) =>
  Buffer.concat([encode('connect'), encode(1), ...Array.from({ length: levels }, () => Buffer.from([3, 0, 1, 0x61]))]);

const attacks: Record<string, (weir: Weir) => Promise<void>> = {
  'viewers that never read': async (weir) => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => open(weir.httpPort)));
    for (const s of sockets) {
      s.on('error', () => {});
      s.pause();
      s.write('GET /live/fat.flv HTTP/1.1\r\nHost: x\r\n\r\n');
    }
    const players = await Promise.all(Array.from({ length: 10 }, () => RtmpClient.connect(weir.rtmpPort, 'live')));
    for (const p of players) {
      p.command(1, 'play', null, 'fat');
      p.socket.pause();
    }
    await sleep(6_000);
    expect(await weir.memory(), 'MiB while nobody reads').toBeLessThan(200);
    for (const s of [...sockets, ...players.map((p) => p.socket)]) s.destroy();
  },
  'random bytes on both ports': (weir) => inBatches(200, 40, async (i) => {
    await throwAt(i % 2 ? weir.rtmpPort : weir.httpPort, noise(1 + (i * 977) % 20_000, i));
  }),
  'random bytes after a good handshake': (weir) => inBatches(200, 40, (i) =>
    throwAt(weir.rtmpPort, Buffer.concat([handshake, noise(1 + (i * 613) % 20_000, i)]))),
  'truncated handshakes and requests': (weir) => inBatches(120, 40, async (i) => {
    const request = Buffer.from('GET /live/x.flv HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    await (i % 2 ? throwAt(weir.rtmpPort, handshake.subarray(0, i * 25), 50) : throwAt(weir.httpPort, request.subarray(0, i), 50));
  }),
  'deep and lying AMF': (weir) => inBatches(40, 10, async (i) => {
    const lying = Buffer.concat([encode('connect'), encode(1), Buffer.from([8, 0xff, 0xff, 0xff, 0xff, 0, 1, 0x61, 10, 0xff, 0xff, 0xff, 0xff])]);
    await throwAt(weir.rtmpPort, Buffer.concat([handshake, message(20, i % 2 ? deep(50_000) : lying)]));
  }),
  'huge messages announced, never sent': (weir) => inBatches(100, 50, (i) =>
    throwAt(weir.rtmpPort, Buffer.concat([handshake, Buffer.from([3 + (i % 50), 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0]), noise(100, i)]))),
  'hostile requests': (weir) => inBatches(60, 20, (i) => throwAt(weir.httpPort, Buffer.from([
    'GET /' + 'a'.repeat(100_000) + ' HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET / HTTP/1.1\r\n' + Array.from({ length: 5_000 }, (_, k) => `X-${k}: ${'v'.repeat(50)}\r\n`).join('') + '\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n' + 'x'.repeat(10_000),
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n',
    'GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /live/%2e%2e%2f%00/index.m3u8 HTTP/1.1\r\nHost: x\r\n\r\n',
  ][i % 6]))),
  '10,000 names that do not exist': async (weir) => {
    await inBatches(5_000, 50, async (i) => { await (await fetch(weir.http(`live/none${i}/index.m3u8`))).arrayBuffer(); });
    await inBatches(5_000, 100, (i) => throwAt(weir.httpPort, Buffer.from(`GET /live/none${i}.flv HTTP/1.1\r\nHost: x\r\n\r\n`), 20));
  },
  'slow loris': async (weir) => {
    const sockets = await Promise.all(Array.from({ length: 300 }, (_, i) => open(i % 2 ? weir.httpPort : weir.rtmpPort)));
    for (const s of sockets) s.on('error', () => {});
    for (let i = 0; i < 20; ++i) {
      for (const s of sockets) s.write(i === 0 ? 'G' : 'E');
      await sleep(200);
    }
    for (const s of sockets) s.destroy();
  },
};

test('attacks of every kind', async () => {
  test.setTimeout(150_000);
  const weir = await Weir.start({ 'segments.rewind': '10s' });
  try {
    // The first round of everything shows what memory is for good: thread stacks, allocator pools, caches.
    for (const attack of Object.values(attacks)) await attack(weir);
    await sleep(1_000);
    const before = await weir.memory();
    const from = weir.log.length;
    const reader = read(weir.rtmp('live/fat'));
    await until('the steady viewer', 10_000, () => weir.log.slice(from).includes('playing live/fat'));
    const publisher = publishFile('fat.flv', weir.rtmp('live/fat'));
    for (const [title, attack] of Object.entries(attacks)) {
      await test.step(title, async () => {
        await attack(weir);
        expect(weir.alive, weir.log.slice(-2_000)).toBe(true);
      });
    }
    await publisher.finish(60_000);
    expectSame(await reader.streams(20_000), await probeFile(media('fat.flv')));
    // what the stream itself held goes when it ends
    await expect.poll(() => weir.memory(), { timeout: 30_000, message: 'MiB afterwards' }).toBeLessThan(before + 30);
    expect((await fetch(weir.http(''))).status).toBeLessThan(500);
  } finally {
    expect(await weir.stop(), 'exit status').toBe(0);
  }
});
