// HLS through hls.js. Its worker is a file of ours: a blob: worker would widen the security policy.
import Hls, { ErrorDetails, ErrorTypes, Events, type ErrorData } from 'hls.js';
import workerPath from 'hls.js/dist/hls.worker.js?url';
import type { Engine, EngineContext, EngineEnd } from './engine';

const kFarBehind = 8; // segments

const kUnsupported: string[] = [
  ErrorDetails.BUFFER_ADD_CODEC_ERROR,
  ErrorDetails.BUFFER_INCOMPATIBLE_CODECS_ERROR,
  ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR,
];

function judge(data: ErrorData): EngineEnd {
  if (kUnsupported.includes(data.details)) return 'unsupported';
  const code = data.response?.code;
  return code === 404 || code === 410 ? 'gone' : 'lost';
}

export function startHls(context: EngineContext): Engine {
  const { video } = context;
  const hls = new Hls({
    workerPath,
    // The server says how far behind to stay (PART-HOLD-BACK, HOLD-BACK): a liveSyncDuration(Count)
    // of ours would overrule it. Behind that: play up to a fifth faster.
    lowLatencyMode: true,
    maxLiveSyncPlaybackRate: 1.2,
    backBufferLength: 30,
    startLevel: -1,
  });
  // Far behind (a laptop lid): jump. Given to the constructor it would want a sync count beside it.
  hls.config.liveMaxLatencyDurationCount = kFarBehind;
  let mendings = 0;
  hls.on(Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (data.type === ErrorTypes.MEDIA_ERROR && judge(data) === 'lost' && mendings < 2) {
      mendings += 1;
      hls.recoverMediaError();
      return;
    }
    context.onEnd(judge(data), data.details);
  });
  hls.loadSource(context.url);
  hls.attachMedia(video);

  return {
    measures: 'clock',
    latency() {
      const shown = hls.playingDate;
      if (shown) return (context.serverNow() - shown.getTime()) / 1000;
      return hls.latency > 0 ? hls.latency : null; // no PROGRAM-DATE-TIME: distance to the edge
    },
    goLive() {
      hls.config.liveMaxLatencyDurationCount = kFarBehind;
      if (hls.liveSyncPosition !== null) video.currentTime = hls.liveSyncPosition;
    },
    shift() {
      const { seekable } = video;
      const live = hls.liveSyncPosition;
      if (live === null || !seekable.length) return null;
      const reach = live - seekable.start(0);
      return { reach, behind: Math.max(0, live - video.currentTime) };
    },
    rewind(behind) {
      if (hls.liveSyncPosition === null) return;
      // Who went back on purpose is not carried off to the newest picture.
      hls.config.liveMaxLatencyDurationCount = Infinity;
      video.currentTime = hls.liveSyncPosition - behind;
    },
    destroy: () => hls.destroy(),
  };
}
