// The checkers of playlists see what is wrong: each rule is shown a text that breaks it, and one that does not.
import { expect, test } from '@playwright/test';
import { parseMedia, parseMultivariant } from './lib/hls_playlist.ts';
import { checkBandwidth, checkDelta, checkPlaylist, checkReport, checkSync, History, peakRate, succeeds } from './lib/hls_rules.ts';
import type { Chunk } from './lib/boxes.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();

// A lane that began at number 100; `from` to `to` are complete, `parts` are there of the next.
function playlist({ from = 100, to = 119, parts = 3, more = [] as string[], skip = 0 } = {}): string {
  const lines = ['#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-TARGETDURATION:2', '#EXT-X-PART-INF:PART-TARGET=0.2',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6,HOLD-BACK=6.0,CAN-SKIP-UNTIL=12.0',
    `#EXT-X-MEDIA-SEQUENCE:${from}`, `#EXT-X-DISCONTINUITY-SEQUENCE:${from > 105 ? 8 : 7}`];
  if (skip) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skip}`);
  const part = (n: number, i: number) => `#EXT-X-PART:DURATION=0.20000,URI="t-v1-${n}.${i}.m4s"${i === 0 ? ',INDEPENDENT=YES' : ''}`;
  for (let n = from + skip; n <= to; ++n) {
    if (n === 105) lines.push('#EXT-X-DISCONTINUITY');
    if (n === from || n === 105) lines.push('#EXT-X-MAP:URI="t-v1-i0.mp4"');
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${at(n * 2)}`);
    if (n > to - 3) for (let i = 0; i < 10; ++i) lines.push(part(n, i));
    lines.push('#EXTINF:2.00000,', `t-v1-${n}.m4s`);
  }
  lines.push(`#EXT-X-PROGRAM-DATE-TIME:${at((to + 1) * 2)}`);
  for (let i = 0; i < parts; ++i) lines.push(part(to + 1, i));
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="t-v1-${to + 1}.${parts}.m4s"`, `#EXT-X-RENDITION-REPORT:URI="a1.m3u8",LAST-MSN=${to + 1},LAST-PART=${parts - 1}`, ...more);
  return lines.join('\n') + '\n';
}

const good = playlist();

test('good playlists are found good, one after another', () => {
  const history = new History();
  for (let v = 0; v < 40; ++v) {
    expect(history.add(parseMedia(playlist({ from: 100 + Math.floor(v / 10), to: 119 + Math.floor(v / 10), parts: v % 10 })))).toEqual([]);
  }
  expect(history.segments.size).toBe(23);
});

