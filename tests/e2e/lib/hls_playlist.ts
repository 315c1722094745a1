// What an HLS playlist says: RFC 8216bis 4. Parsing only; hls_rules.ts judges. Times in seconds, instants in ms.

export type Attributes = Record<string, string>;
export type Part = { uri: string; duration: number; digits: number; independent: boolean; gap: boolean };
export type Segment = {
  number: number;
  uri: string; // empty for the one in the making
  duration: number; // likewise 0
  digits: number; // after the point in EXTINF
  pdt?: number; // as written, else counted on from the one before
  pdtWritten: boolean;
  discontinuity: boolean;
  discontinuitySequence: number;
  map?: string;
  gap: boolean;
  parts: Part[];
};
export type Report = { uri: string; msn: number; part: number };
export type MediaPlaylist = {
  version: number;
  target: number;
  partTarget?: number;
  control: Attributes;
  number: number; // EXT-X-MEDIA-SEQUENCE
  discontinuitySequence: number;
  skipped: number;
  segments: Segment[]; // complete ones
  open?: Segment; // parts without a segment yet
  hints: { type: string; uri: string }[];
  reports: Report[];
  ended: boolean;
  kind?: string; // EXT-X-PLAYLIST-TYPE
  lines: string[];
};

export function attributes(text: string): Attributes {
  const out: Attributes = {};
  for (const m of text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)(,|$)/g)) out[m[1]] = m[2].replace(/^"|"$/g, '');
  return out;
}

const digits = (number: string) => (number.split('.')[1] ?? '').length;

export function parseMedia(text: string): MediaPlaylist {
  const lines = text.split(/\r?\n/).filter((l) => l !== '');
  if (lines[0] !== '#EXTM3U') throw new Error(`not a playlist: ${text.slice(0, 80)}`);
  const p: MediaPlaylist = {
    version: 1, target: NaN, control: {}, number: 0, discontinuitySequence: 0, skipped: 0, segments: [], hints: [], reports: [], ended: false, lines,
  };
  const fresh = (): Segment => ({
    number: p.number + p.skipped + p.segments.length, uri: '', duration: 0, digits: 0, pdtWritten: false, discontinuity: false,
    discontinuitySequence: sequence, map, gap: false, parts: [], pdt: clock,
  });
  let map: string | undefined, clock: number | undefined;
  let sequence = 0;
  let next: Segment | undefined;
  const segment = () => (next ??= fresh());
  for (const line of lines.slice(1)) {
    const [, tag, value] = /^#(EXT[A-Z0-9-]*):?(.*)$/.exec(line) ?? [];
    const a = tag ? attributes(value) : {};
    switch (tag) {
      case 'EXT-X-VERSION': p.version = Number(value); break;
      case 'EXT-X-TARGETDURATION': p.target = /^\d+$/.test(value) ? Number(value) : NaN; break;
      case 'EXT-X-PART-INF': p.partTarget = Number(a['PART-TARGET']); break;
      case 'EXT-X-SERVER-CONTROL': p.control = a; break;
      case 'EXT-X-MEDIA-SEQUENCE': p.number = Number(value); break;
      case 'EXT-X-DISCONTINUITY-SEQUENCE': p.discontinuitySequence = sequence = Number(value); break;
      case 'EXT-X-PLAYLIST-TYPE': p.kind = value; break;
      case 'EXT-X-SKIP': p.skipped = Number(a['SKIPPED-SEGMENTS']); break;
      case 'EXT-X-MAP': map = a.URI; if (next) next.map = map; break;
      case 'EXT-X-DISCONTINUITY': {
        const s = segment();
        s.discontinuity = true;
        s.discontinuitySequence = ++sequence;
        break;
      }
      case 'EXT-X-PROGRAM-DATE-TIME': { const s = segment(); s.pdt = Date.parse(value); s.pdtWritten = true; break; }
      case 'EXT-X-GAP': segment().gap = true; break;
      case 'EXTINF': { const d = value.split(',')[0]; const s = segment(); s.duration = Number(d); s.digits = digits(d); break; }
      case 'EXT-X-PART':
        segment().parts.push({ uri: a.URI, duration: Number(a.DURATION), digits: digits(a.DURATION), independent: a.INDEPENDENT === 'YES', gap: a.GAP === 'YES' });
        break;
      case 'EXT-X-PRELOAD-HINT': p.hints.push({ type: a.TYPE, uri: a.URI }); break;
      case 'EXT-X-RENDITION-REPORT': p.reports.push({ uri: a.URI, msn: Number(a['LAST-MSN']), part: a['LAST-PART'] === undefined ? -1 : Number(a['LAST-PART']) }); break;
      case 'EXT-X-ENDLIST': p.ended = true; break;
      default:
        if (line.startsWith('#')) break;
        segment().uri = line;
        p.segments.push(next!);
        clock = next!.pdt === undefined ? undefined : next!.pdt + next!.duration * 1000;
        next = undefined;
    }
  }
  if (next) p.open = next;
  return p;
}

export type Variant = { uri: string; bandwidth: number; average: number; codecs: string; audio?: string; resolution?: string; frameRate?: number };
export type Rendition = { type: string; group: string; name: string; uri?: string; isDefault: boolean };
export type Multivariant = { variants: Variant[]; renditions: Rendition[]; text: string };

export function parseMultivariant(text: string): Multivariant {
  const lines = text.split(/\r?\n/).filter((l) => l !== '');
  const out: Multivariant = { variants: [], renditions: [], text };
  lines.forEach((line, i) => {
    const [, tag, value] = /^#(EXT-X-[A-Z-]+):(.*)$/.exec(line) ?? [];
    const a = tag ? attributes(value) : {};
    if (tag === 'EXT-X-STREAM-INF') {
      out.variants.push({
        uri: lines[i + 1], bandwidth: Number(a.BANDWIDTH), average: Number(a['AVERAGE-BANDWIDTH'] ?? NaN), codecs: a.CODECS ?? '', audio: a.AUDIO,
        resolution: a.RESOLUTION, frameRate: a['FRAME-RATE'] ? Number(a['FRAME-RATE']) : undefined,
      });
    }
    if (tag === 'EXT-X-MEDIA') out.renditions.push({ type: a.TYPE, group: a['GROUP-ID'], name: a.NAME, uri: a.URI, isDefault: a.DEFAULT === 'YES' });
  });
  return out;
}
