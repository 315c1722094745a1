// A client that leaves nothing out: every version of every media playlist by blocking reload, each with its delta
// update beside it, every part as soon as it is hinted at, every segment, the multivariant playlist every other
// second, reports held against what they report. What breaks a rule is kept in `faults`.
import { readChunks, readInit, type Chunk, type Init } from './boxes.ts';
import { parseMedia, parseMultivariant, type MediaPlaylist, type Segment } from './hls_playlist.ts';
import { checkBandwidth, checkDelta, checkReport, checkSync, History, type Measured } from './hls_rules.ts';
import { sleep } from './process.ts';

type Answer = { status: number; bytes: Buffer };
export async function get(url: string): Promise<Answer> {
  try {
    const answer = await fetch(url);
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
  } catch (e) {
    return { status: 0, bytes: Buffer.from(String(e)) };
  }
}

export type Got = { segment: Segment; bytes: Buffer; parts: (Buffer | undefined)[] };

export class Lane {
  readonly history = new History();
  readonly got = new Map<number, Got>();
  readonly inits = new Map<string, Promise<Answer>>();
  readonly counts = { playlists: 0, deltas: 0, skips: 0, parts: 0, hints: 0, reports: 0, refused: 0 };
  last?: MediaPlaylist;
  moved = 0; // when it last changed
  private hinted = new Map<string, Promise<Answer>>();
  private seen = new Set<string>();
  private fetching: Promise<void>[] = [];

  constructor(readonly url: string, private faults: (what: string) => void, private stopped: () => boolean) {}

  get measured(): Measured[] {
    return [...this.got.values()].map((g) => ({ number: g.segment.number, duration: g.segment.duration, bytes: g.bytes.length }));
  }

  async follow() {
    let full = await get(this.url);
    while (full.status === 200) {
      const p = parseMedia(full.bytes.toString());
      this.counts.playlists += 1;
      for (const fault of this.history.add(p)) this.faults(fault);
      this.last = p;
      this.moved = Date.now();
      this.fetchMedia(p);
      if (p.ended || this.stopped()) break;
      const [answer, delta] = await this.next(p);
      full = answer;
      if (full.status === 200) this.checkAnswer(p, parseMedia(full.bytes.toString()), delta);
    }
    if (full.status !== 200) this.faults(`the playlist was answered ${full.status} ${full.bytes.toString().slice(0, 100)}`);
    await Promise.all(this.fetching);
  }

  // The playlist that has the next part, and its delta update.
  private async next(p: MediaPlaylist): Promise<[Answer, Answer]> {
    const url = new URL(this.url);
    url.searchParams.set('_HLS_msn', `${p.number + p.segments.length}`);
    if (p.partTarget !== undefined) url.searchParams.set('_HLS_part', `${p.open?.parts.length ?? 0}`);
    const skip = new URL(url);
    skip.searchParams.set('_HLS_skip', 'YES');
    for (;;) {
      const answers = await Promise.all([get(url.href), get(skip.href)]);
      // 503: nothing came for three target durations; the stream may yet go on
      if (answers[0].status !== 503 || this.stopped()) return answers;
      this.counts.refused += 1;
    }
  }

  private checkAnswer(before: MediaPlaylist, p: MediaPlaylist, delta: Answer) {
    const wanted = { msn: before.number + before.segments.length, part: before.open?.parts.length ?? 0 };
    const has = p.ended || p.number + p.segments.length > wanted.msn || (p.open?.parts.length ?? 0) > wanted.part;
    if (!has) this.faults(`a blocking reload for ${wanted.msn}.${wanted.part} was answered without it`);
    if (delta.status !== 200) return this.faults(`a delta update was answered ${delta.status}`);
    const d = parseMedia(delta.bytes.toString());
    // both waited for the same part; a third may have come between their answers
    if (JSON.stringify([d.hints, d.ended]) !== JSON.stringify([p.hints, p.ended])) return;
    this.counts.deltas += 1;
    this.counts.skips += d.skipped > 0 ? 1 : 0;
    if (JSON.stringify(d.reports) !== JSON.stringify(p.reports)) d.reports = p.reports; // of two moments; see checkReports
    for (const fault of checkDelta(before, d, p)) this.faults(fault);
  }

