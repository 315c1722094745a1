// What every playlist of a stream must keep to, alone, against all earlier ones, and against the media: RFC 8216bis.
// Pure: each function returns what is wrong, one line a fault; hls_rules.spec.ts shows them bad playlists.
import { isKeyPicture, type Chunk } from './boxes.ts';
import type { MediaPlaylist, Multivariant, Part, Report, Segment } from './hls_playlist.ts';

const frame = 0.034; // seconds: the longest picture of the tests' streams
const lasts = (parts: Part[]) => parts.reduce((sum, p) => sum + p.duration, 0);
const rounding = (...numbers: { digits: number }[]) => numbers.reduce((sum, n) => sum + 0.5 * 10 ** -n.digits, 1e-9);

// One text by itself.
export function checkPlaylist(p: MediaPlaylist): string[] {
  const bad: string[] = [];
  const say = (wrong: boolean, what: string) => { if (wrong) bad.push(what); };
  say(!(p.target > 0), 'EXT-X-TARGETDURATION is not a whole number of seconds');
  say(p.skipped > 0 && p.version < 9, `EXT-X-SKIP wants version 9, not ${p.version}`);
  const listed = [...p.segments, ...(p.open ? [p.open] : [])];
  say(listed.some((s) => s.map) && p.version < 6, `EXT-X-MAP wants version 6, not ${p.version}`);
  for (const s of p.segments) {
    say(Math.round(s.duration) > p.target, `segment ${s.number}: EXTINF ${s.duration} above the target duration ${p.target}`);
    say(!(s.duration > 0), `segment ${s.number}: EXTINF ${s.duration}`);
  }
  for (const s of listed) bad.push(...checkParts(p, s));
  bad.push(...checkClock(p, listed), ...checkControl(p));
  for (const s of listed) say(/\.m4s$/.test(s.uri || s.parts[0]?.uri || '') && !s.map && !s.gap && !p.skipped, `segment ${s.number}: no EXT-X-MAP before it`);
  say(p.ended && (p.hints.length > 0 || !!p.open), 'something follows, and yet EXT-X-ENDLIST');
  say(p.hints.filter((h) => h.type === 'PART').length > 1, 'two hints of a part');
  return bad;
}

function checkParts(p: MediaPlaylist, s: Segment): string[] {
  const bad: string[] = [];
  const complete = s.uri !== '';
  s.parts.forEach((part, i) => {
    const name = `part ${s.number}.${i}`;
    if (p.partTarget === undefined) bad.push(`${name} without EXT-X-PART-INF`);
    else {
      if (part.duration > p.partTarget + 1e-9) bad.push(`${name}: ${part.duration} above PART-TARGET ${p.partTarget}`);
      const last = i === s.parts.length - 1; // of the one in the making it may turn out to be the segment's last
      if (!last && !part.gap && part.duration < 0.85 * p.partTarget - 1e-9) bad.push(`${name}: ${part.duration} below 85 % of PART-TARGET ${p.partTarget}`);
    }
    if (complete && s.gap !== part.gap) bad.push(`${name}: ${part.gap ? '' : 'no '}GAP in a segment with${s.gap ? '' : 'out'} one`);
  });
  if (complete && s.parts.length > 0 && Math.abs(lasts(s.parts) - s.duration) > rounding(s, ...s.parts)) {
    bad.push(`segment ${s.number}: its parts last ${lasts(s.parts).toFixed(6)}, EXTINF ${s.duration}`);
  }
  return bad;
}

// EXT-X-PROGRAM-DATE-TIME goes on by what the segments last.
function checkClock(p: MediaPlaylist, listed: Segment[]): string[] {
  const bad: string[] = [];
  if (!p.skipped && listed.length > 0 && !listed[0].pdtWritten) bad.push('the first segment has no EXT-X-PROGRAM-DATE-TIME');
  for (let i = 1; i < listed.length; ++i) {
    const [before, s] = [listed[i - 1], listed[i]];
    if (!s.pdtWritten || s.discontinuity || before.pdt === undefined) continue;
    const off = s.pdt! - (before.pdt + before.duration * 1000);
    if (!(Math.abs(off) <= frame * 1000)) bad.push(`segment ${s.number}: PROGRAM-DATE-TIME ${off.toFixed(1)} ms off what is before it`);
  }
  return bad;
}

