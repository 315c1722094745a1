import assert from 'node:assert/strict';
import test from 'node:test';
import { count, elapsed, seconds } from './format';
import { describeAudio, describeVideo, frameRate, type Track } from './tracks';

test('elapsed time', () => {
  const table: [number, string][] = [
    [-5000, '0:00'], [0, '0:00'], [59_999, '0:59'], [754_000, '12:34'], [3_661_000, '1:01:01'],
    [47 * 3600e3, '47:00:00'], [51 * 3600e3, '2 d 3 h'],
  ];
  for (const [ms, text] of table) assert.equal(elapsed(ms), text);
});

test('seconds', () => {
  assert.equal(seconds(null), '\u2013');
  assert.equal(seconds(NaN), '\u2013');
  assert.equal(seconds(-0.04), '0.0 s');
  assert.equal(seconds(6.25), '6.3 s');
  assert.equal(seconds(75), '1:15');
});

test('counts', () => {
  assert.equal(count(1, 'viewer', 'viewers'), '1 viewer');
  assert.equal(count(0, 'viewer', 'viewers'), '0 viewers');
  assert.equal(count(12345, 'viewer', 'viewers'), '12,345 viewers');
});

test('frame rates', () => {
  const rate = (frame_rate?: number) => frameRate({ kind: 'video', codec: 'h264', frame_rate });
  assert.equal(rate(30.0003), '30 fps');
  assert.equal(rate(29.97), '29.97 fps');
  assert.equal(rate(0), null);
  assert.equal(rate(), null);
});

test('tracks in words', () => {
  const tracks: Track[] = [
    { kind: 'data', codec: 'script' },
    { kind: 'video', codec: 'h265', width: 1920, height: 1080, frame_rate: 50 },
    { kind: 'audio', codec: 'aac', sample_rate: 44100, channels: 6 },
  ];
  assert.equal(describeVideo(tracks), 'H.265 1920\u00d71080 50 fps');
  assert.equal(describeAudio(tracks), 'AAC 44.1 kHz 5.1');
  assert.equal(describeVideo([]), null);
  assert.equal(describeAudio([{ kind: 'audio', codec: 'new' }]), 'NEW');
});
