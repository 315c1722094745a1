import assert from 'node:assert/strict';
import test from 'node:test';
import { FrameCounter } from './frames';
import { History, levelPath, scaleTop } from './history';
import { StallMeter } from './stalls';

test('frame counts go on over a new engine', () => {
  const frames = new FrameCounter();
  assert.deepEqual(frames.update(100, 2), { decoded: 100, dropped: 2 });
  assert.deepEqual(frames.update(10, 0), { decoded: 110, dropped: 2 });
  assert.deepEqual(frames.update(20, 1), { decoded: 120, dropped: 3 });
  assert.deepEqual(frames.update(0, 0), { decoded: 120, dropped: 3 });
  assert.deepEqual(frames.update(5, 0), { decoded: 125, dropped: 3 });
});

test('a blink is no stall', () => {
  const stalls = new StallMeter();
  stalls.dry(1000);
  assert.equal(stalls.standing(1100), false);
  stalls.flowing(1150);
  assert.equal(stalls.count, 0);
  assert.equal(stalls.total(2000), 0);
});

test('a stall counts once, and its time runs while it lasts', () => {
  const stalls = new StallMeter();
  stalls.dry(1000);
  stalls.dry(1100);
  assert.equal(stalls.standing(1250), true);
  assert.equal(stalls.standing(1500), false);
  assert.equal(stalls.total(2000), 1000);
  stalls.flowing(3000);
  assert.equal(stalls.count, 1);
  assert.equal(stalls.total(9000), 2000);
});

test('a stall that ends between two looks counts too', () => {
  const stalls = new StallMeter();
  stalls.dry(1000);
  stalls.flowing(1240);
  assert.equal(stalls.count, 1);
  assert.equal(stalls.total(5000), 240);
});

test('history keeps the newest', () => {
  const history = new History(3);
  for (const value of [1, 2, null, 4]) history.add(value);
  assert.deepEqual(history.values, [2, null, 4]);
});

test('the scale is the smallest round one with room', () => {
  assert.equal(scaleTop([]), 2);
  assert.equal(scaleTop([1.95]), 4);
  assert.equal(scaleTop([6.8, null, 3]), 8);
  assert.equal(scaleTop([1000]), 256);
});

test('the level has its newest value at the right edge, and holes', () => {
  const { line, area } = levelPath([1, null, 2, 2], 5, 100, 50, 4);
  assert.equal(line, 'M25.0 37.5M75.0 25.0L100.0 25.0');
  assert.equal(area, 'M25.0 50L25.0 37.5L25.0 50ZM75.0 50L75.0 25.0L100.0 25.0L100.0 50Z');
});

test('an empty level draws nothing', () => {
  assert.deepEqual(levelPath([], 5, 100, 50, 2), { line: '', area: '' });
});
