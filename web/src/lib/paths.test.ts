import assert from 'node:assert/strict';
import test from 'node:test';
import { parseWatchPath, playUrls, rtmpServer, streamArguments, watchPath } from './paths';

const kPlace = { protocol: 'http:', host: 'tv.example:8080', hostname: 'tv.example' };

test('page paths name streams', () => {
  const table: [string, ReturnType<typeof parseWatchPath>][] = [
    ['/', null],
    ['/one', null],
    ['/live/demo', { app: 'live', name: 'demo' }],
    ['/live/demo/', { app: 'live', name: 'demo' }],
    ['//live//demo', { app: 'live', name: 'demo' }],
    ['/a/b/c', { app: 'a/b', name: 'c' }],
    ['/live/caf%C3%A9%20one', { app: 'live', name: 'caf\u00e9 one' }],
    ['/live/%', null],
    ['/live/%FF', null],
  ];
  for (const [path, key] of table) assert.deepEqual(parseWatchPath(path), key, path);
});

test('a watch path reads back as its key', () => {
  for (const key of [{ app: 'live/eu', name: 'demo' }, { app: 'l', name: 'a b#?%&' }, { app: 'l', name: '\u65e5\u672c' }]) {
    assert.deepEqual(parseWatchPath(watchPath(key)), key);
  }
});

test('play URLs', () => {
  assert.deepEqual(playUrls(kPlace, { app: 'live/eu', name: 'a b' }, '?token=1', 1935), {
    hls: 'http://tv.example:8080/live/eu/a%20b/index.m3u8?token=1',
    dash: 'http://tv.example:8080/live/eu/a%20b/manifest.mpd?token=1',
    flv: 'http://tv.example:8080/live/eu/a%20b.flv?token=1',
    ws: 'ws://tv.example:8080/live/eu/a%20b.flv?token=1',
    rtmp: 'rtmp://tv.example:1935/live/eu/a%20b?token=1',
  });
});

test('https pages use wss, a server without RTMP has no RTMP address', () => {
  const urls = playUrls({ ...kPlace, protocol: 'https:' }, { app: 'live', name: 'demo' }, '', 0);
  assert.equal(urls.ws, 'wss://tv.example:8080/live/demo.flv');
  assert.equal(urls.rtmp, null);
});

test('RTMP server address keeps IPv6 brackets', () => {
  assert.equal(rtmpServer({ ...kPlace, hostname: '[::1]' }, 'live', 1936), 'rtmp://[::1]:1936/live');
});

test('the page keeps its own arguments to itself', () => {
  assert.equal(streamArguments(''), '');
  assert.equal(streamArguments('?via=flv&embed'), '');
  assert.equal(streamArguments('?via=flv&psk=a%26b'), '?psk=a%26b');
});
