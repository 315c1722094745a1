import assert from 'node:assert/strict';
import test from 'node:test';
import { kStart, step, type Happening, type Published, type State } from './player_state';

const list = (value: Published): Happening => ({ type: 'published', value });
const attempt: Happening = { type: 'attempt' };
const playing: Happening = { type: 'playing' };
const stalled: Happening = { type: 'stalled' };
const gone: Happening = { type: 'gone' };
const lost: Happening = { type: 'lost' };
const unsupported: Happening = { type: 'unsupported' };

// Every row: what happens, and what the viewer is told after each of them.
function follow(rows: [Happening, State][]): void {
  let condition = kStart;
  rows.forEach(([happening, state], i) => {
    condition = step(condition, happening);
    assert.equal(condition.state, state, `step ${i}: ${JSON.stringify(happening)}`);
  });
}

test('a live stream plays', () => {
  follow([[attempt, 'connecting'], [list('live'), 'connecting'], [playing, 'playing'], [list('live'), 'playing']]);
});

test('before the publisher: waits without flicker, then starts', () => {
  follow([
    [attempt, 'connecting'], [gone, 'waiting'], [list('absent'), 'waiting'], [attempt, 'waiting'],
    [gone, 'waiting'], [list('live'), 'connecting'], [gone, 'connecting'], [attempt, 'connecting'], [playing, 'playing'],
  ]);
});

test('a publisher lost and back within its hold', () => {
  follow([
    [list('live'), 'connecting'], [playing, 'playing'], [stalled, 'buffering'], [list('held'), 'reconnecting'],
    [list('live'), 'reconnecting'], [playing, 'playing'],
  ]);
});

test('the list knows of the loss before the buffer is empty', () => {
  follow([[playing, 'playing'], [list('held'), 'playing'], [stalled, 'reconnecting']]);
  follow([[playing, 'playing'], [list('absent'), 'playing'], [stalled, 'ended']]);
});

test('a hold that runs out is the end, and a later publisher starts it again', () => {
  follow([
    [playing, 'playing'], [list('held'), 'playing'], [stalled, 'reconnecting'], [list('absent'), 'ended'],
    [list('live'), 'reconnecting'], [attempt, 'reconnecting'], [playing, 'playing'],
  ]);
});

test('a clean end: the connection closes while the list is old', () => {
  follow([[list('live'), 'connecting'], [playing, 'playing'], [lost, 'reconnecting'], [attempt, 'reconnecting'],
    [gone, 'reconnecting'], [list('absent'), 'ended']]);
});

test('a server that falls silent and comes back', () => {
  follow([
    [list('live'), 'connecting'], [playing, 'playing'], [list('unknown'), 'playing'], [lost, 'reconnecting'],
    [attempt, 'reconnecting'], [lost, 'reconnecting'], [list('live'), 'reconnecting'], [playing, 'playing'],
  ]);
});

test('a slow network is buffering', () => {
  follow([[list('live'), 'connecting'], [playing, 'playing'], [stalled, 'buffering'], [list('live'), 'buffering'], [playing, 'playing']]);
});

test('a stall before the first picture is still connecting', () => {
  follow([[attempt, 'connecting'], [stalled, 'connecting'], [lost, 'connecting']]);
});

test('what cannot be decoded stays failed until another try', () => {
  follow([[unsupported, 'failed'], [list('absent'), 'failed'], [list('live'), 'failed'], [attempt, 'connecting']]);
});
