// HLS by the browser itself, only where Media Source Extensions are missing (older iPhones).
import type { Engine, EngineContext } from './engine';

interface WithStartDate extends HTMLVideoElement {
  getStartDate?: () => Date; // Safari: the PROGRAM-DATE-TIME of position zero
}

export function startNative(context: EngineContext): Engine {
  const video: WithStartDate = context.video;
  const onError = () => {
    const decoding = video.error?.code === MediaError.MEDIA_ERR_DECODE;
    // A missing playlist and an unplayable one look alike here; the server's list tells them apart.
    context.onEnd(decoding ? 'unsupported' : 'lost', video.error?.message ?? '');
  };
  video.addEventListener('error', onError);
  video.src = context.url;

  return {
    measures: 'clock',
    latency() {
      const start = video.getStartDate?.().getTime() ?? NaN;
      return Number.isNaN(start) ? null : (context.serverNow() - start) / 1000 - video.currentTime;
    },
    goLive() {
      const { seekable } = video;
      if (seekable.length) video.currentTime = seekable.end(seekable.length - 1);
    },
    destroy() {
      video.removeEventListener('error', onError);
      video.removeAttribute('src');
      video.load();
    },
  };
}
