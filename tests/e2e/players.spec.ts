// Real players in a real browser, on a page of another origin.
import { publishLive } from './lib/media.ts';
import { PlayerPage } from './lib/player_page.ts';
import { playlistReady } from './lib/probe.ts';
import { until } from './lib/process.ts';
import { expect, test } from './lib/weir.ts';

const players = [
  { player: 'hls', url: 'hls' },
  { player: 'mpegts', url: 'flv' },
] as const;

for (const { player, url } of players) {
  test(`${player}.js plays 20 s without a stall`, async ({ weir, name, page }) => {
    const publisher = publishLive(weir.rtmp(name));
    await until('the playlist', 20_000, () => playlistReady(weir.hls(name)));
    const viewer = await PlayerPage.open(page, player, weir[url](name));
    const before = await viewer.plays(1, 20_000);
    const after = await viewer.plays(20, 30_000);
    expect(after.errors.filter((e) => e.startsWith('fatal'))).toEqual([]);
    expect(after.stalls - before.stalls).toBe(0);
    // 30 frames a second; the browser may drop a few on a busy machine
    expect(after.frames - before.frames).toBeGreaterThan(20 * 30 * 0.8);
    await viewer.close();
    await publisher.stop();
  });
}

test('the watch page lists the stream and plays it', async ({ weir, name, page }) => {
  const publisher = publishLive(weir.rtmp(name));
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