  private fetchMedia(p: MediaPlaylist) {
    const hint = p.hints.find((h) => h.type === 'PART')?.uri;
    if (hint && !this.hinted.has(hint)) this.hinted.set(hint, get(this.at(hint)));
    for (const s of [...p.segments, ...(p.open ? [p.open] : [])]) {
      if (s.gap) continue;
      if (s.map && !this.inits.has(s.map)) this.inits.set(s.map, get(this.at(s.map)));
      for (const part of s.parts) {
        if (this.seen.has(part.uri) || part.gap) continue;
        this.seen.add(part.uri);
        this.fetching.push(this.fetchPart(part.uri));
      }
      if (s.uri && !this.seen.has(s.uri)) {
        this.seen.add(s.uri);
        this.fetching.push(this.fetchSegment(s));
      }
    }
  }

  // A part that was asked for when it was hinted at was answered when it came; asked for again it is the same.
  private async fetchPart(uri: string) {
    const early = this.hinted.get(uri);
    const answer = await get(this.at(uri));
    this.counts.parts += 1;
    if (answer.status !== 200) this.faults(`${uri} was answered ${answer.status}`);
    const first = await early;
    if (first) {
      this.counts.hints += 1;
      // 503: held for three target durations in vain, while its publisher was away
      if (first.status !== 200 && first.status !== 503) this.faults(`${uri}, hinted at, was answered ${first.status}`);
      else if (!first.bytes.equals(answer.bytes)) this.faults(`${uri}: other bytes than when it was hinted at`);
    }
    this.hinted.set(uri, Promise.resolve(answer));
  }

  private async fetchSegment(segment: Segment) {
    const answer = await get(this.at(segment.uri));
    if (answer.status !== 200) return this.faults(`${segment.uri} was answered ${answer.status}`);
    const parts = await Promise.all(segment.parts.map(async (p) => (await (this.hinted.get(p.uri) ?? get(this.at(p.uri)))).bytes));
    this.got.set(segment.number, { segment, bytes: answer.bytes, parts });
  }

  at(uri: string) { return new URL(uri, this.url).href; }

  async init(name: string): Promise<Buffer> { return (await this.inits.get(name)!).bytes; }

  // After the session: the bytes against what the playlists said of them.
  async checkMedia() {
    let before: { chunks: Chunk[]; segment: Segment } | undefined;
    let origin: { sequence: number; at: number } | undefined;
    for (const { segment, bytes, parts } of [...this.got.values()].sort((a, b) => a.segment.number - b.segment.number)) {
      const name = `segment ${segment.number}`;
      try {
        const init = readInit(await this.init(segment.map!));
        const chunks = readChunks(bytes, init);
        for (const fault of checkSegment(segment, chunks, before)) this.faults(fault);
        before = { chunks, segment };
        const at = segment.pdt! - (Math.min(...chunks[0].samples.map((s) => s.pts)) / chunks[0].track.timescale) * 1000;
        if (origin?.sequence !== segment.discontinuitySequence) origin = { sequence: segment.discontinuitySequence, at };
        if (Math.abs(at - origin.at) > 34) this.faults(`${name}: PROGRAM-DATE-TIME has drifted by ${(at - origin.at).toFixed(1)} ms from the media`);
        this.checkParts(segment, chunks, parts, init);
      } catch (e) {
        this.faults(`${name}: ${e}`);
      }
    }
  }

  private checkParts(segment: Segment, chunks: Chunk[], parts: (Buffer | undefined)[], init: Init) {
    const all: Chunk[] = [];
    parts.forEach((bytes, i) => {
      const part = segment.parts[i];
      const name = `part ${segment.number}.${i}`;
      const own = readChunks(bytes!, init);
      all.push(...own);
      for (const fault of checkSync(name, part.independent, own)) this.faults(fault);
      const lasts = own.flatMap((c) => c.samples).reduce((sum, s) => sum + s.duration, 0) / own[0].track.timescale;
      if (Math.abs(lasts - part.duration) > 0.002) this.faults(`${name}: lasts ${lasts}, DURATION ${part.duration}`);
    });
    const bytes = (list: Chunk[]) => Buffer.concat(list.flatMap((c) => c.samples.map((s) => s.bytes)));
    if (parts.length > 0 && !bytes(all).equals(bytes(chunks))) this.faults(`segment ${segment.number} is not its parts`);
  }
}

