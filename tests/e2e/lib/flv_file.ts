// The tags of an FLV file, for the raw publisher.
import { readFileSync } from 'node:fs';

export type Tag = { type: number; timestamp: number; payload: Buffer }; // type 8 audio, 9 video, 18 data

export function flvTags(path: string): Tag[] {
  const file = readFileSync(path);
  const tags: Tag[] = [];
  let at = file.readUInt32BE(5) + 4; // header, then the size of no previous tag
  while (at + 11 <= file.length) {
    const size = file.readUIntBE(at + 1, 3);
    const timestamp = (file[at + 7] * 0x1000000 + file.readUIntBE(at + 4, 3)) >>> 0;
    tags.push({ type: file[at], timestamp, payload: file.subarray(at + 11, at + 11 + size) });
    at += 11 + size + 4;
  }
  return tags;
}

const isVideo = (t: Tag) => t.type === 9;
export const isSequenceHeader = (t: Tag) => t.payload.length > 1 && (isVideo(t) ? t.payload[1] === 0 : t.type === 8 && t.payload[1] === 0);
// Video frames; a sequence header or an end of sequence is none.
export const videoFrames = (tags: Tag[]) => tags.filter((t) => isVideo(t) && t.payload[1] === 1);
export const audioFrames = (tags: Tag[]) => tags.filter((t) => t.type === 8 && t.payload[1] === 1);
