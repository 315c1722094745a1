// Nothing is lost or doubled on the way through the segmenter. Ten minutes of it: ./dev soak.
import { expectConserved } from './lib/conserve.ts';
import { test } from './lib/weir.ts';

test.use({ settings: { 'stream.hold': '4s' } });

test('every frame is there once, in order, over a republish', async ({ weir, name }, info) => {
  await expectConserved(weir, name, [{ file: 'sd.flv', times: 1 }, { file: 'h264_bframes_aac.flv', times: 1 }], (file) => info.outputPath(file));
});
