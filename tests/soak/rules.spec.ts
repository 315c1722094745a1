// Two minutes of a stream that lives through what streams live through, under the eyes of clients that fetch every
// version of every playlist and manifest, every part and every segment. lib/hls_rules.ts and mpd_rules.ts judge.
import { boxes } from '../e2e/lib/boxes.ts';
import { parseWithMp4box, probeSegment } from '../e2e/lib/boxes_check.ts';
import { DashSession } from '../e2e/lib/dash_session.ts';
import { flvTags, isSequenceHeader, type Tag } from '../e2e/lib/flv_file.ts';
import { parseMultivariant } from '../e2e/lib/hls_playlist.ts';
import { get, HlsSession, type Lane } from '../e2e/lib/hls_session.ts';
import { media, publishLoop } from '../e2e/lib/media.ts';
import { parseMpd } from '../e2e/lib/mpd.ts';
import { fetchText } from '../e2e/lib/probe.ts';
import { sleep, until } from '../e2e/lib/process.ts';
import { RtmpClient } from '../e2e/lib/rtmp_client.ts';
import { readChunks, readInit } from '../e2e/lib/boxes.ts';
import { expect, test, type Weir } from '../e2e/lib/weir.ts';

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

test('two minutes with a restart, another picture size and two renditions', async ({ weir, name }, info) => {
  test.setTimeout(240_000);
  const low = publishLoop(weir.rtmp(name + '_low'), 'low.flv');
  const first = publishLoop(weir.rtmp(name), 'sd.flv');
  await until('both renditions', 20_000, async () => parseMultivariant((await fetchText(weir.hls(name))) || '#EXTM3U').variants.length >= 2);
  const [hls, dash] = [new HlsSession(weir.hls(name)), new DashSession(weir.dash(name))];
  hls.start();
  dash.start();
  await sleep(30_000);
  first.child.kill('SIGKILL');
  await first.ended;
  await sleep(3_000);
  await publishTags(weir, name, joined('sd.flv', 'sd.flv', 'other.flv'));
  await low.stop('SIGINT');
  const lanes = () => [...hls.lanes.values()];
  await until('the end', 30_000, () => lanes().every((l) => l.last?.ended) && dash.last?.type === 'static').catch((e) => hls.fault(String(e)));
  await sleep(2_000);
  await Promise.all([hls.stop(), dash.stop()]);

  const tally = Object.fromEntries(lanes().map((l) => [new URL(l.url).pathname, { ...l.counts, segments: l.got.size }]));
  console.log(`    ${JSON.stringify({ ...tally, multivariants: hls.multivariants, dash: dash.counts, periods: dash.periods.size })}`);
  await test.step('HLS', () => expect.soft(hls.faults).toEqual([]));
  await test.step('DASH', () => expect.soft(dash.faults).toEqual([]));

  await test.step('the session was what it should be', () => {
    expect.soft(lanes().length, 'lanes: video and audio of two renditions').toBeGreaterThanOrEqual(3);
    const main = lanes().filter((l) => !l.url.includes('_low'));
    for (const l of lanes()) {
      expect.soft(l.counts.playlists, `${l.url}: playlists`).toBeGreaterThan(400);
      expect.soft(l.counts.deltas, `${l.url}: delta updates compared`).toBeGreaterThan(l.counts.playlists / 2);
      expect.soft(l.counts.skips, `${l.url}: of which skipped something`).toBeGreaterThan(200);
      expect.soft(l.counts.hints, `${l.url}: parts that came as hinted`).toBeGreaterThan(l.counts.parts * 0.8);
      expect.soft(l.counts.reports, `${l.url}: reports compared`).toBeGreaterThan(50);
      expect.soft(l.got.size, `${l.url}: segments`).toBeGreaterThan(45);
    }
    for (const l of main) {
      const sequences = new Set([...l.got.values()].map((g) => g.segment.discontinuitySequence));
      expect.soft(sequences.size, `${l.url}: the restart and the new size are discontinuities`).toBe(3);
      expect.soft(l.inits.size, `${l.url}: headers`).toBeGreaterThanOrEqual(l.url.includes('/v') ? 2 : 1);
    }
    expect.soft(dash.periods.size, 'Periods').toBeGreaterThanOrEqual(3);
    expect.soft(dash.counts.manifests).toBeGreaterThan(100);
    expect.soft(dash.counts.segments).toBeGreaterThan(150);
    expect.soft(dash.counts.early, 'segments asked for while they were made').toBeGreaterThan(10);
    expect.soft(dash.last?.type).toBe('static');
  });

  await test.step('lanes share their boundaries', () => {
    const [video, ...others] = lanes().filter((l) => !l.url.includes('_low')).map((l) => l.got);
    for (const other of others) {
      for (const [number, { segment }] of other) {
        const beside = video.get(number)?.segment;
        if (!beside) continue;
        expect.soft(segment.discontinuity, `${number}: discontinuity`).toBe(beside.discontinuity);
        expect.soft(Math.abs(segment.pdt! - beside.pdt!), `${number}: ms apart`).toBeLessThan(60);
      }
    }
  });

  await test.step('every segment through ffprobe and mp4box.js', async () => {
    const bad = await Promise.all(lanes().map((lane, i) => expectReadable(lane, info.outputPath(`probe${i}.mp4`))));
    expect.soft(bad.flat()).toEqual([]);
  });
});