function checkControl(p: MediaPlaylist): string[] {
  const bad: string[] = [];
  const least = (name: string, seconds: number) => {
    const has = p.control[name];
    if (has !== undefined && !(Number(has) >= seconds - 1e-9)) bad.push(`${name} ${has}, at least ${seconds} is wanted`);
  };
  least('HOLD-BACK', 3 * p.target);
  least('CAN-SKIP-UNTIL', 6 * p.target);
  if (p.partTarget === undefined) return bad;
  if (p.control['PART-HOLD-BACK'] === undefined) bad.push('parts without PART-HOLD-BACK');
  least('PART-HOLD-BACK', 3 * p.partTarget);
  if (p.control['CAN-BLOCK-RELOAD'] !== 'YES') bad.push('parts without CAN-BLOCK-RELOAD=YES');
  if (!p.ended) {
    // none only while a segment that is over is not told as complete: the next playlist shows whether it was over
    if (!p.open && !p.hints.some((h) => h.type === 'PART')) bad.push('parts without EXT-X-PRELOAD-HINT');
    // 6.2.1: parts stay until they are three target durations from the end
    let behind = p.open ? lasts(p.open.parts) : 0;
    for (const s of [...p.segments].reverse()) {
      behind += s.duration;
      if (behind < 3 * p.target && s.parts.length === 0 && !s.gap) bad.push(`segment ${s.number}: its parts are gone ${behind.toFixed(2)} s from the end`);
      if (behind > 4 * p.target + s.duration && s.parts.length > 0) bad.push(`segment ${s.number}: still has parts ${behind.toFixed(2)} s from the end`);
    }
  }
  return bad;
}

const same = (a: Segment, b: Segment) => {
  const differ: string[] = [];
  for (const key of ['uri', 'duration', 'discontinuity', 'discontinuitySequence', 'map', 'gap'] as const) {
    if (a[key] !== b[key]) differ.push(`${key} ${a[key]} then ${b[key]}`);
  }
  if (a.pdt !== undefined && b.pdt !== undefined && Math.abs(a.pdt - b.pdt) > 1.5) differ.push(`PROGRAM-DATE-TIME moved by ${b.pdt - a.pdt} ms`);
  return differ;
};
const samePart = (a: Part, b: Part) => a.uri === b.uri && a.duration === b.duration && a.independent === b.independent && a.gap === b.gap;

// All playlists of one lane in the order they were answered: what was once said stays so.
export class History {
  readonly segments = new Map<number, Segment>();
  private last?: MediaPlaylist;
  private parts = new Map<number, Part[]>();

  add(p: MediaPlaylist): string[] {
    const bad = checkPlaylist(p);
    for (const s of p.segments) {
      const known = this.segments.get(s.number);
      if (known) bad.push(...same(known, s).map((d) => `segment ${s.number}: ${d}`));
      else this.segments.set(s.number, s);
    }
    for (const s of [...p.segments, ...(p.open ? [p.open] : [])]) bad.push(...this.addParts(s));
    if (this.last) bad.push(...succeeds(this.last, p));
    this.last = p;
    return bad;
  }

  private addParts(s: Segment): string[] {
    if (s.parts.length === 0) return [];
    const known = this.parts.get(s.number) ?? [];
    const [fewer, more] = known.length < s.parts.length ? [known, s.parts] : [s.parts, known];
    this.parts.set(s.number, more);
    if (more === known && fewer.length < more.length) return [`segment ${s.number}: ${more.length} parts, then ${fewer.length}`];
    return fewer.flatMap((part, i) => (samePart(part, more[i]) ? [] : [`part ${s.number}.${i}: ${JSON.stringify(part)} and ${JSON.stringify(more[i])}`]));
  }
}

const end = (p: MediaPlaylist) => p.number + p.skipped + p.segments.length;

// A playlist against the one answered just before it.
export function succeeds(before: MediaPlaylist, p: MediaPlaylist): string[] {
  const bad: string[] = [];
  const say = (wrong: boolean, what: string) => { if (wrong) bad.push(what); };
  say(before.target !== p.target, `target duration ${before.target} then ${p.target}`);
  say(before.partTarget !== p.partTarget, `part target ${before.partTarget} then ${p.partTarget}`);
  say(p.number < before.number, `media sequence ${before.number} then ${p.number}`);
  say(p.discontinuitySequence < before.discontinuitySequence, `discontinuity sequence ${before.discontinuitySequence} then ${p.discontinuitySequence}`);
  say(end(p) < end(before), `segments up to ${end(before)}, then only to ${end(p)}`);
  say(p.number > end(before), `media sequence ${p.number} leaves out ${p.number - end(before)} after ${end(before)}`);
  // 6.2.2: the number of those tags that left with their segments
  const gone = before.segments.filter((s) => s.number < p.number).at(-1);
  const first = p.segments[0];
  if (gone && first && !p.skipped && gone.number === p.number - 1) {
    // the tag of the first segment itself counts only once it leaves
    const expected = gone.discontinuitySequence;
    say(p.discontinuitySequence !== expected, `discontinuity sequence ${p.discontinuitySequence}, ${expected} tags have gone`);
  }
  say(before.ended && before.lines.join() !== p.lines.join(), 'changed after EXT-X-ENDLIST');
  const hint = before.hints.find((h) => h.type === 'PART');
  if (hint) bad.push(...hintCameTrue(before, p, hint.uri));
  const held = !hint && !before.ended && before.open;
  const told = held && [...p.segments, ...(p.open ? [p.open] : [])].find((s) => s.number === held.number);
  say(!!told && told.parts.length > held.parts.length, `no hint in ${held && held.number}, and yet it went on`);
  return bad;
}

