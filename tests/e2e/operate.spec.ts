// The server as its operator meets it: configuration files, reload, logs, drain, first answers over HTTP.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publishFile, publishLoop } from './lib/media.ts';
import { repository } from './lib/paths.ts';
import { read, track } from './lib/probe.ts';
import { sleep, until } from './lib/process.ts';
import { Weir, expect, test } from './lib/weir.ts';

const binary = process.env.WEIR ?? join(repository, 'build/release/weir');
const run = async (...args: string[]) => {
  try {
    const { stdout, stderr } = await promisify(execFile)(binary, args);
    return { code: 0, stdout, stderr };
  } catch (e) {
    const failed = e as { code: number; stdout: string; stderr: string };
    return { code: failed.code, stdout: failed.stdout, stderr: failed.stderr };
  }
};

test('a wrong key is told with line, column and the nearest name', async ({}, info) => {
  const file = info.outputPath('wrong.yaml');
  await writeFile(file, 'rtmp:\n  lisen: 127.0.0.1:1935\n');
  const checked = await run('check', file);
  expect(checked.code).toBe(2);
  expect(checked.stdout + checked.stderr).toMatch(/wrong\.yaml:2:3: .*lisen.*did you mean "listen"/);
});

test('the printed configuration is accepted as a file', async ({}, info) => {
  const file = info.outputPath('all.yaml');
  await writeFile(file, (await run('print-config')).stdout);
  expect((await run('check', file)).code).toBe(0);
});

test('SIGHUP reads the file again and keeps sessions; a bad file changes nothing', async ({}, info) => {
  const file = info.outputPath('weir.yaml');
  await writeFile(file, 'log:\n  level: info\n');
  const weir = await Weir.start({}, ['--config', file]);
  const publisher = publishLoop(weir.rtmp('live/kept'));
  const viewer = read(weir.flv('live/kept'));
  await weir.watched('live/kept', 1);
  await sleep(2_000);
  await writeFile(file, 'log:\n  level: debug\nstream:\n  hold: 3s\n');
  weir.process.child.kill('SIGHUP');
  await until('the reload', 5_000, () => weir.log.includes('changed: log.level stream.hold') || weir.log.includes('log.level'));
  await writeFile(file, 'stream:\n  hold: soon\n');
  weir.process.child.kill('SIGHUP');
  await until('the refusal', 5_000, () => weir.log.includes('configuration not read'));
  await sleep(2_000);
  expect(publisher.running && viewer.process.running).toBe(true);
  await publisher.stop();
  expect(track(await viewer.streams(20_000), 'video')!.packets.length).toBeGreaterThan(60);
  await weir.stop();
});

test('SIGTERM lets sessions go on for the drain time, then ends them', async () => {
  const weir = await Weir.start({ 'server.drain': '3s' });
  const publisher = publishLoop(weir.rtmp('live/drained'));
  const viewer = read(weir.flv('live/drained'));
  await weir.watched('live/drained', 1);
  await sleep(1_500);
  weir.process.child.kill('SIGTERM');
  await sleep(1_500);
  expect(weir.alive && publisher.running && viewer.process.running).toBe(true);
  expect(await weir.process.ended).toBe(0);
  await publisher.stop();
  await viewer.process.stop();
});

test('JSON logs: every line parses, one closing line a session, no secret in any', async () => {
  const weir = await Weir.start({ 'log.format': 'json', 'log.level': 'debug' });
  const publisher = publishFile('small.flv', weir.rtmp('live/quiet') + '?key=hunter2');
  const viewer = read(weir.flv('live/quiet') + '?token=hunter3');
  await publisher.finish(60_000);
  await viewer.streams(20_000);
  await weir.stop();
  const lines = weir.log.trim().split('\n').map((l) => JSON.parse(l) as { level: string; context: string; message: string });
  expect(weir.log).not.toMatch(/hunter[23]/);
  for (const protocol of ['rtmp', 'http-flv']) {
    expect(lines.filter((l) => l.context.startsWith(protocol) && l.level === 'info' && l.message.startsWith('closed: '))).toHaveLength(1);
  }
});

test('HTTP: HEAD, preflight, ranges, validators, gzip and aliases', async () => {
  const weir = await Weir.start({ 'http.aliases': '/hls/{stream}.m3u8=/live/{stream}/index.m3u8' });
  const publisher = publishLoop(weir.rtmp('live/web'));
  const playlist = weir.http('hls/web.m3u8');
  await until('the alias', 20_000, async () => (await fetch(playlist)).ok);
  const head = await fetch(playlist, { method: 'HEAD' });
  expect([head.status, await head.text(), head.headers.get('cache-control')]).toEqual([200, '', 'no-cache']);
  const preflight = await fetch(playlist, {
    method: 'OPTIONS',
    headers: { Origin: 'http://elsewhere', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')!.toLowerCase()).toContain('authorization');
  const media = await (await fetch(weir.http('live/web/ts.m3u8'))).text();
  const segment = weir.http('live/web/' + media.split('\n').find((l) => l.endsWith('.ts'))!);
  const whole = await fetch(segment);
  const bytes = Buffer.from(await whole.arrayBuffer());
  expect(whole.headers.get('cache-control')).toContain('immutable');
  const part = await fetch(segment, { headers: { Range: 'bytes=188-375' } });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(188, 376));
  const again = await fetch(segment, { headers: { 'If-None-Match': whole.headers.get('etag')! } });
  expect(again.status).toBe(304);
  const packed = await fetch(weir.http('live/web/ts.m3u8'), { headers: { 'Accept-Encoding': 'gzip' } });
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect(await packed.text()).toContain('#EXTM3U');
  await publisher.stop();
  await weir.stop();
});
