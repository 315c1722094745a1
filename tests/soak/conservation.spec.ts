// Ten minutes with B-frames and a republish: every published frame is there once, in order.
import { expectConserved } from '../e2e/lib/conserve.ts';
import { test } from '../e2e/lib/weir.ts';

const seconds = Number(process.env.SOAK_SECONDS ?? 600);

test.use({ settings: { 'stream.hold': '4s' } });

test(`every frame of ${seconds} s is there once, in order`, async ({ weir, name }, info) => {
  test.setTimeout((seconds + 180) * 1000);
  const times = Math.max(1, Math.round(seconds / 2 / 24)); // of clips of 24 s, one for each publisher
  await expectConserved(weir, name, [{ file: 'sd.flv', times }, { file: 'other.flv', times }], (file) => info.outputPath(file));
});
