// What a DASH manifest says: ISO/IEC 23009-1. Times in seconds, instants in ms. mpd_rules.ts judges.
import { parseXml, type Element } from './xml.ts';

export type Template = {
  timescale: number; media: string; initialization: string; startNumber: number; endNumber?: number; duration?: number; pto: number;
  availabilityTimeOffset: number; availabilityTimeComplete: boolean;
  timeline?: { time: number; duration: number }[];
};
export type Representation = { id: string; bandwidth: number; codecs: string; mimeType: string; width?: number; height?: number; template: Template };
export type AdaptationSet = { contentType: string; language?: string; representations: Representation[] };
export type Period = { id: string; start: number; duration?: number; sets: AdaptationSet[] };
export type Mpd = {
  type: string; profiles: string; availabilityStart: number; publishTime: number; minimumUpdatePeriod?: number; depth?: number; minBufferTime: number;
  presentationDuration?: number; utc: { scheme: string; value: string }[]; latency?: { target: number; min?: number; max?: number };
  periods: Period[];
};

export function seconds(iso: string | undefined): number | undefined {
  if (iso === undefined) return undefined;
  const m = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(iso);
  if (!m) throw new Error(`duration ${iso}`);
  return Number(m[1] ?? 0) * 86400 + Number(m[2] ?? 0) * 3600 + Number(m[3] ?? 0) * 60 + Number(m[4] ?? 0);
}

const kids = (e: Element, name: string) => e.children.filter((c) => c.name === name);
const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));

function template(levels: Element[]): Template {
  const found = levels.flatMap((l) => kids(l, 'SegmentTemplate')); // outermost first: the inner ones win
  const a: Record<string, string> = Object.assign({}, ...found.map((f) => f.attributes));
  const s = found.flatMap((f) => kids(f, 'SegmentTimeline')).at(-1);
  let time = 0;
  const timeline = s && kids(s, 'S').flatMap(({ attributes: x }) => {
    time = number(x.t) ?? time;
    return Array.from({ length: 1 + (number(x.r) ?? 0) }, () => ({ time: (time += Number(x.d)) - Number(x.d), duration: Number(x.d) }));
  });
  return {
    timescale: number(a.timescale) ?? 1, media: a.media ?? '', initialization: a.initialization ?? '', startNumber: number(a.startNumber) ?? 1, endNumber: number(a.endNumber),
    duration: number(a.duration), pto: number(a.presentationTimeOffset) ?? 0, timeline,
    availabilityTimeOffset: number(a.availabilityTimeOffset) ?? 0, availabilityTimeComplete: a.availabilityTimeComplete !== 'false',
  };
}

export function parseMpd(text: string): Mpd {
  const root = parseXml(text);
  if (root.name !== 'MPD') throw new Error(`<${root.name}> is no MPD`);
  const a = root.attributes;
  const latency = kids(root, 'ServiceDescription').flatMap((s) => kids(s, 'Latency'))[0]?.attributes;
  return {
    type: a.type ?? 'static', profiles: a.profiles ?? '', availabilityStart: Date.parse(a.availabilityStartTime ?? ''), publishTime: Date.parse(a.publishTime ?? ''),
    minimumUpdatePeriod: seconds(a.minimumUpdatePeriod), depth: seconds(a.timeShiftBufferDepth), minBufferTime: seconds(a.minBufferTime) ?? NaN,
    presentationDuration: seconds(a.mediaPresentationDuration),
    utc: kids(root, 'UTCTiming').map((u) => ({ scheme: u.attributes.schemeIdUri, value: u.attributes.value })),
    latency: latency && { target: Number(latency.target) / 1000, min: latency.min ? Number(latency.min) / 1000 : undefined, max: latency.max ? Number(latency.max) / 1000 : undefined },
    periods: kids(root, 'Period').map((p) => ({
      id: p.attributes.id ?? '', start: seconds(p.attributes.start) ?? NaN, duration: seconds(p.attributes.duration),
      sets: kids(p, 'AdaptationSet').map((s) => ({
        contentType: s.attributes.contentType ?? (s.attributes.mimeType ?? kids(s, 'Representation')[0]?.attributes.mimeType ?? '').split('/')[0],
        language: s.attributes.lang,
        representations: kids(s, 'Representation').map((r) => ({
          id: r.attributes.id, bandwidth: Number(r.attributes.bandwidth), codecs: r.attributes.codecs ?? s.attributes.codecs ?? '',
          mimeType: r.attributes.mimeType ?? s.attributes.mimeType ?? '', width: number(r.attributes.width), height: number(r.attributes.height),
          template: template([p, s, r]),
        })),
      })),
    })),
  };
}

export type Named = { number: number; uri: string; start: number; duration: number; complete: number }; // on the MPD timeline; `complete`: the instant in ms

export function fill(pattern: string, rep: Representation, number: number, time: number): string {
  return pattern.replace(/\$(RepresentationID|Number|Time|Bandwidth)?(?:%0(\d+)d)?\$/g, (_, what: string | undefined, width: string | undefined) => {
    const value = what === undefined ? '$' : { RepresentationID: rep.id, Number: `${number}`, Time: `${time}`, Bandwidth: `${rep.bandwidth}` }[what]!;
    return value.padStart(Number(width ?? 0), '0');
  });
}

// The segments of a representation that are complete at `now` and within the time shift buffer: 5.3.9.5.3.
export function namedSegments(mpd: Mpd, index: number, rep: Representation, now: number): Named[] {
  const p = mpd.periods[index];
  const t = rep.template;
  const next = mpd.periods[index + 1]?.start ?? (mpd.presentationDuration !== undefined && mpd.type === 'static' ? mpd.presentationDuration : Infinity);
  const end = Math.min(p.duration === undefined ? Infinity : p.start + p.duration, next);
  const origin = mpd.type === 'static' && Number.isNaN(mpd.availabilityStart) ? 0 : mpd.availabilityStart;
  const clock = mpd.type === 'static' ? Infinity : (now - origin) / 1000;
  const from = mpd.type === 'static' ? -Infinity : clock - (mpd.depth ?? Infinity);
  const make = (number: number, time: number, start: number, duration: number): Named =>
    ({ number, uri: fill(t.media, rep, number, time), start, duration, complete: origin + (start + duration) * 1000 });
  const inside = (s: Named) => s.start + s.duration <= clock + 1e-9 && s.start + s.duration > from;
  if (t.timeline) return t.timeline.map((s, i) => make(t.startNumber + i, s.time, p.start + (s.time - t.pto) / t.timescale, s.duration / t.timescale)).filter(inside);
  const d = t.duration! / t.timescale;
  const named = t.endNumber === undefined ? Infinity : t.endNumber - t.startNumber + 1;
  const last = Math.min(named, Math.ceil((end - p.start) / d - 1e-6), Math.floor((clock - p.start) / d)) - 1;
  const first = Math.max(0, Math.floor((from - p.start) / d));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => make(t.startNumber + first + i, (first + i) * t.duration!, p.start + (first + i) * d, d)).filter(inside);
}
