// The checkers of MPDs see what is wrong: each rule is shown a text that breaks it, and one that does not.
import { expect, test } from '@playwright/test';
import type { Chunk } from './lib/boxes.ts';
import { namedSegments, parseMpd, seconds } from './lib/mpd.ts';
import { checkClockAnswer, checkMpd, checkPlace, checkRate, MpdHistory } from './lib/mpd_rules.ts';
import { parseXml } from './lib/xml.ts';

const start = Date.UTC(2026, 0, 1);
const template = '<SegmentTemplate timescale="1000" duration="2000" startNumber="50" presentationTimeOffset="4000" media="t-$RepresentationID$-$Number%05d$.m4s" ' +
  'initialization="t-$RepresentationID$-i0.mp4" availabilityTimeOffset="1.8" availabilityTimeComplete="false"/>';
const set = (type: string, ids: string[]) => `<AdaptationSet contentType="${type}" mimeType="${type}/mp4">${template}${
  ids.map((id) => `<Representation id="${id}" bandwidth="800000" codecs="avc1.64001f"/>`).join('')}</AdaptationSet>`;
const period = (id: string, attributes: string) => `<Period id="${id}" ${attributes}>${set('video', ['v1', 'v2'])}${set('audio', ['a1'])}</Period>`;
const mpd = (periods: string, published = 0) => `<?xml version="1.0" encoding="UTF-8"?>
<!-- live --><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="2026-01-01T00:00:00Z"
 publishTime="${new Date(start + published * 1000).toISOString()}" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT20S" minBufferTime="PT0.6S">
<ServiceDescription id="0"><Latency target="1500" min="1000" max="6000"/></ServiceDescription>${periods}
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="/time"/></MPD>`;
const good = mpd(period('p0', 'start="PT10S" duration="PT30S"') + period('p1', 'start="PT40S"'));

test('a good MPD is found good, again and again', () => {
  const history = new MpdHistory();
  expect(history.add(parseMpd(mpd(period('p0', 'start="PT10S"'))))).toEqual([]);
  expect(history.add(parseMpd(good))).toEqual([]);
  expect(history.add(parseMpd(mpd(period('p1', 'start="PT40S"'), 9)))).toEqual([]);
});

