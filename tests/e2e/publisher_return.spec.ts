// The publisher is killed and comes back after 5 s: viewers stay and go on. In the browser: players.spec.ts.
import { media, publishFile } from './lib/media.ts';
import { expectSmooth, probeFile, read, track } from './lib/probe.ts';
import { sleep } from './lib/process.ts';
import { expect, test } from './lib/weir.ts';

for (const egress of ['rtmp', 'flv'] as const) {
  test(`${egress.toUpperCase()} viewers go on`, async ({ weir, name }) => {
    const reader = read(weir[egress](name));
    await weir.watched(name, 1);
    const first = publishFile('minute.flv', weir.rtmp(name));
    await sleep(6_000);
    first.child.kill('SIGKILL');
    await first.ended;
    await sleep(5_000);
    expect(reader.process.running, 'the viewer waits').toBe(true);
    const second = publishFile('h264_bframes_aac.flv', weir.rtmp(name));
    await second.finish(30_000);
    const got = await reader.streams(20_000);
    const video = track(got, 'video')!;
    const again = track(await probeFile(media('h264_bframes_aac.flv')), 'video')!.packets;
    // all of the second, after some seconds of the first
    expect(video.packets.slice(-again.length).map((p) => p.hash)).toEqual(again.map((p) => p.hash));
    expect(video.packets.length).toBeGreaterThan(again.length + 4 * 30);
    for (const stream of got) expectSmooth(stream, 10_000);
  });
}

test('a second publisher on a live name is refused, the first goes on', async ({ weir, name }) => {
  const reader = read(weir.flv(name));
  await weir.watched(name, 1);
  const first = publishFile('h264_bframes_aac.flv', weir.rtmp(name));
  await sleep(3_000);
  const second = publishFile('small.flv', weir.rtmp(name));
  expect(await second.ended).not.toBe(0);
  await first.finish(30_000);
  const got = track(await reader.streams(20_000), 'video')!;
  expect(got.packets.length).toBe(track(await probeFile(media('h264_bframes_aac.flv')), 'video')!.packets.length);
});
