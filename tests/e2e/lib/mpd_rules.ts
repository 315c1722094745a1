// What every MPD of a stream must keep to, alone, against all earlier ones, and against the media: ISO/IEC 23009-1.
// Pure: each function returns what is wrong, one line a fault; mpd_rules.spec.ts shows them bad manifests.
import type { Chunk } from './boxes.ts';
import type { Mpd, Named, Period, Representation } from './mpd.ts';

const close = (a: number, b: number, by = 0.002) => Math.abs(a - b) <= by;

export function checkMpd(m: Mpd): string[] {
  const bad: string[] = [];
  const say = (wrong: boolean, what: string) => { if (wrong) bad.push(what); };
  say(!/isoff-live|dash-if-simple|cmaf|dash:profile/.test(m.profiles), `profiles ${m.profiles}`);
  say(!(m.minBufferTime > 0), 'no minBufferTime');
  say(m.periods.length === 0, 'no Period');
  if (m.type === 'dynamic') {
    say(Number.isNaN(m.availabilityStart), 'dynamic without availabilityStartTime');
    say(Number.isNaN(m.publishTime), 'dynamic without publishTime');
    say(m.minimumUpdatePeriod === undefined, 'dynamic without minimumUpdatePeriod');
    say(m.utc.length === 0, 'no UTCTiming');
    say(!m.latency || !(m.latency.target > 0), 'no Latency target in a ServiceDescription');
    say(m.presentationDuration !== undefined, 'mediaPresentationDuration of a stream that goes on');
  } else {
    say(m.minimumUpdatePeriod !== undefined, 'static with minimumUpdatePeriod');
    say(m.presentationDuration === undefined && m.periods.at(-1)?.duration === undefined, 'static without a duration');
  }
  say(new Set(m.periods.map((p) => p.id)).size !== m.periods.length || m.periods.some((p) => p.id === ''), 'Periods want ids of their own');
  m.periods.forEach((p, i) => {
    const next = m.periods[i + 1];
    say(Number.isNaN(p.start), `Period ${p.id}: no start`);
    if (next) say(!(next.start > p.start), `Period ${next.id} starts at ${next.start}, ${p.id} before it at ${p.start}`);
    if (next && p.duration !== undefined) say(!close(p.start + p.duration, next.start), `Period ${p.id} ends at ${p.start + p.duration}, ${next.id} starts at ${next.start}`);
    bad.push(...checkPeriod(m, p));
  });
  return bad;
}

function checkPeriod(m: Mpd, p: Period): string[] {
  const bad: string[] = [];
  const ids = p.sets.flatMap((s) => s.representations.map((r) => r.id));
  if (ids.length === 0) bad.push(`Period ${p.id}: no Representation`);
  if (new Set(ids).size !== ids.length) bad.push(`Period ${p.id}: Representation ids ${ids}`);
  for (const r of p.sets.flatMap((s) => s.representations)) {
    const t = r.template;
    const name = `Period ${p.id}, ${r.id}`;
    if (!(r.bandwidth > 0)) bad.push(`${name}: bandwidth ${r.bandwidth}`);
    if (!r.codecs || !r.mimeType) bad.push(`${name}: codecs ${r.codecs}, mimeType ${r.mimeType}`);
    if (!t.media || !t.initialization) bad.push(`${name}: no SegmentTemplate names`);
    if (t.duration === undefined && !t.timeline) bad.push(`${name}: neither @duration nor SegmentTimeline`);
    if (m.type === 'dynamic' && t.availabilityTimeOffset > 0 && t.availabilityTimeComplete) bad.push(`${name}: availabilityTimeOffset, but not availabilityTimeComplete="false"`);
    if (t.duration !== undefined && t.availabilityTimeOffset >= t.duration / t.timescale) bad.push(`${name}: availabilityTimeOffset ${t.availabilityTimeOffset} is a whole segment or more`);
  }
  return bad;
}

// All MPDs of one stream in the order they were answered.
export class MpdHistory {
  private last?: Mpd;
  private periods = new Map<string, Period>();
  private newest = -1; // start of the newest Period ever seen

