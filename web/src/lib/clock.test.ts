import assert from 'node:assert/strict';
import test from 'node:test';
import { Backoff } from './backoff';
import { fromDateHeader, ServerClock } from './clock';

test('a clock nobody answered is the local one', () => {
  const clock = new ServerClock();
  assert.equal(clock.known, false);
  assert.equal(clock.now(1000), 1000);
});

test('the shortest round trip is believed', () => {
  const clock = new ServerClock();
  clock.add({ sent: 0, received: 1000, server: 99_000 }); // off by up to 500
  clock.add({ sent: 2000, received: 2020, server: 62_010 });
  clock.add({ sent: 3000, received: 3400, server: 63_900 });
  assert.equal(clock.offset, 60_000);
  assert.equal(clock.now(5000), 65_000);
});

test('old samples make room, so a drifting clock is followed', () => {
  const clock = new ServerClock();
  clock.add({ sent: 0, received: 2, server: 1 });
  for (let i = 1; i <= 6; i += 1) clock.add({ sent: i, received: i + 100, server: i + 50 + 7 });
  assert.equal(clock.offset, 7);
});

test('nonsense is not learnt', () => {
  const clock = new ServerClock();
  clock.add({ sent: 0, received: 10, server: NaN });
  clock.add({ sent: 10, received: 0, server: 5 });
  assert.equal(clock.known, false);
});

test('a Date header means the middle of its second', () => {
  assert.equal(fromDateHeader('Thu, 01 Jan 1970 00:00:10 GMT'), 10_500);
  assert.ok(Number.isNaN(fromDateHeader(null)));
  assert.ok(Number.isNaN(fromDateHeader('soon')));
});

test('waits double up to the ceiling and start over', () => {
  const plain = new Backoff(1000, 8000, 0);
  assert.deepEqual(Array.from({ length: 6 }, () => plain.next()), [1000, 2000, 4000, 8000, 8000, 8000]);
  plain.reset();
  assert.equal(plain.next(), 1000);
});

test('waits are spread by a fifth each way', () => {
  assert.equal(new Backoff(1000, 8000, 0.2, () => 0).next(), 800);
  assert.equal(new Backoff(1000, 8000, 0.2, () => 1).next(), 1200);
});
