// FFmpeg 8.1 in this process, for Enhanced RTMP, which Debian's ffmpeg does not know.
//   node lib/node_av.mjs publish FILE URL   the file's packets in real time, as FLV
//   node lib/node_av.mjs packets URL        prints what ffprobe would: { streams, packets } as JSON
// On Node before 22 it runs under --import ./lib/polyfill.mjs.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Demuxer, Muxer } from 'node-av/api';
import * as C from 'node-av/constants';

const names = Object.fromEntries([[C.AV_CODEC_ID_H264, 'h264'], [C.AV_CODEC_ID_HEVC, 'hevc'], [C.AV_CODEC_ID_AV1, 'av1'],
  [C.AV_CODEC_ID_AAC, 'aac'], [C.AV_CODEC_ID_OPUS, 'opus']]);
const ms = (ticks, base) => (Number(ticks) * 1000 * base.num) / base.den;

async function publish(file, url) {
  const input = await Demuxer.open(file);
  const output = await Muxer.open(url, { format: 'flv', input, options: { flvflags: 'no_duration_filesize' } });
  const indexes = new Map(input.streams.map((s) => [s.index, output.addStream(s)]));
  const began = performance.now();
  for await (const packet of input.packets()) {
    if (packet === null) break;
    const stream = input.streams.find((s) => s.index === packet.streamIndex);
    const early = ms(packet.dts, stream.timeBase) - (performance.now() - began);
    if (early > 5) await sleep(early);
    await output.writePacket(packet, indexes.get(packet.streamIndex));
    packet.free?.();
  }
  await output.close();
  await input.close();
}

async function packets(url) {
  const input = await Demuxer.open(url, { copyTs: true });
  const streams = input.streams.map((s) => ({
    codec_type: s.codecpar.codecType === 0 ? 'video' : 'audio', codec_name: names[s.codecpar.codecId] ?? String(s.codecpar.codecId), width: s.codecpar.width, height: s.codecpar.height,
  }));
  const list = [];
  for await (const packet of input.packets()) {
    if (packet === null) break;
    const base = input.streams.find((s) => s.index === packet.streamIndex).timeBase;
    list.push({
      stream_index: packet.streamIndex, pts_time: ms(packet.pts, base) / 1000, dts_time: ms(packet.dts, base) / 1000,
      flags: packet.flags & 1 ? 'K' : '_', size: packet.data?.length ?? 0,
      data_hash: createHash('md5').update(packet.data ?? '').digest('hex'),
    });
    packet.free?.();
  }
  await new Promise((done) => process.stdout.write(JSON.stringify({ streams, packets: list }), done));
}

const [verb, ...args] = process.argv.slice(2);
await { publish, packets }[verb](...args);
process.exit(0);
