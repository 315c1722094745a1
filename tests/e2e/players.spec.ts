// Real players in a real browser, on a page of another origin.
import { publishLoop } from './lib/media.ts';
import { PlayerPage } from './lib/player_page.ts';
import { fetchText, playlistReady } from './lib/probe.ts';
import { sleep, until } from './lib/process.ts';
import { expect, player, test } from './lib/weir.ts';

const players = [
  { player: 'hls', url: 'ts' }, // MPEG-TS, which hls.js takes apart itself; CMAF is in low_latency.spec.ts
  { player: 'mpegts', url: 'flv' },
] as const;

for (const { player: name, url } of players) {
  test(`${name}.js plays 20 s of ${url} without a stall`, player, async ({ weir, name: stream, page }) => {
    const publisher = publishLoop(weir.rtmp(stream));
    await until('the playlist', 20_000, () => playlistReady(weir.ts(stream)));
    if (url === 'ts') await until('three segments', 20_000, async () => ((await fetchText(weir.ts(stream))).match(/#EXTINF/g) ?? []).length >= 3);
    const viewer = await PlayerPage.open(page, name, weir[url](stream));
    const before = await viewer.plays(1, 20_000);
    const after = await viewer.plays(20, 30_000);
    expect(after.errors.filter((e) => e.startsWith('fatal'))).toEqual([]);
    expect(after.stalls).toEqual(before.stalls);
    // 30 frames a second; the browser may drop a few on a busy machine
    expect(after.frames - before.frames).toBeGreaterThan(20 * 30 * 0.8);
    await viewer.close();
    await publisher.stop();
  });
}

test('the watch page lists the stream and plays it', player, async ({ weir, name, page }) => {
  const publisher = publishLoop(weir.rtmp(name));
  await until('the playlist', 20_000, () => playlistReady(weir.hls(name)));
  await page.goto(weir.http(''));
  await expect(page.locator(`a[href*="${name}"]`).first()).toBeVisible();
  await page.goto(weir.http(name));
  await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0, undefined, { timeout: 20_000 });
  const time = () => page.evaluate(() => document.querySelector('video')!.currentTime);
  const from = await time();
  await expect.poll(time, { timeout: 20_000 }).toBeGreaterThan(from + 5);
  await publisher.stop();
});

for (const [name, via] of [['hls', 'hls']] as const) {
  test(`${name} over ${via} goes on when the publisher is killed and returns`, player, async ({ weir, name: stream, page }) => {
    const first = publishLoop(weir.rtmp(stream));
    await until('the playlist', 20_000, () => playlistReady(weir.hls(stream)));
    await until('the manifest', 20_000, () => fetchText(weir.dash(stream)));
    const viewer = await PlayerPage.open(page, name, weir[via](stream));
    await viewer.plays(4, 20_000);
    first.child.kill('SIGKILL');
    await first.ended;
    await sleep(5_000);
    const before = await viewer.stats();
    const second = publishLoop(weir.rtmp(stream), 'other.flv'); // of another size
    await expect.poll(async () => (await viewer.stats()).frames - before.frames, { timeout: 40_000, message: 'pictures' }).toBeGreaterThan(8 * 30);
    const after = await viewer.stats();
    expect(after.errors.filter((e) => e.startsWith('fatal'))).toEqual([]);
    expect(await page.evaluate(() => document.querySelector('video')!.videoWidth)).toBe(960);
    await viewer.close();
    await second.stop();
  });
}
