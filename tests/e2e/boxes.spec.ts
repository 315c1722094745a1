// The tests' own reader of fragmented MP4, against ffmpeg's writer, ffprobe and mp4box.js, and against broken bytes.
import { expect, test } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { boxes, isKeyPicture, readChunks, readInit, sampleHashes } from './lib/boxes.ts';
import { parseWithMp4box, probeSegment } from './lib/boxes_check.ts';
import { frames } from './lib/conserve.ts';
import { media } from './lib/media.ts';
import { start } from './lib/process.ts';

async function fragmented(file: string, map: string, to: string): Promise<[Buffer, Buffer]> {
  await start('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', '-i', media(file), '-map', map, '-c', 'copy', '-f', 'mp4',
    '-movflags', '+empty_moov+default_base_moof+frag_keyframe+skip_trailer', '-frag_duration', '200000', to]).finish(20_000);
  const bytes = readFileSync(to);
  const at = boxes(bytes).find((b) => b.type === 'moof')!.at;
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

for (const [kind, map] of [['video', '0:v'], ['audio', '0:a']] as const) {
  test(`${kind}: the frames that ffmpeg wrote`, async ({}, info) => {
    const sent = frames('h264_bframes_aac.flv', kind);
    const [init, media] = await fragmented('h264_bframes_aac.flv', map, info.outputPath('x.mp4'));
    const chunks = readChunks(media, readInit(init));
    expect(chunks.length).toBeGreaterThan(40);
    expect(sampleHashes(chunks)).toEqual(sent.map((f) => f.hash));
    const samples = chunks.flatMap((c) => c.samples);
    const { timescale } = chunks[0].track;
    for (const [i, s] of samples.entries()) expect(Math.abs(((s.pts - samples[0].pts) / timescale) * 1000 - (sent[i].pts - sent[0].pts))).toBeLessThan(1.6);
    for (const s of samples.slice(1)) expect(s.dts).toBeGreaterThan(samples[0].dts);
    if (kind === 'video') for (const s of samples) expect(isKeyPicture(chunks[0].track, s.bytes)).toBe(s.sync);
    expect(await probeSegment(init, media, info.outputPath('y.mp4'))).toEqual({ samples: sent.length, said: '' });
    expect(parseWithMp4box(init, media)).toMatchObject({ samples: sent.length, errors: [] });
  });
}

test('broken boxes are refused, by all three readers', async ({}, info) => {
  const [init, media] = await fragmented('h264_bframes_aac.flv', '0:v', info.outputPath('x.mp4'));
  const tracks = readInit(init);
  const spoiled = (change: (b: Buffer) => void) => { const b = Buffer.from(media); change(b); return b; };
  const trun = media.indexOf('trun');
  expect(() => readChunks(spoiled((b) => b.writeUInt32BE(b.readUInt32BE(0) + 1, 0)), tracks)).toThrow();
  expect(() => readChunks(spoiled((b) => b.writeUInt32BE(1_000, trun + 8)), tracks)).toThrow();
  expect(() => readChunks(spoiled((b) => b.writeInt32BE(1 << 28, trun + 12)), tracks)).toThrow(/past the end/);
  expect(() => readChunks(media.subarray(0, media.length - 1), tracks)).toThrow();
  expect(() => readInit(init.subarray(0, init.length - 4))).toThrow();
  expect(() => readChunks(media, new Map())).toThrow(/no track/);
  expect((await probeSegment(init, spoiled((b) => b.writeUInt32BE(0, trun + 8)), info.outputPath('z.mp4'))).samples).toBeLessThan(300);
  expect(parseWithMp4box(init, media.subarray(media.length / 2)).samples).toBeLessThan(300);
});
