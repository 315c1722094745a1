// Enhanced RTMP files and their packet lists, by FFmpeg 8.1 (node-av, which tests/e2e installs):
//   cd tests/e2e && node --import ./lib/polyfill.mjs ../data/flv/make_enhanced.mjs
// The media is made by Debian's ffmpeg, which has the encoders but not the format.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const api = createRequire(join(process.cwd(), 'package.json')).resolve('node-av/api');
const { Demuxer, Muxer } = await import(pathToFileURL(api));

const picture = (size) => ['-f', 'lavfi', '-i', `testsrc=s=${size}:r=10:d=1`];
const sound = (f) => ['-f', 'lavfi', '-i', `sine=f=${f}:r=48000:d=1`];
const gop = ['-g', '5', '-pix_fmt', 'yuv420p'];
const recipes = {
  hevc_opus: [...picture('64x64'), ...sound(440), '-c:v', 'libx265', '-x265-params', 'info=0:log-level=0:bframes=2', ...gop,
    '-c:a', 'libopus', '-b:a', '24k'],
  av1_flac: [...picture('64x64'), ...sound(440), '-c:v', 'libaom-av1', '-cpu-used', '8', ...gop, '-c:a', 'flac'],
  vp9_ac3: [...picture('64x64'), ...sound(440), '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-b:v', '50k', ...gop,
    '-c:a', 'ac3', '-b:a', '64k', '-ac', '2'],
  multitrack: [...picture('64x64'), ...picture('32x32'), ...sound(440), ...sound(880), '-map', '0', '-map', '1', '-map', '2',
    '-map', '3', '-c:v', 'libx264', '-bf', '2', ...gop, '-c:a', 'aac', '-b:a', '24k'],
};

for (const [name, recipe] of Object.entries(recipes)) {
  const source = join(tmpdir(), `${name}.mkv`), file = join(here, `${name}.flv`);
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...recipe, source]);
  const input = await Demuxer.open(source);
  const output = await Muxer.open(file, { format: 'flv', input });
  const indexes = input.streams.map((s) => output.addStream(s));
  for await (const packet of input.packets()) {
    if (packet === null) break;
    await output.writePacket(packet, indexes[packet.streamIndex]);
  }
  await output.close();
  await input.close();

  const again = await Demuxer.open(file, { copyTs: true });
  const counts = { video: 0, audio: 0 };
  const names = again.streams.map((s) => {
    const kind = s.codecpar.codecType === 0 ? 'video' : 'audio';
    return kind + (counts[kind]++ || '');
  });
  let lines = '';
  for await (const packet of again.packets()) {
    if (packet === null) break;
    const flags = packet.flags & 1 ? 'K_' : '__';
    lines += `${names[packet.streamIndex]},${packet.pts},${packet.dts},${packet.data.length},${flags}\n`;
  }
  await again.close();
  writeFileSync(join(here, `${name}.packets`), lines);
}
process.exit(0);
