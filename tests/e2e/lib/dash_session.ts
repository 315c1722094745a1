// A client of a DASH manifest that leaves nothing out: the MPD every second, every segment its templates name once
// it is complete, now and then one while it is being made, the server's clock. Faults are kept.
import { readChunks, readInit } from './boxes.ts';
import { get } from './hls_session.ts';
import { fill, namedSegments, parseMpd, type Mpd, type Named, type Period, type Representation } from './mpd.ts';
import { checkClockAnswer, checkPlace, checkRate, MpdHistory } from './mpd_rules.ts';
import { sleep } from './process.ts';

type Got = { period: Period; rep: Representation; named: Named; bytes: Buffer };

export class DashSession {
  readonly faults: string[] = [];
  readonly counts = { manifests: 0, segments: 0, early: 0, clock: 0 };
  readonly got = new Map<string, Got>(); // by URL
  readonly periods = new Set<string>();
  last?: Mpd;
  private history = new MpdHistory();
  private inits = new Map<string, Promise<{ status: number; bytes: Buffer }>>();
  private running: Promise<void>[] = [];
  private done = false;

  constructor(private url: string) {}

  fault(what: string) { if (this.faults.length < 200 && !this.faults.includes(what)) this.faults.push(what); }
  start() { this.running.push(this.watch(), this.watchEarly()); }

  async stop() {
    this.done = true;
    await Promise.all(this.running);
    await this.checkMedia();
  }

  private at(uri: string) { return new URL(uri, this.url).href; }

  private async watch() {
    for (; !this.done; await sleep(1_000)) {
      const now = Date.now();
      const answer = await get(this.url);
      if (answer.status !== 200) { this.fault(`the MPD was answered ${answer.status}`); continue; }
      this.counts.manifests += 1;
      try {
        const m = (this.last = parseMpd(answer.bytes.toString()));
        for (const fault of this.history.add(m)) this.fault(fault);
        await this.fetchNamed(m, now);
        if (m.utc[0]) await this.askClock(m.utc[0]);
      } catch (e) {
        this.fault(String(e));
      }
    }
  }

  private async askClock(utc: { scheme: string; value: string }) {
    if (!/http-(iso|xsdate):2014/.test(utc.scheme)) return this.fault(`UTCTiming ${utc.scheme}`);
    const asked = Date.now();
    const answer = await get(this.at(utc.value));
    this.counts.clock += 1;
    for (const fault of checkClockAnswer(answer.bytes.toString(), asked, Date.now())) this.fault(fault);
  }

  // What ought to be there at `now`, as of that MPD, is.
  private async fetchNamed(m: Mpd, now: number) {
    const jobs: Promise<void>[] = [];
    m.periods.forEach((period, index) => {
      this.periods.add(period.id);
      for (const rep of period.sets.flatMap((s) => s.representations)) {
        const init = this.at(fill(rep.template.initialization, rep, 0, 0));
        if (!this.inits.has(init)) this.inits.set(init, get(init));
        for (const named of namedSegments(m, index, rep, now)) {
          const url = this.at(named.uri);
          if (this.got.has(url)) continue;
          this.got.set(url, { period, rep, named, bytes: Buffer.alloc(0) });
          jobs.push(get(url).then(async ({ status, bytes }) => {
            this.counts.segments += 1;
            if (status !== 200) {
              this.got.delete(url);
              // 503: its publisher is away; 404: the publisher came back, and a newer Period with it
              const newest = index === m.periods.length - 1 && m.type === 'dynamic';
              if (newest && (status === 503 || (status === 404 && await this.superseded(period.id)))) return;
              this.fault(`Period ${period.id}: ${named.uri} (${named.start.toFixed(3)} s, complete ${((now - named.complete) / 1000).toFixed(3)} s ago) was answered ${status}`);
            } else this.got.get(url)!.bytes = bytes;
          }));
        }
      }
    });
    await Promise.all(jobs);
  }

