// Enhanced RTMP with FFmpeg 8.1 on both ends: codecs by FourCC, in and out.
import { join } from 'node:path';
import { media } from './lib/media.ts';
import { e2e } from './lib/paths.ts';
import { expectSame, parse, readHls, track } from './lib/probe.ts';
import { start } from './lib/process.ts';
import { expect, test } from './lib/weir.ts';

// node-av leaves without a word, so its streams are held for those who might come back.
test.use({ settings: { 'stream.hold': '1s' } });

const ffmpeg81 = (...args: string[]) =>
  start('node', ['--import', join(e2e, 'lib/polyfill.mjs'), join(e2e, 'lib/node_av.mjs'), ...args]);

for (const [file, codecs] of [['hevc_aac.mkv', 'HEVC and AAC'], ['av1_opus.mkv', 'AV1 and Opus']]) {
  test(`${codecs} over RTMP and FLV`, async ({ weir, name }, info) => {
    const readers = [weir.rtmp(name), weir.flv(name)].map((url) => ffmpeg81('packets', url));
    await weir.watched(name, readers.length);
    // what its muxer makes of the same file is what must come out
    const reference = info.outputPath('reference.flv');
    await Promise.all([ffmpeg81('publish', media(file), weir.rtmp(name)).finish(30_000),
      ffmpeg81('publish', media(file), reference).finish(30_000)]);
    const sent = parse(await ffmpeg81('packets', reference).finish(10_000));
    expect(sent.map((s) => s.packets.length).every((n) => n > 200)).toBe(true);
    for (const reader of readers) expectSame(parse(await reader.finish(20_000)), sent);
  });
}

test('HEVC is in MPEG-TS too', async ({ weir, name }) => {
  const publisher = ffmpeg81('publish', media('hevc_aac.mkv'), weir.rtmp(name));
  const reader = await readHls(weir.ts(name));
  await publisher.finish(30_000);
  const got = track(await reader.streams(20_000), 'video')!;
  expect([got.codec, got.width, got.packets.length]).toEqual(['hevc', 640, 240]);
});