function checkSegment(segment: Segment, chunks: Chunk[], before?: { chunks: Chunk[]; segment: Segment }): string[] {
  const bad: string[] = [];
  const samples = chunks.flatMap((c) => c.samples);
  const { timescale, handler } = chunks[0].track;
  const lasts = samples.reduce((sum, s) => sum + s.duration, 0) / timescale;
  if (Math.abs(lasts - segment.duration) > 0.034) bad.push(`segment ${segment.number}: its samples last ${lasts}, EXTINF ${segment.duration}`);
  if (handler === 'vide' && !samples[0].sync) bad.push(`segment ${segment.number} does not begin with a sync sample`);
  if (before && before.segment.number + 1 === segment.number && !segment.discontinuity) {
    const last = before.chunks.at(-1)!.samples.at(-1)!;
    const off = (samples[0].dts - last.dts - last.duration) / timescale;
    if (Math.abs(off) > (handler === 'vide' ? 0.0011 : 0.025)) bad.push(`segment ${segment.number}: begins ${off.toFixed(4)} s off the end of the one before`);
  }
  return bad;
}

export class HlsSession {
  readonly lanes = new Map<string, Lane>(); // by the URL of the playlist
  readonly faults: string[] = [];
  multivariants = 0;
  private done = false;
  private running: Promise<void>[] = [];

  constructor(private url: string) {}

  fault(what: string) { if (this.faults.length < 200 && !this.faults.includes(what)) this.faults.push(what); }

  start() { this.running.push(this.watch(), this.watchReports()); }

  async stop() {
    this.done = true;
    await Promise.all(this.running);
    for (const lane of this.lanes.values()) await lane.checkMedia();
  }

  private lane(url: string): Lane {
    let lane = this.lanes.get(url);
    if (!lane) {
      const name = new URL(url).pathname.split('/').slice(-2).join('/');
      lane = new Lane(url, (what) => this.fault(`${name}: ${what}`), () => this.done);
      this.lanes.set(url, lane);
      this.running.push(lane.follow());
    }
    return lane;
  }

  // The multivariant playlist every other second; lanes as they appear.
  private async watch() {
    for (; !this.done; await sleep(2_000)) {
      const known = new Map([...this.lanes].map(([url, lane]) => [url, lane.measured]));
      const answer = await get(this.url);
      if (answer.status !== 200) { this.fault(`the multivariant playlist was answered ${answer.status}`); continue; }
      const m = parseMultivariant(answer.bytes.toString());
      this.multivariants += 1;
      const at = (uri: string) => new URL(uri, this.url).href;
      for (const uri of [...m.variants.map((v) => v.uri), ...m.renditions.flatMap((r) => r.uri ?? [])]) this.lane(at(uri));
      const target = [...this.lanes.values()].find((l) => l.last)?.last?.target ?? 2;
      for (const fault of checkBandwidth(m, target, (uri) => known.get(at(uri)) ?? [])) this.fault(fault);
      if (m.variants.some((v) => !v.codecs)) this.fault('a variant without CODECS');
    }
  }

  // Each lane's reports against the other lanes, fetched right before and right after.
  private async watchReports() {
    for (; !this.done; await sleep(700)) {
      for (const [url, lane] of this.lanes) {
        const others = [...this.lanes.keys()].filter((u) => u !== url);
        const fetchAll = () => Promise.all(others.map(async (u) => [u, await get(u)] as const));
        const earlier = new Map(await fetchAll());
        const answer = await get(url);
        const later = new Map(await fetchAll());
        if (answer.status !== 200) continue;
        const p = parseMedia(answer.bytes.toString());
        // while its own publisher is away a playlist does not change, and neither do its reports
        if (p.ended || Date.now() - lane.moved > 600) continue;
        const parsed = (m: Map<string, Answer>, u: string) => (m.get(u)?.status === 200 ? parseMedia(m.get(u)!.bytes.toString()) : undefined);
        for (const other of others) {
          const report = p.reports.find((r) => lane.at(r.uri) === other);
          const [a, b] = [parsed(earlier, other), parsed(later, other)];
          if (!a || !b || a.ended || b.ended) continue;
          if (!report) { this.fault(`${lane.url} reports nothing of ${other}`); continue; }
          lane.counts.reports += 1;
          for (const fault of checkReport(report, a, b, p.partTarget ?? p.target)) this.fault(`${new URL(url).pathname.split('/').slice(-2).join('/')}: ${fault}`);
        }
      }
    }
  }
}

