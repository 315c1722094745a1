// FLV over HTTP or WebSocket through mpegts.js, the shortest way from publisher to screen.
import mpegts from 'mpegts.js';
import { bufferedEnd, type Engine, type EngineContext, type EngineEnd } from './engine';

// What stays buffered after a jump; less and the next late packet is a stall.
const kKeepSeconds = 0.6;

function judge(detail: string, info: { code?: number }): EngineEnd {
  const { NETWORK_STATUS_CODE_INVALID, MEDIA_FORMAT_UNSUPPORTED, MEDIA_CODEC_UNSUPPORTED } =
    mpegts.ErrorDetails;
  if (detail === MEDIA_FORMAT_UNSUPPORTED || detail === MEDIA_CODEC_UNSUPPORTED) return 'unsupported';
  const gone = detail === NETWORK_STATUS_CODE_INVALID && (info.code === 404 || info.code === 410);
  return gone ? 'gone' : 'lost';
}

export function startFlv(context: EngineContext): Engine {
  const { video } = context;
  mpegts.LoggingControl.applyConfig({ enableAll: false });
  const player = mpegts.createPlayer(
    {
      type: 'flv',
      isLive: true,
      url: context.url,
      // An announced track that never comes would hold the picture back.
      ...(context.has && { hasVideo: context.has.video, hasAudio: context.has.audio }),
    },
    {
      enableStashBuffer: false,
      // Up to a second or so of buffer is left alone, more is played a fifth faster, far more
      // (the cached pictures of a long keyframe interval, a sleeping tab) is jumped over.
      liveSync: true,
      liveSyncTargetLatency: 0.7,
      liveSyncMaxLatency: 1.4,
      liveSyncPlaybackRate: 1.2,
      liveBufferLatencyChasing: true,
      liveBufferLatencyMaxLatency: 4,
      liveBufferLatencyMinRemain: kKeepSeconds,
      lazyLoad: false,
      autoCleanupSourceBuffer: true,
      autoCleanupMaxBackwardDuration: 60,
      autoCleanupMinBackwardDuration: 30,
    },
  );
  player.on(mpegts.Events.ERROR, (_type: string, detail: string, info: { code?: number; msg?: string }) => {
    context.onEnd(judge(detail, info ?? {}), `${detail} ${info?.msg ?? ''}`.trim());
  });
  player.on(mpegts.Events.LOADING_COMPLETE, () => context.onEnd('lost', 'closed by the server'));
  player.attachMediaElement(video);
  player.load();

  return {
    measures: 'buffer',
    latency() {
      const end = bufferedEnd(video);
      return end === null ? null : end - video.currentTime;
    },
    goLive() {
      const end = bufferedEnd(video);
      if (end !== null && end - video.currentTime > kKeepSeconds) video.currentTime = end - kKeepSeconds;
    },
    destroy() {
      player.destroy();
      video.playbackRate = 1; // liveSync may have left it fast
    },
  };
}
