// Timestamps and chunkings that no well-behaved encoder sends.
import { audioFrames, flvTags, videoFrames, type Tag } from './lib/flv_file.ts';
import { media } from './lib/media.ts';
import { expectSmooth, fetchText, read, readHls, track, type Stream } from './lib/probe.ts';
import { RtmpClient, type Style } from './lib/rtmp_client.ts';
import { expect, test, type Weir } from './lib/weir.ts';

let small: Tag[], large: Tag[], middle: number;
test.beforeAll(() => {
  small = flvTags(media('small.flv'));
  large = flvTags(media('h264_baseline_aac.flv'));
  middle = small[Math.floor(small.length / 2)].timestamp;
});

async function publish(weir: Weir, name: string, batches: Tag[][], retime: (t: number) => number, style: Style = {}) {
  const [app, stream] = name.split('/');
  const client = await RtmpClient.connect(weir.rtmpPort, app, style);
  await client.publish(stream);
  for (const tags of batches) await client.send(tags, { speed: 2, retime });
  await client.end();
}

// Both readers got each frame, on a timeline without holes.
function expectAll(got: Stream[], tags: Tag[], largestStep = 120) {
  expect.soft(track(got, 'video')!.packets.length, 'video frames').toBe(videoFrames(tags).length);
  expect.soft(track(got, 'audio')!.packets.length, 'audio frames').toBe(audioFrames(tags).length);
  for (const stream of got) expectSmooth(stream, largestStep);
}

const times: [string, (t: number) => number, Style?][] = [
  ['wrap at 2^32 ms', (t) => 2 ** 32 - 2500 + t],
  ['start far from zero', (t) => 0x01234567 + t],
  ['extended timestamps not repeated in later chunks', (t) => 0x01234567 + t, { repeatExtended: false }],
  ['wrap without repeated extended timestamps', (t) => 2 ** 32 - 2500 + t, { repeatExtended: false }],
  ['a jump of 10 s forward', (t) => (t < middle ? t : t + 10_000)],
  ['a jump of 10 s back', (t) => 20_000 + (t < middle ? t : t - 10_000)],
];

for (const [title, retime, style] of times) {
  test(title, async ({ weir, name }) => {
    const readers = [read(weir.rtmp(name)), read(weir.flv(name))];
  await weir.watched(name, readers.length);
    await publish(weir, name, [small], retime, style);
    for (const reader of readers) expectAll(await reader.streams(20_000), small);
  });
}

for (const chunkSize of [128, 4096, 60_000, 1 << 20]) {
  test(`chunks of ${chunkSize} bytes`, async ({ weir, name }) => {
    const readers = [read(weir.rtmp(name)), read(weir.flv(name))];
  await weir.watched(name, readers.length);
    await publish(weir, name, [large], (t) => t, { chunkSize });
    for (const reader of readers) expectAll(await reader.streams(20_000), large);
  });
}

test('the resolution changes within a stream', async ({ weir, name }) => {
  const last = small.at(-1)!.timestamp;
  const after = large.map((t) => ({ ...t, timestamp: t.timestamp + last + 33 }));
  const readers = [read(weir.rtmp(name)), read(weir.flv(name))];
  await weir.watched(name, readers.length);
  const published = publish(weir, name, [small, after], (t) => t);
  const [hls, ts] = await Promise.all([weir.hls(name), weir.ts(name)].map(readHls));
  await published;
  for (const reader of readers) expectAll(await reader.streams(20_000), [...small, ...after]);
  for (const reader of [hls, ts]) {
    expect.soft(track(await reader.streams(20_000), 'video')!.packets.length, `${reader.url}: video frames`).toBe(videoFrames([...small, ...after]).length);
  }
});

test('tags that nobody knows are dropped, the session lives', async ({ weir, name }) => {
  const odd: Tag[] = [
    { type: 9, timestamp: 0, payload: Buffer.alloc(0) }, // no byte at all
    { type: 9, timestamp: 0, payload: Buffer.from([0x17]) }, // cut off
    { type: 9, timestamp: 0, payload: Buffer.from([0x1f, 1, 2, 3, 4]) }, // codec 15
    { type: 9, timestamp: 0, payload: Buffer.from([0x57, 0]) }, // a command frame
    { type: 9, timestamp: 0, payload: Buffer.from([0x17, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]) }, // NAL past the end
    { type: 9, timestamp: 0, payload: Buffer.from([0x90, 0x7a, 0x7a, 0x7a, 0x7a, 1]) }, // FourCC zzzz
    { type: 8, timestamp: 0, payload: Buffer.alloc(0) },
    { type: 8, timestamp: 0, payload: Buffer.from([0xdf, 1]) }, // format 13
    { type: 18, timestamp: 0, payload: Buffer.from([2, 0xff, 0xff]) }, // AMF string past the end
    { type: 42, timestamp: 0, payload: Buffer.from('what is this') },
  ];
  const split = Math.floor(small.length / 2);
  const odds = odd.map((t) => ({ ...t, timestamp: small[split].timestamp }));
  const reader = read(weir.flv(name));
  await weir.watched(name, 1);
  await publish(weir, name, [[...small.slice(0, split), ...odds, ...small.slice(split)]], (t) => t);
  expectAll(await reader.streams(20_000), small);
});