const alone: [string, (t: string) => string, RegExp][] = [
  ['no start of availability', (t) => t.replace(/availabilityStartTime="[^"]*"/, ''), /availabilityStartTime/],
  ['no clock', (t) => t.replace(/<UTCTiming[^>]*>/, ''), /UTCTiming/],
  ['no latency', (t) => t.replace(/<Latency[^>]*>/, ''), /Latency/],
  ['a hole between Periods', (t) => t.replace('PT30S', 'PT29S'), /ends at 39, p1 starts at 40/],
  ['Periods out of order', (t) => t.replace('PT40S', 'PT9S'), /p1 starts at 9/],
  ['the same id twice', (t) => t.replace('id="p1"', 'id="p0"'), /ids of their own/],
  ['the same Representation twice', (t) => t.replace('"v2"', '"v1"'), /Representation ids v1,v1/],
  ['an offset with complete segments', (t) => t.replaceAll(' availabilityTimeComplete="false"', ''), /availabilityTimeComplete/],
  ['an offset of a whole segment', (t) => t.replaceAll('Offset="1.8"', 'Offset="2"'), /whole segment/],
  ['static, yet updated', (t) => t.replace('dynamic', 'static'), /minimumUpdatePeriod/],
];
for (const [title, spoil, fault] of alone) {
  test(`alone: ${title}`, () => {
    expect(spoil(good)).not.toBe(good);
    expect(checkMpd(parseMpd(good))).toEqual([]);
    expect(checkMpd(parseMpd(spoil(good))).join('\n')).toMatch(fault);
  });
}

const next = mpd(period('p0', 'start="PT10S" duration="PT30S"') + period('p1', 'start="PT40S"'), 4);
const later: [string, (t: string) => string, RegExp][] = [
  ['availabilityStartTime moves', (t) => t.replace('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.010Z'), /moved by 10 ms/],
  ['publishTime goes back', (t) => t.replace(/publishTime="[^"]*"/, 'publishTime="2025-12-31T23:59:59Z"'), /publishTime went back/],
  ['a Period starts elsewhere', (t) => t.replace('PT40S', 'PT40.001S').replace('PT30S', 'PT30.001S'), /p1: start 40 then 40\.001/],
  ['a Period ends elsewhere', (t) => t.replace('PT30S', 'PT30.001S'), /p0: duration/],
  ['another startNumber', (t) => t.replaceAll('startNumber="50"', 'startNumber="51"'), /startNumber 50 then 51/],
  ['another offset', (t) => t.replaceAll('Offset="4000"', 'Offset="4001"'), /pto 4000 then 4001/],
  ['a Period squeezed in', (t) => t.replace('<Period id="p1"', period('px', 'start="PT39S"') + '<Period id="p1"'), /px came between/],
];
for (const [title, spoil, fault] of later) {
  test(`in the next MPD: ${title}`, () => {
    const add = (text: string) => { const h = new MpdHistory(); h.add(parseMpd(good)); return h.add(parseMpd(text)); };
    expect(spoil(next)).not.toBe(next);
    expect(add(next)).toEqual([]);
    expect(add(spoil(next)).join('\n')).toMatch(fault);
  });
}

test('XML that is not well-formed is refused', () => {
  expect(parseXml('<a b="1 &amp; &#x41;"><!-- c --><d/>e</a>')).toMatchObject({ attributes: { b: '1 & A' }, text: 'e', children: [{ name: 'd' }] });
  for (const bad of ['<a>', '<a></b>', '<a b=1/>', '<a b="1" b="2"/>', '<a b="&x;"/>', '<a b="1&2"/>', '<a/><b/>', '<a b="<"/>', 'x', '<a b="1"c="2"/>', '']) {
    expect(() => parseXml(bad), bad).toThrow();
  }
  expect(seconds('P1DT2H3M4.5S')).toBe(93784.5);
  expect(() => seconds('10S')).toThrow();
});

test('the template names what is complete and within the window', () => {
  const m = parseMpd(good);
  const names = (index: number, now: number) => namedSegments(m, index, m.periods[index].sets[0].representations[0], start + now * 1000);
  expect(names(1, 45.9).map((s) => [s.uri, s.start])).toEqual([['t-v1-00050.m4s', 40], ['t-v1-00051.m4s', 42]]);
  expect(names(0, 45.9).at(-1)).toMatchObject({ number: 64, start: 38 });
  expect(names(0, 45.9)[0]).toMatchObject({ number: 57, start: 24 });
  const timeline = parseMpd(good.replaceAll(template, template.replace('duration="2000"', '').replace('/>', '><SegmentTimeline><S t="4000" d="2000" r="1"/><S d="1500"/></SegmentTimeline></SegmentTemplate>')
    .replace('$Number%05d$', '$Time$')));
  expect(namedSegments(timeline, 1, timeline.periods[1].sets[0].representations[0], start + 46_000).map((s) => [s.uri, s.start, s.duration]))
    .toEqual([['t-v1-4000.m4s', 40, 2], ['t-v1-6000.m4s', 42, 2], ['t-v1-8000.m4s', 44, 1.5]]);
});

test('segments off their place, above their rate, clocks that are off', () => {
  const m = parseMpd(good);
  const rep = m.periods[1].sets[0].representations[0];
  const [named] = namedSegments(m, 1, rep, start + 44_000);
  const track = { id: 1, timescale: 90000, handler: 'vide', codec: 'avc1', width: 0, height: 0, defaults: { duration: 0, size: 0, flags: 0 } };
  const chunk = (at: number): Chunk[] => [{ track, sequence: 1, start: 0, samples: [{ dts: 0, pts: at * 90000, duration: 1, sync: true, bytes: Buffer.alloc(0) }] }];
  for (const at of [3.1, 4, 4.9]) expect(checkPlace(m.periods[1], rep, named, chunk(at))).toEqual([]);
  expect(checkPlace(m.periods[1], rep, named, chunk(5.1)).join()).toContain('begins 1.100 s off');
  const segments = (bytes: number) => [{ bytes: 200_000, duration: 2 }, { bytes, duration: 2 }];
  expect(checkRate(rep, 0.6, segments(259_999))).toEqual([]);
  expect(checkRate(rep, 0.6, segments(260_001)).join()).toContain('bandwidth 800000 is exceeded');
  expect(checkClockAnswer('2026-01-01T00:00:00.040Z', start, start + 2)).toEqual([]);
  expect(checkClockAnswer('2026-01-01T00:00:00.100Z', start, start + 2).join()).toContain('98 ms off');
  expect(checkClockAnswer('soon', start, start).join()).toContain('soon');
});
