import type { Abilities } from '../lib/protocols';

// Asked of the browser without loading a player.
export function abilities(): Abilities {
  const classic = typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported('video/mp4; codecs="avc1.42E01E,mp4a.40.2"');
  const managed = 'ManagedMediaSource' in window;
  const video = document.createElement('video');
  return {
    mse: classic || managed,
    flv: classic,
    nativeHls: video.canPlayType('application/vnd.apple.mpegurl') !== '',
  };
}
