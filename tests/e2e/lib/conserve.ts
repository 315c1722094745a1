// Every frame that was published against every frame that can be fetched: once, in order, at its time.
import { expect } from '@playwright/test';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { readChunks, readInit, sampleHashes, type Chunk } from './boxes.ts';
import { audioFrames, flvTags, isSequenceHeader, videoFrames, type Tag } from './flv_file.ts';
import { parseMedia, parseMultivariant } from './hls_playlist.ts';
import { get } from './hls_session.ts';
import { media } from './media.ts';
import { read } from './probe.ts';
import { sleep, until } from './process.ts';
import { RtmpClient } from './rtmp_client.ts';
import type { Weir } from './weir.ts';

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

// Each frame as FLV carries it: behind 5 bytes of an AVC tag, 2 of an AAC one. Times in ms.
type Frame = { hash: string; pts: number };
export function frames(file: string, kind: 'video' | 'audio'): Frame[] {
  const tags = flvTags(media(file));
  if (kind === 'audio') return audioFrames(tags).map((t) => ({ hash: md5(t.payload.subarray(2)), pts: t.timestamp }));
  return videoFrames(tags).map((t) => ({ hash: md5(t.payload.subarray(5)), pts: t.timestamp + ((t.payload.readIntBE(2, 3) << 8) >> 8) }));
}

type Piece = { number: number; discontinuity: boolean; map: string; bytes: Buffer };

// The segments of one lane, fetched while they are listed.
export class Download {
  readonly pieces: Piece[] = [];
  readonly inits = new Map<string, Buffer>();
  private next = -1;
  ended = false;

  constructor(readonly url: string) {}

  async poll() {
    const p = parseMedia((await get(this.url)).bytes.toString());
    this.ended = p.ended;
    for (const s of p.segments) {
      if (s.number < this.next || s.gap) continue;
      if (this.next >= 0 && s.number > this.next && p.number > this.next) throw new Error(`${this.url}: segments ${this.next} to ${s.number - 1} were missed`);
      const at = (uri: string) => get(new URL(uri, this.url).href);
      if (!this.inits.has(s.map!)) this.inits.set(s.map!, (await at(s.map!)).bytes);
      const { status, bytes } = await at(s.uri);
      if (status !== 200) throw new Error(`${s.uri} was answered ${status}`);
      this.pieces.push({ number: s.number, discontinuity: s.discontinuity, map: s.map!, bytes });
      this.next = s.number + 1;
    }
  }

  // Fetched pieces by what decodes them in one go.
  stretches(): { init: Buffer; chunks: Chunk[]; bytes: Buffer }[] {
    const out: { map: string; pieces: Piece[] }[] = [];
    for (const p of this.pieces) {
      if (p.discontinuity || out.at(-1)?.map !== p.map) out.push({ map: p.map, pieces: [] });
      out.at(-1)!.pieces.push(p);
    }
    return out.map(({ map, pieces }) => {
      const init = this.inits.get(map)!;
      const bytes = Buffer.concat(pieces.map((p) => p.bytes));
      return { init, bytes, chunks: readChunks(bytes, readInit(init)) };
    });
  }
}

// The clip of so and so many ms over and over, its headers said once.
function clip(file: string, times: number): Tag[] {
  const tags = flvTags(media(file)).filter((t) => t.type !== 18);
  const last = tags.filter((t) => t.type === 9).at(-1)!;
  const lasts = Math.round((last.timestamp - tags[0].timestamp) / 1000) * 1000;
  return Array.from({ length: times }, (_, i) => tags.filter((t) => i === 0 || !isSequenceHeader(t)).map((t) => ({ ...t, timestamp: t.timestamp + i * lasts }))).flat();
}

// Sends every byte and then is gone without a word, so that the stream is held for its return.
async function publishAndVanish(weir: Weir, name: string, tags: Tag[]) {
  const [app, stream] = name.split('/');
  const client = await RtmpClient.connect(weir.rtmpPort, app, { chunkSize: 60_000 });
  await client.publish(stream);
  await client.send(tags);
  await new Promise<void>((done) => client.socket.end(done));
}

// Publishes `runs` one after another, as publishers that come and go, and accounts for every frame in every lane.
export async function expectConserved(weir: Weir, name: string, runs: { file: string; times: number }[], to: (file: string) => string) {
  const downloads: Download[] = [];
  let publishing = true;
  const fetching = (async () => {
    const answer = await until('the multivariant playlist', 20_000, async () => { const a = await get(weir.hls(name)); return a.status === 200 ? a : undefined; });
    const m = parseMultivariant(answer.bytes.toString());
    const uris = new Set([...m.variants.map((v) => v.uri), ...m.renditions.flatMap((r) => r.uri ?? [])]);
    downloads.push(...[...uris].map((u) => new Download(new URL(u, weir.hls(name)).href)));
    for (let after = 0; downloads.some((d) => !d.ended) && after < 40; after += publishing ? 0 : 1) {
      for (const d of downloads) await d.poll();
      await sleep(1_000);
    }
  })();
  const published = (async () => {
    for (const { file, times } of runs) {
      await publishAndVanish(weir, name, clip(file, times));
      await sleep(1_500);
    }
    publishing = false;
  })();
  await Promise.all([fetching, published]);
  expect(downloads.map((d) => d.ended), 'ended').toEqual(downloads.map(() => true));
  expect(downloads.length, 'lanes').toBe(2);

  for (const d of downloads) {
    const stretches = d.stretches();
    const kind = stretches[0].chunks[0].track.handler === 'vide' ? 'video' : 'audio';
    const sent = runs.map(({ file, times }) => Array.from({ length: times }, () => frames(file, kind)).flat());
    expect(stretches.length, `${kind}: one stretch a publisher`).toBe(runs.length);
    for (const [i, s] of stretches.entries()) await expectStretch(`${kind}, publisher ${i + 1}`, s, sent[i], runs[i].times, to(`${kind}${i}.mp4`));
  }
}

async function expectStretch(title: string, s: { init: Buffer; chunks: Chunk[]; bytes: Buffer }, sent: Frame[], times: number, path: string) {
  const got = sampleHashes(s.chunks);
  const wanted = sent.map((f) => f.hash);
  expect.soft(got.length, `${title}: frames`).toBe(wanted.length);
  const first = got.findIndex((h, i) => h !== wanted[i]);
  expect.soft(first, `${title}: first frame that is not the one sent (${got.length} of ${wanted.length})`).toBe(-1);
  // at their times: those of the first time through, before the clip begins again
  const once = sent.length / times;
  const { timescale, handler } = s.chunks[0].track;
  const samples = s.chunks.flatMap((c) => c.samples).slice(0, once);
  const off = samples.map((x, i) => Math.abs(((x.pts - samples[0].pts) / timescale) * 1000 - (sent[i].pts - sent[0].pts)));
  expect.soft(Math.max(...off), `${title}: ms off its time`).toBeLessThan(handler === 'vide' ? 1.6 : 21);
  // and as a reader that is not ours counts and hashes them
  await writeFile(path, Buffer.concat([s.init, s.bytes]));
  const [probed] = await read(path).streams(60_000);
  expect.soft(probed.packets.map((p) => p.hash.replace('MD5:', '')).join() === wanted.join(), `${title}: ffprobe reads the same frames`).toBe(true);
}
