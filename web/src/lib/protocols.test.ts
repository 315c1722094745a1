import assert from 'node:assert/strict';
import test from 'node:test';
import { chooseProtocol, usable, withProtocol } from './protocols';

const desktop = { mse: true, flv: true, nativeHls: true };
const phone = { mse: false, flv: false, nativeHls: true };

test('HLS first, FLV where the browser can', () => {
  assert.deepEqual(usable(desktop), ['hls', 'flv', 'ws']);
  assert.deepEqual(usable(phone), ['hls']);
  assert.deepEqual(usable({ mse: false, flv: false, nativeHls: false }), []);
});

test('the address chooses, if the browser can', () => {
  assert.equal(chooseProtocol('', desktop), 'hls');
  assert.equal(chooseProtocol('?via=ws', desktop), 'ws');
  assert.equal(chooseProtocol('?via=ws', phone), 'hls');
  assert.equal(chooseProtocol('?via=smoke', desktop), 'hls');
  assert.equal(chooseProtocol('', { mse: false, flv: false, nativeHls: false }), null);
});

test('a choice goes into the address and leaves the rest', () => {
  assert.equal(withProtocol('?psk=1&via=hls', 'flv'), '?psk=1&via=flv');
});
