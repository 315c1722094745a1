// What came out: ffprobe's packets of a URL or file, and the comparison with what went in.
import { expect } from '@playwright/test';
import { parseMedia, parseMultivariant } from './hls_playlist.ts';
import { start, until, type Process } from './process.ts';

export type Packet = { pts: number; dts: number; key: boolean; size: number; hash: string }; // times in ms
export type Stream = { kind: 'video' | 'audio'; codec: string; width?: number; height?: number; packets: Packet[] };

// Starts reading now; `streams` waits for the end of the stream, or of `ms`.
export class Reader {
  constructor(readonly process: Process, readonly url: string) {}
  async streams(ms: number): Promise<Stream[]> { return parse(await this.process.finish(ms)); }
}

export function read(url: string, options: string[] = []): Reader {
  return new Reader(start('ffprobe', ['-hide_banner', '-loglevel', 'error', ...options, '-show_streams', '-show_packets',
    '-show_data_hash', 'md5', '-of', 'json', '-i', url]), url);
}

// A playlist that is not there yet is an error to ffprobe, so wait for the first segment; then read all of them.
export async function readHls(url: string): Promise<Reader> {
  await until(`${url} exists`, 15_000, () => playlistReady(url));
  return read(url, ['-live_start_index', '0']);
}

export async function playlistReady(url: string): Promise<boolean> {
  const text = await fetchText(url);
  if (text.includes('#EXTINF')) return true;
  const variant = text.split('\n').find((l) => l && !l.startsWith('#'));
  return variant !== undefined && (await fetchText(new URL(variant.trim(), url).href)).includes('#EXTINF');
}

// Three segments are complete in every lane. Until then shaka 5.2 throws in load(): in two segments besides the first it
// looks for captions, and counts the one in the making, which has no URI yet (hls_parser.js, getClosedCaptionProbeSegments_).
export async function shakaReady(url: string): Promise<boolean> {
  const { variants, renditions } = parseMultivariant(await fetchText(url));
  const lanes = [...variants, ...renditions].flatMap((l) => l.uri ?? []);
  const complete = lanes.map(async (l) => parseMedia(await fetchText(new URL(l, url).href)).segments.filter((s) => !s.gap).length);
  return lanes.length > 0 && Math.min(...(await Promise.all(complete))) >= 3;
}

export async function fetchText(url: string): Promise<string> {
  try {
    const answer = await fetch(url);
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}

export async function probeFile(path: string): Promise<Stream[]> {
  return read(path).streams(20_000);
}

export function parse(json: string): Stream[] {
  const report = JSON.parse(json);
  const streams: Stream[] = report.streams.map((s: any) => ({
    kind: s.codec_type, codec: s.codec_name, width: s.width, height: s.height, packets: [],
  }));
  const ms = (text?: string) => (text === undefined ? NaN : Number(text) * 1000);
  for (const p of report.packets ?? []) {
    streams[p.stream_index].packets.push({
      pts: ms(p.pts_time), dts: ms(p.dts_time), key: p.flags.startsWith('K'), size: Number(p.size), hash: p.data_hash,
    });
  }
  return streams.filter((s) => s.kind === 'video' || s.kind === 'audio');
}

export const track = (streams: Stream[], kind: 'video' | 'audio') => streams.find((s) => s.kind === kind);
const fromFirst = (packets: Packet[], of: 'pts' | 'dts') => packets.map((p) => p[of] - packets[0][of]);

// Largest distance between two lists of times that should be equal.
function worst(a: number[], b: number[]) {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}

// Every frame that went in came out: same tracks, codecs, count, and the same times from the first on to
// within `tolerance` ms; where the container keeps payloads as they are, the same bytes.
export function expectSame(got: Stream[], sent: Stream[], { tolerance = 1.01, bytes = true, settle = 0 } = {}) {
  expect(got.map((s) => s.codec).sort()).toEqual(sent.map((s) => s.codec).sort());
  for (const want of sent) {
    const have = track(got, want.kind)!;
    expect.soft(have.packets.length, `${want.kind} frames`).toBe(want.packets.length);
    if (have.packets.length !== want.packets.length) continue;
    expect.soft(worst(fromFirst(have.packets, 'pts').slice(settle), fromFirst(want.packets, 'pts').slice(settle)), `${want.kind} pts`).toBeLessThanOrEqual(tolerance);
    if (bytes) expect.soft(have.packets.map((p) => p.hash), `${want.kind} bytes`).toEqual(want.packets.map((p) => p.hash));
  }
  if (sent.length === 2) {
    const apart = (s: Stream[]) => track(s, 'audio')!.packets[0].pts - track(s, 'video')!.packets[0].pts;
    expect.soft(Math.abs(apart(got) - apart(sent)), 'audio against video').toBeLessThanOrEqual(tolerance);
  }
}

// Times only go forward, and never by more than `most` ms at once.
export function expectSmooth(stream: Stream, most: number) {
  const steps = stream.packets.slice(1).map((p, i) => p.dts - stream.packets[i].dts);
  expect.soft(Math.min(...steps), `${stream.kind}: smallest step`).toBeGreaterThanOrEqual(0);
  expect.soft(Math.max(...steps), `${stream.kind}: largest step`).toBeLessThanOrEqual(most);
}