  // availabilityTimeOffset: the segment being made can be asked for, begins to come at once, and is whole in the end.
  private async watchEarly() {
    for (; !this.done; await sleep(3_000)) {
      const m = this.last;
      const period = m?.periods.at(-1);
      const rep = period?.sets[0]?.representations[0];
      if (!m || m.type !== 'dynamic' || !period || !rep || !rep.template.duration || !rep.template.availabilityTimeOffset) continue;
      const last = namedSegments(m, m.periods.length - 1, rep, Date.now()).at(-1);
      if (!last) continue;
      const complete = last.complete + last.duration * 1000;
      await sleep(Math.max(0, complete - rep.template.availabilityTimeOffset * 1000 - Date.now()) + 20);
      const uri = fill(rep.template.media, rep, last.number + 1, 0);
      const answer = await fetch(this.at(uri)).catch(() => undefined);
      if (this.last?.periods.at(-1)?.id !== period.id || this.last.type !== 'dynamic') continue; // it ended meanwhile
      if (!answer?.ok) { if (await this.stillThere(period.id)) this.fault(`${uri}, being made, was answered ${answer?.status}`); continue; }
      const reader = answer.body!.getReader();
      const first = await reader.read();
      const came = Date.now();
      for (let r = first; !r.done; r = await reader.read());
      const whole = Date.now();
      this.counts.early += 1;
      if (came > complete) this.fault(`${uri}, being made, began to come ${came - complete} ms after it was to be complete`);
      if (whole - came < 500 && complete - came > 1_000) this.fault(`${uri} ended ${complete - whole} ms before it was to be complete`);
    }
  }

  // Whether a manifest asked for now, or a moment later, has a newer Period or has ended.
  private async superseded(id: string): Promise<boolean> {
    for (let i = 0; i < 4; i += 1, await sleep(500)) {
      const { status, bytes } = await get(this.url);
      if (status !== 200) continue;
      const now = parseMpd(bytes.toString());
      if (now.periods.at(-1)?.id !== id || now.type === 'static') return true;
    }
    return false;
  }

  private async stillThere(id: string): Promise<boolean> {
    await sleep(1_500);
    const newest = this.last?.periods.at(-1);
    return this.last?.type === 'dynamic' && newest?.id === id && !this.done;
  }

  // After the session: where segments are, and how large.
  private async checkMedia() {
    const rates = new Map<string, Got[]>();
    for (const got of this.got.values()) {
      try {
        const init = readInit((await this.inits.get(this.at(fill(got.rep.template.initialization, got.rep, 0, 0)))!).bytes);
        for (const fault of checkPlace(got.period, got.rep, got.named, readChunks(got.bytes, init))) this.fault(fault);
      } catch (e) {
        this.fault(`${got.named.uri}: ${e}`);
      }
      const key = `${got.period.id} ${got.rep.id}`;
      rates.set(key, [...(rates.get(key) ?? []), got]);
    }
    for (const list of rates.values()) {
      list.sort((a, b) => a.named.number - b.named.number);
      const rep = this.last?.periods.find((p) => p.id === list[0].period.id)?.sets.flatMap((s) => s.representations).find((r) => r.id === list[0].rep.id) ?? list.at(-1)!.rep;
      for (const fault of checkRate(rep, this.last!.minBufferTime, list.map((g) => ({ bytes: g.bytes.length, duration: g.named.duration })))) this.fault(fault);
    }
    const m = this.last;
    if (m?.type !== 'static') return;
    const ends = [...this.got.values()].filter((g) => g.period.id === m.periods.at(-1)!.id).map((g) => g.named.start + g.named.duration);
    const said = m.presentationDuration ?? NaN;
    if (!(Math.abs(said - Math.max(...ends)) < 2)) this.fault(`static, lasting ${said} s; its segments end at ${Math.max(...ends)} s`);
  }
}
