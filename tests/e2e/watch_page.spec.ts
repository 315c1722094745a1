// The watch pages as a viewer meets them: the list, and a player for each protocol that plays, shows its
// latency, and outlives its publisher.
import { publishLoop } from './lib/media.ts';
import { until } from './lib/process.ts';
import { Weir, expect, player, test } from './lib/weir.ts';

type Stats = { state: string; latency: number | null; stalls: number; decodedFrames: number; currentTime: number };
declare global { interface Window { weirStats?: Stats } }

test('a stream appears on the first page within 5 s and opens its player', player, async ({ page }) => {
  const weir = await Weir.start();
  await page.goto(weir.http(''));
  await expect(page.getByText('rtmp://127.0.0.1:' + weir.rtmpPort).first()).toBeVisible();
  const publisher = publishLoop(weir.rtmp('live/appears'));
  const link = page.getByRole('link', { name: /appears/ });
  await expect(link).toBeVisible({ timeout: 10_000 });
  await link.click();
  await expect(page).toHaveURL(/\/live\/appears$/);
  await until('the picture', 30_000, async () => (await page.evaluate(() => window.weirStats))?.state === 'playing');
  await publisher.stop();
  await weir.stop();
});

for (const via of ['hls', 'flv', 'ws']) {
  test(`plays over ${via}, shows its latency, and goes on when the publisher returns`, player, async ({ page, weir, name }) => {
    const stats = () => page.evaluate(() => window.weirStats);
    const first = publishLoop(weir.rtmp(name));
    await page.goto(weir.http(name) + `?via=${via}`);
    await until('ten seconds of picture', 45_000, async () => ((await stats())?.decodedFrames ?? 0) > 300);
    const playing = (await stats())!;
    expect(playing.stalls).toBe(0);
    expect(playing.latency).toBeGreaterThan(0);
    expect(playing.latency).toBeLessThan(via === 'hls' ? 12 : 4);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = publishLoop(weir.rtmp(name));
    await until('more picture', 45_000, async () => {
      const now = await stats();
      return now?.state === 'playing' && now.decodedFrames > playing.decodedFrames + 450;
    });
    await second.stop();
  });
}