// 4.4.5.3: the hinted part is the next one, unless its segment ended or media with another header began there.
function hintCameTrue(before: MediaPlaylist, p: MediaPlaylist, hint: string): string[] {
  const number = end(before);
  const at = before.open?.parts.length ?? 0;
  const s = [...p.segments, ...(p.open ? [p.open] : [])].find((x) => x.number === number);
  if (!s) return [];
  const map = before.open?.map ?? before.segments.at(-1)?.map;
  const broke = (x: Segment) => x.discontinuity || x.map !== map;
  if (s.parts.length > at) return s.parts[at].uri === hint || (at === 0 && broke(s)) ? [] : [`hint ${hint}, then part ${number}.${at} is ${s.parts[at].uri}`];
  // the segment ended without it: then the first of the next one was hinted at, or a break came
  const after = [...p.segments, ...(p.open ? [p.open] : [])].find((x) => x.number === number + 1);
  if (s.uri === '' || s.parts.length === 0 || !after || after.parts.length === 0) return [];
  return broke(after) || after.parts[0].uri === hint ? [] : [`hint ${hint} never came; ${after.parts[0].uri} did`];
}

// A delta update laid over the playlist before it gives what the full one says: 6.2.5.1.
export function checkDelta(older: MediaPlaylist, delta: MediaPlaylist, full: MediaPlaylist): string[] {
  const bad: string[] = [];
  // reports are of the moment a text was made, and each core makes its own
  const lines = (p: MediaPlaylist) => p.lines.filter((l) => !l.startsWith('#EXT-X-RENDITION-REPORT')).join();
  if (!delta.skipped) return lines(delta) === lines(full) ? [] : ['a delta update without EXT-X-SKIP differs from the playlist'];
  if (delta.number !== full.number) return [`delta update from ${delta.number}, playlist from ${full.number}`];
  const until = Number(full.control['CAN-SKIP-UNTIL']);
  const kept = older.segments.filter((s) => s.number >= delta.number && s.number < delta.number + delta.skipped);
  if (kept.length !== delta.skipped) bad.push(`SKIPPED-SEGMENTS ${delta.skipped}, of which the playlist before had ${kept.length}`);
  let [sequence, clock, map] = [delta.discontinuitySequence, undefined as number | undefined, undefined as string | undefined];
  const merged = [...kept, ...delta.segments, ...(delta.open ? [delta.open] : [])].map((s, i) => {
    if (s.discontinuity) sequence += 1;
    if (i >= kept.length && !s.pdtWritten) s = { ...s, pdt: clock };
    map = s.map ?? map;
    s = { ...s, map, discontinuitySequence: sequence };
    clock = s.pdt === undefined ? undefined : s.pdt + s.duration * 1000;
    return s;
  });
  const whole = [...full.segments, ...(full.open ? [full.open] : [])];
  if (merged.length !== whole.length) bad.push(`delta update makes ${merged.length} segments, the playlist has ${whole.length}`);
  else {
    merged.forEach((s, i) => {
      bad.push(...same(whole[i], s).map((d) => `delta update, segment ${s.number}: ${d}`));
      if (i >= kept.length && !(whole[i].parts.length === s.parts.length && s.parts.every((part, k) => samePart(part, whole[i].parts[k])))) {
        bad.push(`delta update, segment ${s.number}: other parts`);
      }
    });
  }
  // 6.2.5.1: nothing nearer to the end than the skip boundary is left out
  const left = lasts(full.open?.parts ?? []) + full.segments.slice(delta.skipped).reduce((sum, s) => sum + s.duration, 0);
  if (left < until - 1e-6) bad.push(`skipped up to ${left.toFixed(2)} s from the end, CAN-SKIP-UNTIL is ${until}`);
  for (const key of ['hints', 'reports'] as const) {
    if (JSON.stringify(delta[key]) !== JSON.stringify(full[key])) bad.push(`delta update with other ${key}`);
  }
  return bad;
}

