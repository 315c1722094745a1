// A stand-in for the server while working on the pages: the API, HLS and FLV of test pictures made
// by ffmpeg, and web/dist under the strict policy. Development only.
//   npm run mock            port 8080 (or PORT), streams live/demo, live/eu/concert, cam/door
//   POST /mock/stop?key=live/demo    the publisher leaves      /mock/start    comes back
//   POST /mock/hold?key=live/demo    the publisher is lost, its place held
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { acceptWebSocket, frame } from './websocket.mjs';

const port = Number(process.env.PORT ?? 8080);
const work = mkdtempSync(join(tmpdir(), 'weir-mock-'));
const dist = new URL('../dist/', import.meta.url).pathname;

const kPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
  "connect-src 'self'; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'";
const kTypes = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2', '.m3u8': 'application/vnd.apple.mpegurl', '.ts': 'video/mp2t',
};

const video = (width, height, frame_rate) => ({ kind: 'video', codec: 'h264', codecs: 'avc1.64001f', width, height, frame_rate });
const audio = { kind: 'audio', codec: 'aac', codecs: 'mp4a.40.2', sample_rate: 48000, channels: 2 };
const streams = new Map();

function add(app, name, viewers, age, tracks, publishes) {
  streams.set(`${app}/${name}`, { app, name, viewers, started: Date.now() - age, tracks, publishes, live: false, held: false, ffmpeg: null });
}
add('live', 'demo', 3, 0, [video(1280, 720, 30), audio], true);
add('live/eu', 'concert-main-stage', 1284, 3 * 3600e3, [video(1920, 1080, 59.94), { ...audio, codec: 'opus' }], false);
add('cam', 'door', 0, 75 * 3600e3, [video(2560, 1440, 15)], false);

const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30'];
const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'];
const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '60', '-c:a', 'aac'];
const ffmpeg = (...out) => spawn('ffmpeg', ['-loglevel', 'error', ...picture, ...tone, ...coding, ...out], { stdio: ['ignore', 'pipe', 'inherit'] });

function start(stream) {
  stream.live = true;
  stream.held = false;
  if (!stream.publishes || stream.ffmpeg) return;
  stream.started = Date.now();
  const flags = 'delete_segments+program_date_time+omit_endlist+append_list+discont_start+temp_file';
  const file = join(work, `${stream.name}.m3u8`);
  stream.ffmpeg = ffmpeg('-f', 'hls', '-hls_time', '2', '-hls_list_size', '6', '-hls_flags', flags, file);
}

function stop(stream, held) {
  stream.live = false;
  stream.held = held;
  stream.ffmpeg?.kill('SIGKILL');
  stream.ffmpeg = null;
  if (!held) rmSync(join(work, `${stream.name}.m3u8`), { force: true });
  for (const viewer of flvViewers.get(stream) ?? []) viewer.kill('SIGKILL');
}

const flvViewers = new Map();
function flv(stream) {
  const child = ffmpeg('-f', 'flv', '-flvflags', 'no_duration_filesize', '-');
  const set = flvViewers.get(stream) ?? new Set();
  flvViewers.set(stream, set.add(child));
  child.on('exit', () => set.delete(child));
  return child;
}

function listing() {
  const shown = [...streams.values()].filter((s) => s.live || s.held);
  return {
    streams: shown.map((s) => ({ app: s.app, name: s.name, live: s.live, viewers: s.viewers, since: new Date(s.started).toISOString(), tracks: s.tracks })),
    rtmp_port: 1935,
  };
}

const byFlvPath = (path) => streams.get(decodeURIComponent(path).replace(/^\/(.*)\.flv$/, '$1'));

function send(res, status, type, body, headers = {}) {
  res.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
  res.end(body);
}
const sendJson = (res, value) => send(res, 200, 'application/json', JSON.stringify(value));
const sendFile = (res, path, headers) => send(res, 200, kTypes[extname(path)] ?? 'application/octet-stream', readFileSync(path), headers);

function control(res, url) {
  const stream = streams.get(url.searchParams.get('key'));
  for (const s of stream ? [stream] : streams.values()) {
    if (url.pathname === '/mock/start') start(s);
    else stop(s, url.pathname === '/mock/hold');
  }
  sendJson(res, listing());
}

function media(res, path) {
  const stream = byFlvPath(path);
  if (path.endsWith('.flv')) {
    if (!stream?.live) return send(res, 404, 'text/plain', 'no such stream\n');
    const child = flv(stream);
    res.writeHead(200, { 'content-type': 'video/x-flv' });
    child.stdout.pipe(res);
    res.on('close', () => child.kill('SIGKILL'));
    return;
  }
  const file = join(work, path.endsWith('/index.m3u8') ? `${path.split('/').at(-2)}.m3u8` : path.split('/').at(-1));
  if (!existsSync(file)) return send(res, 404, 'text/plain', 'no such file\n');
  sendFile(res, file);
}

const server = createServer((req, res) => {
  const url = new URL(req.url, 'http://mock');
  const path = url.pathname;
  if (path === '/api/v1/streams') return sendJson(res, listing());
  if (path === '/api/v1/time') return sendJson(res, { now: new Date().toISOString() });
  if (path.startsWith('/mock/')) return control(res, url);
  if (/\.(flv|m3u8|ts)$/.test(path)) return media(res, path);
  const asset = join(dist, path);
  if (path.startsWith('/assets/')) return existsSync(asset) ? sendFile(res, asset) : send(res, 404, 'text/plain', '');
  sendFile(res, join(dist, 'index.html'), { 'content-security-policy': kPolicy });
});

server.on('upgrade', (req, socket) => {
  const stream = byFlvPath(new URL(req.url, 'http://mock').pathname);
  if (!stream?.live) return socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
  acceptWebSocket(req, socket);
  const child = flv(stream);
  child.stdout.on('data', (chunk) => socket.write(frame(chunk)));
  child.on('exit', () => socket.end());
  socket.on('close', () => child.kill('SIGKILL'));
  socket.on('error', () => child.kill('SIGKILL'));
});

function quit() {
  for (const stream of streams.values()) stop(stream, false);
  rmSync(work, { recursive: true, force: true });
  process.exit(0);
}
process.on('SIGINT', quit);
process.on('SIGTERM', quit);
if (!process.env.EMPTY) for (const stream of streams.values()) start(stream);
server.listen(port, () => console.log(`mock on http://localhost:${port}/`));
