// Two readers that are not ours over one header and segment: ffprobe and mp4box.js, each counting samples.
import { writeFile } from 'node:fs/promises';
import { createFile, Log, MP4BoxBuffer } from 'mp4box';
import { start } from './process.ts';

export async function probeSegment(init: Buffer, segment: Buffer, path: string): Promise<{ samples: number; said: string }> {
  await writeFile(path, Buffer.concat([init, segment]));
  const probe = start('ffprobe', ['-hide_banner', '-loglevel', 'warning', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0', path]);
  const samples = Number((await probe.finish(20_000)).trim());
  return { samples, said: probe.log.trim() };
}

export function parseWithMp4box(init: Buffer, segment: Buffer): { samples: number; errors: string[]; boxes: string[] } {
  const file = createFile();
  const errors: string[] = [];
  // What it finds odd it only logs. Its reader of dfLa takes the flag of the last block the wrong way round, and
  // segments one after the other have an styp each (14496-12 8.16.2).
  const known = ["'dfLa'", 'multiple boxes of type styp'];
  const say = (module: string, message?: string) => { if (!known.some((k) => message?.includes(k))) errors.push(`${module}: ${message}`); };
  file.onError = say;
  const { error, warn } = Log;
  Object.assign(Log, { error: say, warn: say });
  const copy = new Uint8Array(Buffer.concat([init, segment])).buffer;
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(copy, 0), true);
  file.flush();
  Object.assign(Log, { error, warn });
  const tracks = file.getInfo().tracks;
  const samples = tracks.reduce((sum: number, t: { id: number }) => sum + file.getTrackSamplesInfo(t.id).length, 0);
  return { samples, errors, boxes: file.boxes.map((b: { type: string }) => b.type) };
}