// Where a lane is: its newest segment number and part. A complete segment without an open one counts as its last part.
export function position(p: MediaPlaylist): { msn: number; part: number } {
  if (p.open && p.open.parts.length > 0) return { msn: p.open.number, part: p.open.parts.length - 1 };
  const last = p.segments.at(-1);
  return { msn: last?.number ?? -1, part: (last?.parts.length ?? 0) - 1 };
}
const notBefore = (a: { msn: number; part: number }, b: { msn: number; part: number }) => a.msn > b.msn || (a.msn === b.msn && a.part >= b.part);

// What a lane has after a position, in seconds: by its parts, and whole segments where there are none.
function after(p: MediaPlaylist, at: { msn: number; part: number }): number {
  return [...p.segments, ...(p.open ? [p.open] : [])].filter((s) => s.number >= at.msn).reduce((sum, s) => {
    if (s.number > at.msn) return sum + (s.uri ? s.duration : lasts(s.parts));
    return sum + lasts(s.parts.slice(at.part + 1));
  }, 0);
}

// The report said between two fetches of the playlist it is about: not ahead of the later, and behind the earlier by
// no more than a part of the reporting playlist, which may be that old, and one of the other.
export function checkReport(report: Report, earlier: MediaPlaylist, later: MediaPlaylist, partTarget: number): string[] {
  const bad: string[] = [];
  const [from, to] = [position(earlier), position(later)];
  const said = `report ${report.msn}.${report.part} of ${report.uri}`;
  if (!notBefore(to, report)) bad.push(`${said} is ahead of ${to.msn}.${to.part}`);
  const missing = after(earlier, report);
  // a part of each lane, and what publishers' packets come apart by
  if (missing > partTarget + (earlier.partTarget ?? 0) + 0.04) bad.push(`${said} is stale by ${missing.toFixed(3)} s: ${from.msn}.${from.part} was there before`);
  return bad;
}

export type Measured = { number: number; duration: number; bytes: number };

// 4.1: the largest rate over neighbours that last 0.5 to 1.5 target durations together.
export function peakRate(segments: Measured[], target: number): number {
  let peak = 0;
  for (let from = 0; from < segments.length; ++from) {
    let [time, bytes] = [0, 0];
    for (let to = from; to < segments.length && (to === from || segments[to].number === segments[to - 1].number + 1); ++to) {
      time += segments[to].duration;
      bytes += segments[to].bytes;
      if (time > 1.5 * target) break;
      if (time >= 0.5 * target) peak = Math.max(peak, (bytes * 8) / time);
    }
  }
  return peak;
}

// BANDWIDTH against the segments that were complete when the multivariant playlist was asked for; `of` gives those of a URI.
export function checkBandwidth(m: Multivariant, target: number, of: (uri: string) => Measured[]): string[] {
  return m.variants.flatMap((v) => {
    const sound = m.renditions.filter((r) => r.group === v.audio && r.uri && r.uri !== v.uri).map((r) => peakRate(of(r.uri!), target));
    const peak = Math.ceil(peakRate(of(v.uri), target) + Math.max(0, ...sound));
    const bad = peak > v.bandwidth ? [`BANDWIDTH ${v.bandwidth} of ${v.uri}, its segments reach ${peak}`] : [];
    if (v.average > v.bandwidth) bad.push(`AVERAGE-BANDWIDTH ${v.average} above BANDWIDTH ${v.bandwidth}`);
    return bad;
  });
}

// A part's flag against its samples, and the samples' flags against the pictures.
export function checkSync(name: string, independent: boolean, chunks: Chunk[]): string[] {
  const bad: string[] = [];
  const first = chunks[0]?.samples[0];
  if (!first) return [`${name}: no sample`];
  if (independent !== first.sync) bad.push(`${name}: INDEPENDENT=${independent ? 'YES' : 'NO'}, its first sample is ${first.sync ? '' : 'not '}sync`);
  for (const c of chunks) {
    c.samples.forEach((s, i) => {
      const key = isKeyPicture(c.track, s.bytes);
      if (key !== undefined && key !== s.sync) bad.push(`${name}: sample ${i} is ${key ? 'a' : 'no'} key picture, flagged ${s.sync ? '' : 'not '}sync`);
    });
  }
  return bad;
}
