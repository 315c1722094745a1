// Every ingest x every egress: what ffmpeg sent is what ffprobe reads, frame by frame.
import { media, publishFile } from './lib/media.ts';
import { expectSame, probeFile, read, readHls, type Reader } from './lib/probe.ts';
import { expect, test, type Weir } from './lib/weir.ts';

const ingests = ['h264_bframes_aac.flv', 'h264_baseline_aac.flv', 'h264_mp3.flv', 'video_only.flv', 'audio_only.flv'];

// Players of a name that nobody publishes wait, so RTMP and FLV readers are there before the first frame.
const egresses: { name: string; open: (w: Weir, s: string) => Promise<Reader> | Reader; exact: object }[] = [
  { name: 'RTMP', open: (w, s) => read(w.rtmp(s)), exact: {} },
  { name: 'FLV', open: (w, s) => read(w.flv(s)), exact: {} },
  // CMAF carries the same bytes; sound runs on its own sample clock.
  { name: 'HLS', open: (w, s) => readHls(w.hls(s)), exact: { tolerance: 3 } },
  // TS carries Annex B and 90 kHz. Several audio frames share a PES; ffprobe counts on from its first, which it
  // cannot do in the very first PES, where it does not know the frames' length yet.
  { name: 'HLS with TS', open: (w, s) => readHls(w.ts(s)), exact: { bytes: false, tolerance: 3, settle: 5 } },
];

for (const file of ingests) {
  test(`${file.replace('.flv', '')} to RTMP, FLV and HLS`, async ({ weir, name }) => {
    const early = egresses.slice(0, 2).map((e) => e.open(weir, name));
    await weir.watched(name, early.length);
    const publisher = publishFile(file, weir.rtmp(name));
    const readers = await Promise.all([...early, ...egresses.slice(2).map((e) => e.open(weir, name))]);
    await publisher.finish(30_000);
    const sent = await probeFile(media(file));
    for (const [i, reader] of readers.entries()) {
      await test.step(egresses[i].name, async () => expectSame(await reader.streams(20_000), sent, egresses[i].exact));
    }
  });
}

test('a viewer who joins late starts on the newest key frame and loses nothing after it', async ({ weir, name }) => {
  const sent = await probeFile(media('h264_bframes_aac.flv'));
  const publisher = publishFile('h264_bframes_aac.flv', weir.rtmp(name));
  await new Promise((done) => setTimeout(done, 5_000));
  const readers = [read(weir.rtmp(name)), read(weir.flv(name))];
  await publisher.finish(30_000);
  const video = sent.find((s) => s.kind === 'video')!.packets;
  for (const reader of readers) {
    const got = (await reader.streams(20_000)).find((s) => s.kind === 'video')!.packets;
    expect(got[0].key).toBe(true);
    expect(got.map((p) => p.hash)).toEqual(video.slice(-got.length).map((p) => p.hash));
    expect(got.length, 'joined two key frames late at most').toBeGreaterThanOrEqual(video.length - 180);
  }
});