const wrong: [string, (text: string) => string, RegExp][] = [
  ['a part above its target', (t) => t.replace('DURATION=0.20000,URI="t-v1-118.3', 'DURATION=0.20100,URI="t-v1-118.3'), /118\.3: 0\.201 above PART-TARGET/],
  ['a short part in the middle', (t) => t.replace('DURATION=0.20000,URI="t-v1-118.3', 'DURATION=0.16000,URI="t-v1-118.3'), /118\.3: 0\.16 below 85 %/],
  ['parts that are not their segment', (t) => t.replace('DURATION=0.20000,URI="t-v1-118.9', 'DURATION=0.19000,URI="t-v1-118.9'), /118: its parts last 1\.99/],
  ['EXTINF above the target duration', (t) => t.replace('EXTINF:2.00000,\nt-v1-110', 'EXTINF:2.50000,\nt-v1-110'), /110: EXTINF 2\.5 above/],
  ['a target duration with a fraction', (t) => t.replace('TARGETDURATION:2', 'TARGETDURATION:2.0'), /TARGETDURATION is not/],
  ['a clock that slips by more than a frame', (t) => t.replace(at(220), at(220.05)), /110: PROGRAM-DATE-TIME 50\.0 ms off/],
  ['no clock', (t) => t.replace(/#EXT-X-PROGRAM.*\n/g, ''), /no EXT-X-PROGRAM-DATE-TIME/],
  ['HOLD-BACK', (t) => t.replace('HOLD-BACK=6.0', 'HOLD-BACK=5.9'), /^HOLD-BACK 5\.9/],
  ['PART-HOLD-BACK', (t) => t.replace('PART-HOLD-BACK=0.6', 'PART-HOLD-BACK=0.59'), /PART-HOLD-BACK 0\.59/],
  ['CAN-SKIP-UNTIL', (t) => t.replace('CAN-SKIP-UNTIL=12.0', 'CAN-SKIP-UNTIL=11'), /CAN-SKIP-UNTIL 11/],
  ['no blocking reload', (t) => t.replace('CAN-BLOCK-RELOAD=YES,', ''), /CAN-BLOCK-RELOAD/],
  ['no map before the first segment', (t) => t.replace('#EXT-X-MAP:URI="t-v1-i0.mp4"\n', ''), /100: no EXT-X-MAP/],
  ['version too low for a map', (t) => t.replace('VERSION:9', 'VERSION:5'), /wants version 6/],
  ['ENDLIST while it goes on', (t) => t + '#EXT-X-ENDLIST\n', /yet EXT-X-ENDLIST/],
  ['a gap in a part only', (t) => t.replace('URI="t-v1-118.3.m4s"', 'URI="t-v1-118.3.m4s",GAP=YES'), /118\.3: no GAP|118\.3: GAP/],
  ['a gap in the segment only', (t) => t.replace('#EXTINF:2.00000,\nt-v1-118', '#EXT-X-GAP\n#EXTINF:2.00000,\nt-v1-118'), /no GAP in a segment with one/],
  ['parts gone too early', (t) => t.replace(/#EXT-X-PART:[^\n]*t-v1-118[^\n]*\n/g, ''), /118: its parts are gone/],
];

for (const [title, spoil, fault] of wrong) {
  test(`alone: ${title}`, () => {
    expect(spoil(good)).not.toBe(good);
    expect(checkPlaylist(parseMedia(good))).toEqual([]);
    expect(checkPlaylist(parseMedia(spoil(good))).join('\n')).toMatch(new RegExp(fault, 'm'));
  });
}

const later = playlist({ from: 101, to: 120, parts: 2 });
const afterwards: [string, (text: string) => string, RegExp][] = [
  ['the target duration changes', (t) => t.replace('TARGETDURATION:2', 'TARGETDURATION:3'), /target duration 2 then 3/],
  ['the part target changes', (t) => t.replace('PART-TARGET=0.2', 'PART-TARGET=0.25'), /part target/],
  ['the media sequence goes back', (t) => t.replace('SEQUENCE:101', 'SEQUENCE:99'), /media sequence 100 then 99|leaves out|110: uri/],
  ['another name under a number', (t) => t.replace('t-v1-110.m4s', 't-v1-110b.m4s'), /110: uri t-v1-110\.m4s then t-v1-110b\.m4s/],
  ['another duration', (t) => t.replace('EXTINF:2.00000,\nt-v1-110', 'EXTINF:2.00100,\nt-v1-110'), /110: duration/],
  ['another instant', (t) => t.replace(at(220), at(220.01)), /110: PROGRAM-DATE-TIME moved by 10/],
  ['a discontinuity that was none', (t) => t.replace(`#EXT-X-PROGRAM-DATE-TIME:${at(220)}`, `#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:${at(220)}`), /110: discontinuity false then true/],
  ['another discontinuity sequence', (t) => t.replace('DISCONTINUITY-SEQUENCE:7', 'DISCONTINUITY-SEQUENCE:8'), /discontinuity sequence 8, 7 tags/],
  ['another header', (t) => t.replace('i0.mp4"\n#EXT-X-PROGRAM-DATE-TIME:' + at(210), 'i1.mp4"\n#EXT-X-PROGRAM-DATE-TIME:' + at(210)), /105: map/],
  ['another flag of a part', (t) => t.replace('URI="t-v1-119.4.m4s"', 'URI="t-v1-119.4.m4s",INDEPENDENT=YES'), /part 119\.4/],
  ['a hint that does not come', (t) => t.replace('URI="t-v1-120.3.m4s"', 'URI="t-v1-120.x.m4s"'), /hint t-v1-120\.3\.m4s, then part 120\.3/],
];

for (const [title, spoil, fault] of afterwards) {
  test(`in the next playlist: ${title}`, () => {
    const add = (text: string) => { const h = new History(); h.add(parseMedia(good)); return h.add(parseMedia(text)); };
    expect(add(later)).toEqual([]);
    expect(spoil(later)).not.toBe(later);
    expect(add(spoil(later)).join('\n')).toMatch(fault);
  });
}

test('a hint is missing only where the segment is over', () => {
  const before = parseMedia(playlist({ parts: 3 }).replace(/#EXT-X-PRELOAD-HINT.*\n/, ''));
  expect(succeeds(before, parseMedia(playlist({ parts: 3 })))).toEqual([]);
  expect(succeeds(before, parseMedia(playlist({ parts: 4 }))).join()).toContain('no hint in 120');
});

test('a hint is not met where another header begins', () => {
  const before = playlist({ parts: 0 });
  const next = (map: string) => playlist({ parts: 1 }).replace('URI="t-v1-120.0.m4s"', 'URI="t-v1-1-120.0.m4s"').replace(`#EXT-X-PROGRAM-DATE-TIME:${at(240)}`, `${map}$&`);
  expect(succeeds(parseMedia(before), parseMedia(next('#EXT-X-MAP:URI="t-v1-i1.mp4"\n')))).toEqual([]);
  expect(succeeds(parseMedia(before), parseMedia(next(''))).join()).toMatch(/hint t-v1-120\.0\.m4s, then part 120\.0/);
});

test('a part that is taken back, a change after the end', () => {
  const h = new History();
  h.add(parseMedia(good));
  expect(h.add(parseMedia(playlist({ parts: 2 }))).join()).toContain('3 parts, then 2');
  const ended = (text: string) => parseMedia(text.replace(/#EXT-X-(PART|PRELOAD|RENDITION)[^\n]*\n/g, '') + '#EXT-X-ENDLIST\n');
  expect(succeeds(ended(good), ended(good))).toEqual([]);
  expect(succeeds(ended(good), ended(later)).join()).toContain('after EXT-X-ENDLIST');
});

test('a delta update is held against the playlist', () => {
  const full = parseMedia(later);
  const delta = (over: (t: string) => string) => checkDelta(parseMedia(good), parseMedia(over(playlist({ from: 101, to: 120, parts: 2, skip: 13 }))), full);
  expect(delta((t) => t)).toEqual([]);
  expect(delta((t) => t.replace('SEGMENTS=13', 'SEGMENTS=12')).join()).toMatch(/makes 20 segments/);
  expect(delta((t) => t.replace('EXTINF:2.00000,\nt-v1-116', 'EXTINF:1.90000,\nt-v1-116')).join()).toMatch(/116: duration 2 then 1\.9/);
  expect(delta((t) => t.replace('LAST-PART=1', 'LAST-PART=0')).join()).toMatch(/other reports/);
  expect(delta((t) => t.replace('DISCONTINUITY-SEQUENCE:7', 'DISCONTINUITY-SEQUENCE:6')).join()).toMatch(/discontinuitySequence 8 then 7/);
  expect(checkDelta(parseMedia(good), parseMedia(playlist({ from: 101, to: 120, parts: 2, skip: 16 })), full).join()).toMatch(/CAN-SKIP-UNTIL/);
  expect(checkDelta(parseMedia(playlist({ from: 109 })), parseMedia(playlist({ from: 101, to: 120, parts: 2, skip: 13 })), full).join()).toMatch(/had 5/);
});

test('rendition reports are neither stale nor ahead', () => {
  const [earlier, now] = [parseMedia(playlist({ parts: 3 })), parseMedia(playlist({ parts: 4 }))];
  const report = (part: number, msn = 120) => checkReport({ uri: 'v1.m3u8', msn, part }, earlier, now, 0.2);
  for (const part of [0, 1, 2, 3]) expect(report(part)).toEqual([]);
  expect(report(9, 119).join()).toContain('stale by 0.600 s');
  expect(report(8, 118).join()).toContain('stale by 2.800 s');
  expect(report(4).join()).toContain('ahead');
  expect(report(0, 121).join()).toContain('ahead');
});

test('BANDWIDTH is at least the peak of neighbours', () => {
  const rate = (n: number, bytes: number, duration = 2) => ({ number: n, duration, bytes });
  expect(peakRate([rate(1, 1000), rate(2, 2000), rate(3, 500)], 2)).toBe(8000);
  // too short alone, so with its neighbour
  expect(peakRate([rate(1, 1000), rate(2, 1000, 0.5)], 2)).toBe(6400);
  expect(peakRate([rate(1, 100), rate(3, 1000, 0.5)], 2)).toBe(400);
  const m = parseMultivariant('#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="a1.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=10000,AUDIO="a",CODECS="avc1"\nv1.m3u8\n');
  const of = (sound: number) => (uri: string) => [rate(1, uri === 'v1.m3u8' ? 2000 : sound)];
  expect(checkBandwidth(m, 2, of(500))).toEqual([]);
  expect(checkBandwidth(m, 2, of(501)).join()).toContain('reach 10004');
});

test('INDEPENDENT is what the samples are', () => {
  const picture = (type: number) => Buffer.from([0, 0, 0, 1, 9, 0, 0, 0, 2, type, 0x80]);
  const track = { id: 1, timescale: 90000, handler: 'vide', codec: 'avc1', width: 0, height: 0, defaults: { duration: 0, size: 0, flags: 0 } };
  const chunk = (sync: boolean, type: number): Chunk[] => [{ track, sequence: 1, start: 0, samples: [{ dts: 0, pts: 0, duration: 1, sync, bytes: picture(type) }] }];
  expect(checkSync('x', true, chunk(true, 0x65))).toEqual([]);
  expect(checkSync('x', false, chunk(false, 0x41))).toEqual([]);
  expect(checkSync('x', true, chunk(false, 0x41)).join()).toContain('INDEPENDENT=YES');
  expect(checkSync('x', false, chunk(true, 0x65)).join()).toContain('INDEPENDENT=NO');
  expect(checkSync('x', true, chunk(true, 0x41)).join()).toContain('no key picture, flagged sync');
  expect(checkSync('x', true, []).join()).toContain('no sample');
});
