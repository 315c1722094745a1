// Two minutes of a stream that lives through what streams live through, under the eyes of clients that fetch every
// version of every playlist and manifest, every part and every segment. lib/hls_rules.ts and mpd_rules.ts judge.
import { boxes } from './lib/boxes.ts';
import { parseWithMp4box, probeSegment } from './lib/boxes_check.ts';
import { DashSession } from './lib/dash_session.ts';
import { flvTags, isSequenceHeader, type Tag } from './lib/flv_file.ts';
import { parseMultivariant } from './lib/hls_playlist.ts';
import { get, HlsSession, type Lane } from './lib/hls_session.ts';
import { media, publishLoop } from './lib/media.ts';
import { parseMpd } from './lib/mpd.ts';
import { fetchText } from './lib/probe.ts';
import { sleep, until } from './lib/process.ts';
import { RtmpClient } from './lib/rtmp_client.ts';
import { readChunks, readInit } from './lib/boxes.ts';
import { expect, test, type Weir } from './lib/weir.ts';

test.use({ settings: { 'hls.variants': '_low', 'dash.variants': '_low', 'stream.hold': '6s' } });

// The clips of 24 s one after another, as one publisher that changes its picture.
function joined(...files: string[]): Tag[] {
  return files.flatMap((file, i) => flvTags(media(file))
    .filter((t) => t.type !== 18 && !(isSequenceHeader(t) && file === files[i - 1])) // said once
    .map((t) => ({ ...t, timestamp: t.timestamp + i * 24_000 })));
}

async function publishTags(weir: Weir, name: string, tags: Tag[]) {
  const [app, stream] = name.split('/');
  const client = await RtmpClient.connect(weir.rtmpPort, app, { chunkSize: 60_000 });
  await client.publish(stream);
  await client.send(tags);
  await client.end();
}

// Each segment by itself, with its header, through two readers that are not ours.
async function expectReadable(lane: Lane, path: string): Promise<string[]> {
  const bad: string[] = [];
  for (const { segment, bytes } of lane.got.values()) {
    const init = await lane.init(segment.map!);
    const ours = readChunks(bytes, readInit(init)).flatMap((c) => c.samples).length;
    const theirs = parseWithMp4box(init, bytes);
    const probed = await probeSegment(init, bytes, path);
    if (theirs.samples !== ours || theirs.errors.length) bad.push(`${segment.uri}: mp4box.js: ${theirs.samples} of ${ours} samples ${theirs.errors}`);
    if (probed.samples !== ours || probed.said) bad.push(`${segment.uri}: ffprobe: ${probed.samples} of ${ours} samples ${probed.said}`);
    if (boxes(bytes).some((b) => !['styp', 'prft', 'emsg', 'moof', 'mdat'].includes(b.type))) bad.push(`${segment.uri}: ${boxes(bytes).map((b) => b.type)}`);
  }
  return bad;
}

test('both renditions are in both manifests', async ({ weir, name }) => {
  const publishers = [publishLoop(weir.rtmp(name), 'sd.flv'), publishLoop(weir.rtmp(name + '_low'), 'low.flv')];
  const m = await until('two variants', 20_000, async () => {
    const found = parseMultivariant((await fetchText(weir.hls(name))) || '#EXTM3U');
    return found.variants.length >= 2 && found.variants.every((v) => v.resolution) ? found : undefined;
  });
  expect(m.variants.map((v) => v.resolution).sort()).toEqual(['320x180', '640x360']);
  for (const v of m.variants) expect(v.codecs).toMatch(/^(avc1\.[0-9a-f]{6},mp4a\.40\.2|mp4a\.40\.2,avc1\.[0-9a-f]{6})$/i);
  const video = await until('two representations', 20_000, async () => {
    const set = parseMpd(await fetchText(weir.dash(name))).periods.at(-1)!.sets.find((s) => s.contentType === 'video')!;
    return set.representations.length === 2 ? set.representations : undefined;
  });
  expect(video.map((r) => r.height).sort()).toEqual([180, 360]);
  for (const p of publishers) await p.stop();
});

test('what blocking reload answers to requests that cannot be', async ({ weir, name }) => {
  const publisher = publishLoop(weir.rtmp(name));
  const m = parseMultivariant(await until('the playlist', 20_000, () => fetchText(weir.hls(name))));
  const url = new URL(m.variants[0].uri, weir.hls(name)).href;
  const number = async () => Number(/MEDIA-SEQUENCE:(\d+)/.exec(await fetchText(url))![1]) + ((await fetchText(url)).match(/#EXTINF/g) ?? []).length;
  await sleep(3_000);
  // 6.2.5.2: a part without its segment, a segment more than two ahead
  for (const query of ['_HLS_part=1', `_HLS_msn=${(await number()) + 100}`, '_HLS_msn=x', '_HLS_msn=-1', `_HLS_msn=${await number()}&_HLS_part=x`]) {
    expect((await get(`${url}?${query}`)).status, query).toBe(400);
  }
  // what is long there is answered at once
  const began = Date.now();
  expect((await get(`${url}?_HLS_msn=${(await number()) - 1}`)).status).toBe(200);
  expect(Date.now() - began).toBeLessThan(150);
  // many who wait for the same are answered alike
  const next = await number();
  const answers = await Promise.all(Array.from({ length: 200 }, () => get(`${url}?_HLS_msn=${next}&_HLS_part=2`)));
  expect(new Set(answers.map((a) => `${a.status} ${a.bytes}`)).size).toBeLessThanOrEqual(2);
  expect(answers.every((a) => a.status === 200)).toBe(true);
  await publisher.stop();
});
