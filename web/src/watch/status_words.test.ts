import assert from 'node:assert/strict';
import test from 'node:test';
import { statusWords } from './status_words';

test('a playing picture is left alone', () => {
  assert.equal(statusWords({ state: 'playing', paused: false }, undefined).title, null);
  assert.equal(statusWords({ state: 'playing', paused: true }, undefined).short, 'Paused');
});

test('a lost publisher is told apart from a lost connection', () => {
  const lost = { state: 'reconnecting', paused: false } as const;
  assert.equal(statusWords(lost, { live: true, tracks: [] }).title, 'Connection lost');
  assert.equal(statusWords(lost, { live: false, tracks: [] }).title, 'The publisher is away');
  assert.equal(statusWords(lost, undefined).title, 'Connection lost');
});

test('what cannot be played is named', () => {
  const failed = { state: 'failed', paused: false } as const;
  const tracks = [{ kind: 'data', codec: 'script' }, { kind: 'video', codec: 'h265' }, { kind: 'audio', codec: 'aac' }] as const;
  assert.match(statusWords(failed, { live: true, tracks: [...tracks] }).text, /\(H\.265, AAC\)/);
  assert.doesNotMatch(statusWords(failed, undefined).text, /\(/);
});