  add(m: Mpd): string[] {
    const bad = checkMpd(m);
    const say = (wrong: boolean, what: string) => { if (wrong) bad.push(what); };
    const before = this.last;
    if (before) {
      say(before.availabilityStart !== m.availabilityStart, `availabilityStartTime moved by ${m.availabilityStart - before.availabilityStart} ms`);
      say(m.publishTime < before.publishTime, `publishTime went back by ${before.publishTime - m.publishTime} ms`);
      say(before.type === 'static' && m.type === 'dynamic', 'static, then dynamic again');
      const gone = before.periods.filter((p) => !m.periods.some((x) => x.id === p.id));
      say(gone.some((p) => p.start > m.periods[0]?.start), `Period ${gone.at(-1)?.id} left from the middle`);
    }
    for (const p of m.periods) {
      const known = this.periods.get(p.id);
      if (known) bad.push(...samePeriod(known, p));
      else say(p.start <= this.newest, `Period ${p.id} came between earlier ones`);
      this.newest = Math.max(this.newest, p.start);
      this.periods.set(p.id, p);
    }
    this.last = m;
    return bad;
  }
}

function samePeriod(a: Period, b: Period): string[] {
  const bad: string[] = [];
  if (!close(a.start, b.start, 1e-6)) bad.push(`Period ${b.id}: start ${a.start} then ${b.start}`);
  if (a.duration !== undefined && (b.duration === undefined || !close(a.duration, b.duration, 1e-6))) bad.push(`Period ${b.id}: duration ${a.duration} then ${b.duration}`);
  const old = new Map(a.sets.flatMap((s) => s.representations.map((r) => [r.id, r] as const)));
  for (const r of b.sets.flatMap((s) => s.representations)) {
    const was = old.get(r.id);
    if (!was) continue;
    for (const key of ['timescale', 'startNumber', 'duration', 'pto', 'media', 'initialization'] as const) {
      if (key === 'startNumber' && r.template.timeline) continue; // counts the first of the window there
      if (was.template[key] !== r.template[key]) bad.push(`Period ${b.id}, ${r.id}: ${key} ${was.template[key]} then ${r.template[key]}`);
    }
    if (was.codecs !== r.codecs) bad.push(`Period ${b.id}, ${r.id}: codecs ${was.codecs} then ${r.codecs}`);
  }
  return bad;
}

// A segment's first picture is where the template says, within half a segment (6.2.4; DASH-IF IOP 3.2.7.1).
export function checkPlace(p: Period, rep: Representation, s: Named, chunks: Chunk[]): string[] {
  const first = chunks[0]?.samples[0];
  if (!first) return [`${s.uri}: no sample`];
  const at = p.start + first.pts / chunks[0].track.timescale - rep.template.pto / rep.template.timescale;
  const off = at - s.start;
  return Math.abs(off) <= s.duration / 2 ? [] : [`${s.uri}: begins ${off.toFixed(3)} s off the template's ${s.start.toFixed(3)} (segments of ${s.duration} s)`];
}

// 5.3.5.2: a link of this bandwidth, given minBufferTime ahead, is never late. Neighbouring segments, in order.
export function checkRate(rep: Representation, minBufferTime: number, segments: { bytes: number; duration: number }[]): string[] {
  let owed = 0; // bits
  for (const s of segments) {
    owed = Math.max(0, owed + s.bytes * 8 - rep.bandwidth * s.duration);
    if (owed > rep.bandwidth * minBufferTime) return [`${rep.id}: bandwidth ${rep.bandwidth} is exceeded by more than minBufferTime ${minBufferTime} evens out`];
  }
  return [];
}

// UTCTiming's answer, asked between two instants of our clock.
export function checkClockAnswer(text: string, asked: number, answered: number): string[] {
  const said = Date.parse(text.trim());
  if (Number.isNaN(said)) return [`UTCTiming answers ${JSON.stringify(text.slice(0, 60))}`];
  const off = said < asked ? said - asked : said > answered ? said - answered : 0;
  return Math.abs(off) <= 50 ? [] : [`UTCTiming is ${off} ms off`];
}
