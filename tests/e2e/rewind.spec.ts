// Back in time: while the stream is live, after its end, from memory and from disk.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMedia, parseMultivariant } from './lib/hls_playlist.ts';
import { get } from './lib/hls_session.ts';
import { publishLoop } from './lib/media.ts';
import { parseMpd } from './lib/mpd.ts';
import { PlayerPage } from './lib/player_page.ts';
import { fetchText } from './lib/probe.ts';
import { sleep, until } from './lib/process.ts';
import { expect, player, test, Weir } from './lib/weir.ts';

async function lanes(url: string): Promise<string[]> {
  const m = parseMultivariant(await until('the playlist', 20_000, () => fetchText(url)));
  return [...new Set([...m.variants.map((v) => v.uri), ...m.renditions.flatMap((r) => r.uri ?? [])])].map((u) => new URL(u, url).href);
}

for (const [name, via] of [['hls', 'hls'], ['dash', 'dash']] as const) {
  test(`${name} goes back 15 s while live, returns, and watches what has ended`, player, async ({ page }) => {
    const weir = await Weir.start({ 'stream.hold': '1s' });
    const publisher = publishLoop(weir.rtmp('live/back'));
    await until('the manifest', 20_000, () => fetchText(weir[via]('live/back')));
    await sleep(20_000);
    const viewer = await PlayerPage.open(page, name, weir[via]('live/back'));
    await viewer.plays(3, 20_000);
    const live = (await viewer.stats()).samples.at(-1)!.latency;
    await viewer.seek(-15);
    await viewer.plays(4, 15_000);
    const back = (await viewer.stats()).samples.at(-1)!;
    expect.soft(back.latency - live, 'seconds further behind').toBeGreaterThan(13);
    expect.soft(back.latency - live, 'seconds further behind').toBeLessThan(17);
    await viewer.seek(back.latency - live - 1);
    await viewer.plays(3, 15_000);
    expect.soft((await viewer.stats()).samples.at(-1)!.latency, 'seconds behind at the live edge again').toBeLessThan(live + 4);
    expect((await viewer.stats()).errors.filter((e) => e.startsWith('fatal'))).toEqual([]);
    await publisher.stop('SIGINT');
    await until('the viewer reaches the end', 30_000, async () => (await viewer.stats()).ended);
    await viewer.close();

    const late = await PlayerPage.open(await page.context().newPage(), name, weir[via]('live/back'));
    await late.plays(5, 20_000);
    const length = await late.page.evaluate(() => document.querySelector('video')!.duration);
    expect.soft(length, 'all that was published').toBeGreaterThan(30);
    await late.seek(length);
    await until('the end of what has ended', 15_000, async () => (await late.stats()).ended);
    expect((await late.stats()).errors.filter((e) => e.startsWith('fatal'))).toEqual([]);
    await late.close();
    await weir.stop();
  });
}

test('an ended stream says so, can be fetched whole for the time of rewind, and is then gone', async () => {
  const weir = await Weir.start({ 'stream.hold': '1s', 'segments.rewind': '12s' });
  const publisher = publishLoop(weir.rtmp('live/over'));
  const urls = await lanes(weir.hls('live/over'));
  await sleep(9_000);
  await publisher.stop('SIGINT');
  const stopped = Date.now();
  for (const url of urls) {
    const p = await until('EXT-X-ENDLIST', 8_000, async () => { const m = parseMedia(await fetchText(url)); return m.ended ? m : undefined; });
    const lasts = p.segments.filter((s) => !s.gap).reduce((sum, s) => sum + s.duration, 0);
    expect(lasts, `${url} is all there`).toBeGreaterThan(8);
    for (const s of p.segments) if (!s.gap) expect((await get(new URL(s.uri, url).href)).status, s.uri).toBe(200);
  }
  const mpd = parseMpd(await fetchText(weir.dash('live/over')));
  expect(mpd.type).toBe('static');
  expect(mpd.presentationDuration).toBeGreaterThan(8);
  await until('it is gone', 25_000, async () => (await get(weir.hls('live/over'))).status === 404);
  expect(Date.now() - stopped, 'ms it stayed').toBeGreaterThan(10_000);
  for (const url of urls) expect((await get(url)).status).toBe(404);
  expect((await get(weir.dash('live/over'))).status).toBe(404);
  await weir.stop();
});

const filesIn = async (folder: string): Promise<string[]> => {
  const found = await readdir(folder, { withFileTypes: true, recursive: true } as any).catch(() => []);
  return (found as any[]).filter((f) => f.isFile()).map((f) => f.name);
};

test('old segments come from disk, and leave it', async () => {
  test.setTimeout(120_000);
  const weir = await Weir.start({ 'stream.hold': '1s', 'segments.rewind_path': '{folder}/rewind', 'segments.memory': '6s', 'segments.rewind': '20s' });
  const folder = join(weir.folder, 'rewind');
  const publisher = publishLoop(weir.rtmp('live/disk'));
  const urls = await lanes(weir.hls('live/disk'));
  const fresh = new Map<string, Buffer>(); // as first fetched
  let most = 0, again = 0;
  for (let second = 0; second < 32; ++second) {
    for (const url of urls) {
      const p = parseMedia(await fetchText(url));
      for (const s of p.segments) {
        const at = new URL(s.uri, url).href;
        if (!s.gap && !fresh.has(at)) fresh.set(at, (await get(at)).bytes);
      }
      // the oldest that is listed, long out of memory
      const oldest = p.segments.find((s) => !s.gap);
      if (second < 14 || !oldest) continue;
      const at = new URL(oldest.uri, url).href;
      const answer = await get(at);
      expect(answer.status, at).toBe(200);
      expect(answer.bytes.equals(fresh.get(at)!), `${at} is as it was`).toBe(true);
      const range = await fetch(at, { headers: { Range: 'bytes=8-107' } });
      expect(range.status).toBe(206);
      expect(Buffer.from(await range.arrayBuffer()).equals(answer.bytes.subarray(8, 108))).toBe(true);
      again += 1;
      const lasts = p.segments.reduce((sum, s) => sum + s.duration, 0);
      expect(lasts, `${url}: what it lists`).toBeLessThan(26);
      if (second > 24) expect(lasts, `${url}: what it lists`).toBeGreaterThan(16);
    }
    most = Math.max(most, (await filesIn(folder)).length);
    await sleep(1_000);
  }
  expect(again).toBeGreaterThan(30);
  expect(most, 'files on disk').toBeGreaterThan(4 * urls.length);
  expect(most, 'files on disk').toBeLessThan(16 * urls.length);
  await publisher.stop('SIGINT');
  await until('the folder is empty', 40_000, async () => (await filesIn(folder)).length === 0);
  await weir.stop();
});

test('who asks for an event is given one', async ({ weir, name }) => {
  const publisher = publishLoop(weir.rtmp(name));
  const [url] = await lanes(weir.hls(name) + '?type=event');
  await sleep(3_000);
  const p = parseMedia(await fetchText(url));
  const asked = parseMedia(await fetchText(url.includes('type=') ? url : url + '?type=event'));
  expect(asked.kind).toBe('EVENT');
  expect(p.segments.length).toBeGreaterThan(0);
  await publisher.stop();
});
