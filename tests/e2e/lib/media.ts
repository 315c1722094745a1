// Test streams, made once by Debian's ffmpeg into results/media, and ffmpeg as a publisher.
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { e2e } from './paths.ts';
import { start, type Process } from './process.ts';

export const folder = join(e2e, 'results/media');

const video = (size = '640x360') => ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`];
const tone = (rate = 48000) => ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=${rate}`];
const x264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '60', '-pix_fmt', 'yuv420p', '-threads', '2'];
const aac = ['-c:a', 'aac', '-b:a', '96k', '-ac', '2'];

// name -> ffmpeg arguments; what the file holds is in its name
const files: Record<string, string[]> = {
  'h264_bframes_aac.flv': [...video(), ...tone(), ...x264, '-bf', '2', ...aac, '-t', '10'],
  'h264_baseline_aac.flv': [...video(), ...tone(), ...x264, '-profile:v', 'baseline', ...aac, '-t', '10'],
  'h264_mp3.flv': [...video(), ...tone(44100), ...x264, '-c:a', 'libmp3lame', '-b:a', '128k', '-ac', '2', '-t', '10'],
  'video_only.flv': [...video(), ...x264, '-bf', '2', '-t', '10'],
  'audio_only.flv': [...tone(), ...aac, '-t', '10'],
  'small.flv': [...video('320x180'), ...tone(), ...x264, ...aac, '-t', '5'],
  'minute.flv': [...video(), ...tone(), ...x264, '-bf', '2', ...aac, '-t', '60'],
  'fat.flv': [...video(), ...tone(), ...x264, '-bf', '0', '-b:v', '8M', '-minrate', '8M', '-maxrate', '8M',
    '-bufsize', '8M', '-x264-params', 'nal-hrd=cbr:force-cfr=1', ...aac, '-t', '30'],
  'hevc_aac.mkv': [...video(), ...tone(), '-c:v', 'libx265', '-preset', 'ultrafast', '-g', '60', '-pix_fmt', 'yuv420p',
    '-x265-params', 'log-level=error:bframes=2', ...aac, '-t', '8'],
  'av1_opus.mkv': [...video('320x180'), ...tone(), '-c:v', 'libsvtav1', '-preset', '12', '-g', '60', '-pix_fmt', 'yuv420p',
    '-c:a', 'libopus', '-ac', '2', '-t', '8'],
};

export const media = (name: string) => join(folder, name);

export async function makeAll() {
  await mkdir(folder, { recursive: true });
  for (const [name, args] of Object.entries(files)) {
    if (existsSync(media(name))) continue;
    const part = join(folder, 'part-' + name);
    await start('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args, part], { SVT_LOG: '1' }).finish(120_000);
    await rename(part, media(name));
  }
}

const quiet = ['-hide_banner', '-loglevel', 'error', '-nostdin'];

// The file as it is, in real time, once.
export function publishFile(file: string, url: string): Process {
  return start('ffmpeg', [...quiet, '-re', '-i', media(file), '-map', '0', '-c', 'copy', '-flvflags', 'no_duration_filesize',
    '-f', 'flv', url]);
}

// An endless picture with a tone, encoded on the fly; cheap to make.
export function publishLive(url: string, size = '640x360'): Process {
  return start('ffmpeg', [...quiet, '-re', ...video(size), '-re', ...tone(), '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60',
    '-pix_fmt', 'yuv420p', ...aac, '-f', 'flv', url]);
}
