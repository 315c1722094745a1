// A reader of fragmented MP4 for the tests: what a header and chunks say of their samples. ISO/IEC 14496-12.
// Independent of the server's own writer and reader; throws where boxes do not fit into each other.
import { createHash } from 'node:crypto';

export type Box = { type: string; at: number; size: number; body: Buffer };

export function boxes(data: Buffer): Box[] {
  const out: Box[] = [];
  for (let at = 0; at < data.length;) {
    if (at + 8 > data.length) throw new Error(`${data.length - at} bytes too few for a box`);
    const long = data.readUInt32BE(at) === 1;
    const size = long ? Number(data.readBigUInt64BE(at + 8)) : data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    if (size < (long ? 16 : 8) || at + size > data.length) throw new Error(`box ${JSON.stringify(type)} of ${size} bytes at ${at} of ${data.length}`);
    out.push({ type, at, size, body: data.subarray(at + (long ? 16 : 8), at + size) });
    at += size;
  }
  return out;
}

const all = (data: Buffer, type: string) => boxes(data).filter((b) => b.type === type);

// The one box at the end of a path; throws when it is not there.
export function inside(data: Buffer, ...path: string[]): Buffer {
  return path.reduce((body, type) => {
    const found = all(body, type)[0];
    if (!found) throw new Error(`no ${type} of ${path.join('/')}`);
    return found.body;
  }, data);
}

export type Track = { id: number; timescale: number; handler: string; codec: string; width: number; height: number; defaults: { duration: number; size: number; flags: number } };
export type Init = Map<number, Track>;

export function readInit(data: Buffer): Init {
  if (boxes(data)[0]?.type !== 'ftyp') throw new Error('a header that does not begin with ftyp');
  const moov = inside(data, 'moov');
  const tracks: Init = new Map();
  for (const trak of all(moov, 'trak')) {
    const tkhd = inside(trak.body, 'tkhd');
    const id = tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12);
    const mdhd = inside(trak.body, 'mdia', 'mdhd');
    const entry = boxes(inside(trak.body, 'mdia', 'minf', 'stbl', 'stsd').subarray(8))[0];
    tracks.set(id, {
      id, timescale: mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12), codec: entry.type,
      handler: inside(trak.body, 'mdia', 'hdlr').toString('latin1', 8, 12),
      width: entry.body.readUInt16BE(24), height: entry.body.readUInt16BE(26), defaults: { duration: 0, size: 0, flags: 0 },
    });
  }
  for (const { body } of all(inside(moov, 'mvex'), 'trex')) {
    const track = tracks.get(body.readUInt32BE(4));
    if (!track) throw new Error('trex of a track that is not there');
    track.defaults = { duration: body.readUInt32BE(12), size: body.readUInt32BE(16), flags: body.readUInt32BE(20) };
  }
  return tracks;
}

// Times in ticks of the track.
export type Sample = { dts: number; pts: number; duration: number; sync: boolean; bytes: Buffer };
export type Chunk = { track: Track; sequence: number; start: number; samples: Sample[] };

const hash = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
export const sampleHashes = (chunks: Chunk[]) => chunks.flatMap((c) => c.samples.map((s) => hash(s.bytes)));

// moof and mdat in turn; other boxes (styp, sidx, prft, emsg) may stand between them.
export function readChunks(data: Buffer, init: Init): Chunk[] {
  const top = boxes(data);
  return top.flatMap((moof, i) => {
    if (moof.type !== 'moof') return [];
    if (top[i + 1]?.type !== 'mdat') throw new Error('moof without mdat behind it');
    const end = top[i + 1].at + top[i + 1].size;
    return all(moof.body, 'traf').map((traf) => readTraf(data, moof, traf.body, end, init));
  });
}

function readTraf(data: Buffer, moof: Box, traf: Buffer, end: number, init: Init): Chunk {
  const tfhd = inside(traf, 'tfhd');
  const flags = tfhd.readUIntBE(1, 3);
  const track = init.get(tfhd.readUInt32BE(4));
  if (!track) throw new Error(`no track ${tfhd.readUInt32BE(4)} in the header`);
  if (flags & 1 || !(flags & 0x020000)) throw new Error('tfhd: default-base-is-moof is what CMAF wants (23000-19 7.5.16)');
  let at = 8 + (flags & 2 ? 4 : 0);
  const next = (flag: number, otherwise: number) => (flags & flag ? tfhd.readUInt32BE((at += 4) - 4) : otherwise);
  const defaults = { duration: next(8, track.defaults.duration), size: next(16, track.defaults.size), flags: next(32, track.defaults.flags) };
  const tfdt = inside(traf, 'tfdt');
  const start = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
  const samples: Sample[] = [];
  let dts = start;
  for (const trun of all(traf, 'trun')) dts = readTrun(data, moof.at, trun.body, defaults, dts, end, samples);
  return { track, sequence: inside(moof.body, 'mfhd').readUInt32BE(4), start, samples };
}

function readTrun(data: Buffer, base: number, trun: Buffer, defaults: Track['defaults'], dts: number, end: number, to: Sample[]): number {
  const flags = trun.readUIntBE(1, 3);
  const count = trun.readUInt32BE(4);
  if (!(flags & 1)) throw new Error('trun without data offset');
  let from = base + trun.readInt32BE(8);
  let at = 12;
  const first = flags & 4 ? trun.readUInt32BE((at += 4) - 4) : undefined;
  for (let i = 0; i < count; ++i) {
    const duration = flags & 0x100 ? trun.readUInt32BE((at += 4) - 4) : defaults.duration;
    const size = flags & 0x200 ? trun.readUInt32BE((at += 4) - 4) : defaults.size;
    const own = flags & 0x400 ? trun.readUInt32BE((at += 4) - 4) : i === 0 && first !== undefined ? first : defaults.flags;
    const offset = flags & 0x800 ? (trun[0] === 1 ? trun.readInt32BE(at) : trun.readUInt32BE(at)) : 0;
    if (flags & 0x800) at += 4;
    if (from + size > end) throw new Error('a sample past the end of its mdat');
    to.push({ dts, pts: dts + offset, duration, sync: !(own & 0x10000), bytes: data.subarray(from, from + size) });
    from += size;
    dts += duration;
  }
  if (at !== trun.length) throw new Error(`trun: ${trun.length - at} bytes left`);
  return dts;
}

// What the coded picture itself says, where this reader can tell: an IDR picture of H.264.
export function isKeyPicture(track: Track, bytes: Buffer): boolean | undefined {
  if (!track.codec.startsWith('avc')) return undefined;
  for (let at = 0; at + 4 < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    const type = bytes[at + 4] & 31;
    if (type === 5) return true;
    if (type === 1) return false;
  }
  return false;
}
