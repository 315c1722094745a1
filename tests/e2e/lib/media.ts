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

const noise = (seed: number) => ['-f', 'lavfi', '-i', `anoisesrc=sample_rate=48000:amplitude=0.1:seed=${seed}`]; // no two frames alike
const rate = (kbit: number) => ['-b:v', `${kbit}k`, '-maxrate', `${kbit}k`, '-bufsize', `${kbit}k`];
// 24 s that can be sent again and again: whole groups of pictures and whole AAC frames, of which the encoder adds one.
const looped = ['-af', `atrim=end_sample=${1124 * 1024}`, ...x264, '-bf', '2', '-sc_threshold', '0', ...aac];
const loop = (size: string, kbit: number, seed: number) => ['-t', '24', ...video(size), ...noise(seed), ...looped, ...rate(kbit)];

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
  'vp9_opus.mkv': [...video('320x180'), ...tone(), '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '60',
    '-pix_fmt', 'yuv420p', '-c:a', 'libopus', '-ac', '2', '-t', '8'],
  'h264_flac.mkv': [...video('320x180'), ...tone(), ...x264, '-c:a', 'flac', '-ac', '2', '-t', '8'],
  'h264_ac3.mkv': [...video('320x180'), ...tone(), ...x264, '-c:a', 'ac3', '-ac', '2', '-t', '8'],
  // these loop: publishLoop
  'hd.flv': loop('1280x720', 2000, 1),
  'sd.flv': loop('640x360', 600, 2),
  'other.flv': loop('960x540', 1200, 3),
  'low.flv': loop('320x180', 250, 4),
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

// The file over and over, in real time, as it is: costs next to nothing. `times` plays in all; endless when left out.
export function publishLoop(url: string, file = 'sd.flv', times = 0): Process {
  return start('ffmpeg', [...quiet, '-re', '-stream_loop', `${times - 1}`, '-i', media(file), '-map', '0', '-c', 'copy',
    '-flvflags', 'no_duration_filesize', '-f', 'flv', url]);
}

// Pictures that carry the wall clock: 16 blocks in a row, the lowest bit of the milliseconds first, white for one.
// Encoded on the fly, small and without delay. player_page.ts reads them.
export function publishClock(url: string): Process {
  const bits = "geq=lum='if(eq(X,0),st(0,floor(time(0)*1000)));255*mod(floor(ld(0)/pow(2,X)),2)'";
  return start('ffmpeg', [...quiet, '-re', '-f', 'lavfi', '-i', 'color=size=16x2:rate=30', '-re', ...tone(),
    '-vf', `format=gray,${bits},scale=320:40:flags=neighbor,pad=320:180,format=yuv420p`, '-c:v', 'libx264', '-preset', 'ultrafast',
    '-tune', 'zerolatency', '-g', '60', '-crf', '20', ...aac, '-f', 'flv', url]);
}
