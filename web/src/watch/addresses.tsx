import type { PlayUrls } from '../lib/paths';
import { CopyLine } from '../ui/copy';

export function Addresses({ urls }: { urls: PlayUrls }) {
  return (
    <section class="panel" aria-labelledby="addresses">
      <h2 id="addresses">Play elsewhere</h2>
      <CopyLine label="HLS" text={urls.hls} note="phones, TVs, Safari" />
      <CopyLine label="DASH" text={urls.dash} note="TVs, shaka, dash.js" />
      <CopyLine label="FLV" text={urls.flv} note="VLC, mpv, ffplay" />
      {urls.rtmp && <CopyLine label="RTMP" text={urls.rtmp} note="OBS, ffmpeg" />}
    </section>
  );
}
