// Every codec that comes in by Enhanced RTMP and goes out as CMAF: read by ffprobe, frame by frame, and played by
// Chromium where its MSE can. ac-3 and hevc: not in Debian's Chromium.
import { join } from 'node:path';
import { readChunks, readInit } from './lib/boxes.ts';
import { parseWithMp4box } from './lib/boxes_check.ts';
import { Download } from './lib/conserve.ts';
import { parseMultivariant } from './lib/hls_playlist.ts';
import { media } from './lib/media.ts';
import { parseMpd } from './lib/mpd.ts';
import { e2e } from './lib/paths.ts';
import { PlayerPage } from './lib/player_page.ts';
import { fetchText, playlistReady, probeFile, read } from './lib/probe.ts';
import { start, until } from './lib/process.ts';
import { writeFile } from 'node:fs/promises';
import { expect, player, test } from './lib/weir.ts';

test.use({ settings: { 'stream.hold': '1s' } });

const cases: { file: string; codecs: RegExp[]; plays: boolean }[] = [
  { file: 'hevc_aac.mkv', codecs: [/^hvc1\.1\.6\.L\d+/, /^mp4a\.40\.2$/], plays: false },
  { file: 'av1_opus.mkv', codecs: [/^av01\.0\.\d\d[MH]\.08/, /^opus$/i], plays: true },
  { file: 'vp9_opus.mkv', codecs: [/^vp09\.00\.\d\d\.08/, /^opus$/i], plays: true },
  { file: 'h264_flac.mkv', codecs: [/^avc1\.64/, /^flac$/i], plays: true },
  { file: 'h264_ac3.mkv', codecs: [/^avc1\.64/, /^ac-3$/], plays: false },
  { file: 'h264_mp3.flv', codecs: [/^avc1\.64/, /^mp4a\.(40\.34|6b|69)$/i], plays: true },
];

const publish = (file: string, url: string) =>
  start('node', ['--import', join(e2e, 'lib/polyfill.mjs'), join(e2e, 'lib/node_av.mjs'), 'publish', media(file), url]);

for (const { file, codecs, plays } of cases) {
  const title = file.split('.')[0].replace('_', ' and ');

  test(`${title} as CMAF`, async ({ weir, name }, info) => {
    const publisher = publish(file, weir.rtmp(name));
    const m = await until('both tracks', 15_000, async () => {
      const found = parseMultivariant((await fetchText(weir.hls(name))) || '#EXTM3U');
      return found.variants[0]?.codecs.includes(',') ? found : undefined;
    });
    const named = m.variants[0].codecs.split(',');
    for (const codec of codecs) expect.soft(named.some((n) => codec.test(n)), `${codec} in ${named}`).toBe(true);
    const mpd = await until('the manifest', 10_000, () => fetchText(weir.dash(name)));
    const inMpd = parseMpd(mpd).periods.flatMap((p) => p.sets.flatMap((s) => s.representations.map((r) => r.codecs)));
    for (const codec of codecs) expect.soft(inMpd.some((n) => codec.test(n)), `${codec} in the MPD: ${inMpd}`).toBe(true);
    await publisher.finish(30_000);
    const sent = await probeFile(media(file));
    const uris = new Set([m.variants[0].uri, ...m.renditions.flatMap((r) => r.uri ?? [])]);
    expect(uris.size).toBe(2);
    for (const uri of uris) {
      const lane = new Download(new URL(uri, weir.hls(name)).href);
      await until('the end', 10_000, async () => { await lane.poll(); return lane.ended; });
      const [stretch, ...more] = lane.stretches();
      expect(more, 'one stretch').toEqual([]);
      const kind = stretch.chunks[0].track.handler === 'vide' ? 'video' : 'audio';
      const wanted = sent.find((s) => s.kind === kind)!;
      const path = info.outputPath(`${kind}.mp4`);
      await writeFile(path, Buffer.concat([stretch.init, stretch.bytes]));
      const reader = read(path);
      const [got] = await reader.streams(20_000);
      expect.soft(reader.process.log, `${kind}: what ffprobe says`).toBe('');
      expect.soft(got.codec).toBe(wanted.codec);
      expect.soft([got.width, got.height]).toEqual([wanted.width, wanted.height]);
      expect.soft(got.packets.length, `${kind} frames`).toBe(wanted.packets.length);
      expect.soft(parseWithMp4box(stretch.init, stretch.bytes), kind).toMatchObject({ samples: wanted.packets.length, errors: [] });
      expect.soft(readChunks(stretch.bytes, readInit(stretch.init)).length).toBe(stretch.chunks.length);
      // what decodes it finds nothing to complain about
      const decode = start('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-i', path, '-f', 'null', '-']);
      await decode.finish(30_000);
      expect.soft(decode.log, `${kind}: what decoding says`).toBe('');
    }
  });

  if (!plays) continue;
  test(`${title} plays in Chromium`, player, async ({ weir, name, page }) => {
    const publisher = publish(file, weir.rtmp(name));
    await until('the playlist', 15_000, () => playlistReady(weir.hls(name)));
    // This Chromium takes MP3 in no MP4 (MediaSource.isTypeSupported): MPEG-TS is beside it for that.
    const url = title.includes('mp3') ? weir.ts(name) : weir.hls(name);
    const viewer = await PlayerPage.open(page, 'hls', url);
    const seen = await viewer.plays(3, 15_000);
    expect(seen.errors.filter((e) => e.startsWith('fatal'))).toEqual([]);
    expect(seen.frames).toBeGreaterThan(60);
    const sound = await page.evaluate(() => (document.querySelector('video') as any).webkitAudioDecodedByteCount);
    expect(sound, 'bytes of sound decoded').toBeGreaterThan(1_000);
    await viewer.close();
    await publisher.finish(30_000);
  });
}
