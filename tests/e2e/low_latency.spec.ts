// Low latency as viewers have it: each player for a minute, without a stall, close to live, quickly there.
import { publishClock, publishLoop } from './lib/media.ts';
import { median, PlayerPage, type Player, type Stats } from './lib/player_page.ts';
import { fetchText, playlistReady, shakaReady } from './lib/probe.ts';
import { sleep, until } from './lib/process.ts';
import { expect, player, test } from './lib/weir.ts';

const low: { player: Player; via: 'hls' | 'dash'; latency: number }[] = [
  { player: 'hls', via: 'hls', latency: 1.5 },
  { player: 'shaka', via: 'hls', latency: 1.5 },
  { player: 'dash', via: 'dash', latency: 2 },
  { player: 'shaka', via: 'dash', latency: 2 },
];

// The picture never stood still: between two samples it went on by at least half the time.
function standstills(s: Stats): string[] {
  return s.samples.slice(1).flatMap((b, i) => {
    const a = s.samples[i];
    const [went, took] = [b.time - a.time, (b.at - a.at) / 1000];
    return went >= took / 2 - 0.05 ? [] : [`${went.toFixed(3)} s of picture in ${took.toFixed(3)} s at ${a.time.toFixed(2)}`];
  });
}

for (const { player: name, via, latency } of low) {
  test(`${name} over ${via}: a minute, at most ${latency} s behind`, player, async ({ weir, name: stream, page }, info) => {
    test.setTimeout(150_000);
    const publisher = publishLoop(weir.rtmp(stream), 'hd.flv');
    await until('the playlist', 20_000, () => playlistReady(weir.hls(stream)));
    await until('the manifest', 20_000, () => fetchText(weir.dash(stream)));
    await sleep(6_000); // a stream that has been there for a while
    if (name === 'shaka' && via === 'hls') await until('three segments', 20_000, () => shakaReady(weir.hls(stream)));
    const viewer = await PlayerPage.open(page, name, weir[via](stream));
    await viewer.plays(60, 90_000);
    const seen = await viewer.stats();
    const behind = seen.samples.map((s) => s.latency).filter((l) => !Number.isNaN(l));
    const result = `first frame ${seen.firstFrame.toFixed(0)} ms, latency median ${median(behind).toFixed(3)} s, least ${Math.min(...behind).toFixed(3)}, most ${Math.max(...behind).toFixed(3)}`;
    console.log(`    ${name} over ${via}: ${result}`);
    info.annotations.push({ type: 'measured', description: result });
    expect.soft(seen.errors, 'errors').toEqual([]);
    expect.soft(seen.stalls, 'stalls').toEqual([]);
    expect.soft(standstills(seen), 'standstills').toEqual([]);
    expect.soft(behind.length, 'samples').toBeGreaterThan(100);
    expect.soft(median(behind), 'latency').toBeLessThanOrEqual(latency);
    expect.soft(seen.firstFrame, 'ms to the first frame').toBeLessThanOrEqual(1_000);
    expect.soft(seen.frames, 'pictures').toBeGreaterThan(60 * 30 * 0.8); // a busy machine may drop some
    await viewer.close();
    await publisher.stop();
  });
}

// The players' own figures rest on the server's dates; the burnt-in clock does not.
for (const { player: name, via, latency } of low) {
  test(`${name} over ${via}: the burnt-in clock agrees`, player, async ({ weir, name: stream, page }, info) => {
    const publisher = publishClock(weir.rtmp(stream));
    await until('the playlist', 20_000, () => playlistReady(weir.hls(stream)));
    await until('the manifest', 20_000, () => fetchText(weir.dash(stream)));
    await sleep(4_000);
    if (name === 'shaka' && via === 'hls') await until('three segments', 20_000, () => shakaReady(weir.hls(stream)));
    const viewer = await PlayerPage.open(page, name, weir[via](stream), { clock: true });
    const seen = await viewer.plays(15, 40_000);
    const shown = median(seen.clock.slice(-300)) / 1000;
    const said = median(seen.samples.slice(-20).map((s) => s.latency));
    const result = `from encoder to screen ${shown.toFixed(3)} s, the player says ${said.toFixed(3)} s`;
    console.log(`    ${name} over ${via}: ${result}`);
    info.annotations.push({ type: 'measured', description: result });
    expect.soft(shown, 'clock').toBeLessThanOrEqual(latency);
    expect.soft(Math.abs(shown - said), 'clock against the player').toBeLessThan(0.3);
    await viewer.close();
    await publisher.stop();
  });
}
