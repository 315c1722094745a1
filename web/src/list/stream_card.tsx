import type { Stream } from '../api';
import { count, elapsed } from '../lib/format';
import { watchPath } from '../lib/paths';
import { describeAudio, describeVideo } from '../lib/tracks';

interface Props {
  stream: Stream;
  level: number; // share of the busiest stream's viewers, 0 to 1
  now: number; // server time, ms
}

const kTicks = Array.from({ length: 10 }, (_, i) => `M0 ${9.5 + i * 10}h${i % 5 === 4 ? 8 : 4}`).join('');

// A stick gauge: how this stream's audience stands beside the busiest one's.
function Gauge({ level }: { level: number }) {
  const height = Math.round(level * 96);
  return (
    <svg class="gauge" viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
      <rect class="gauge-water" x="0" y={100 - height} width="10" height={height} />
      <path class="gauge-tick" d={kTicks} />
    </svg>
  );
}

export function StreamCard({ stream, level, now }: Props) {
  const picture = describeVideo(stream.tracks);
  const sound = describeAudio(stream.tracks);
  return (
    <a class="card" href={watchPath(stream)}>
      <Gauge level={level} />
      <span class="card-name">
        <span class="card-app">{stream.app}/</span>
        <strong>{stream.name}</strong>
      </span>
      <span class={stream.live ? 'pill live' : 'pill held'}>
        {stream.live ? <>Live <time>{elapsed(now - Date.parse(stream.since))}</time></> : 'Publisher away'}
      </span>
      <span class="card-facts">
        <span>{picture ?? 'No picture'}</span>
        <span>{sound ?? 'No sound'}</span>
      </span>
      <span class="card-viewers">{stream.viewers > 0 ? `${count(stream.viewers, 'viewer', 'viewers')}` : 'No viewers yet'}</span>
    </a>
  );
}
