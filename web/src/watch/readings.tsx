// The instruments: latency as a number and as a level over the last two minutes, and what else is
// measured on this very page.
import { useEffect, useRef, useState } from 'preact/hooks';
import { seconds } from '../lib/format';
import { History, levelPath, scaleTop } from './history';
import type { Measures, Player } from './player';

const kWidth = 240;
const kHeight = 64;

function Level({ history }: { history: History }) {
  const top = scaleTop(history.values);
  const path = levelPath(history.values, history.capacity, kWidth, kHeight, top);
  return (
    <svg class="level" viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" aria-hidden="true">
      {[0.25, 0.5, 0.75].map((share) => (
        <path key={share} class="level-line" d={`M0 ${kHeight * share}H${kWidth}`} />
      ))}
      <path class="level-water" d={path.area} />
      <path class="level-top" d={path.line} />
    </svg>
  );
}

function Fact({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div class="fact" title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function droppedShare(m: Measures): string {
  if (!m.droppedFrames) return '0';
  const share = (100 * m.droppedFrames) / Math.max(1, m.decodedFrames);
  return `${m.droppedFrames} (${share < 0.1 ? '<0.1' : share.toFixed(1)} %)`;
}

export function Readings({ player }: { player: Player | null }) {
  const history = useRef(new History(240));
  const [measures, setMeasures] = useState<Measures | null>(null);
  useEffect(() => {
    if (!player) return;
    const read = () => {
      const now = player.measures();
      history.current.add(now.latency);
      setMeasures(now);
    };
    read();
    const timer = window.setInterval(read, 500);
    return () => window.clearInterval(timer);
  }, [player]);
  if (!measures) return null;

  const buffer = measures.measures === 'buffer';
  const top = scaleTop(history.current.values);
  return (
    <section class="panel readings" aria-label="Measured on this page">
      <div class="reading-main">
        <h2>{buffer ? 'Buffer' : 'Latency'}</h2>
        <output class="reading-value" aria-live="off">{seconds(measures.latency)}</output>
        <p class="hint">
          {buffer
            ? 'Received and not yet shown. FLV carries no wall clock; the way to here adds little.'
            : 'From the publisher’s frame reaching the server to its showing here.'}
        </p>
      </div>
      <div class="level-box">
        <Level history={history.current} />
        <span class="level-scale">{`${top} s`}</span>
        <span class="level-span">2 min ago</span>
      </div>
      <dl class="facts">
        <Fact name="Picture" value={measures.width ? `${measures.width}\u00d7${measures.height}` : '\u2013'} />
        <Fact name="Frames shown" value={String(measures.decodedFrames - measures.droppedFrames)} />
        <Fact name="Dropped" value={droppedShare(measures)} title="Decoded too late to be shown" />
        <Fact
          name="Stalls"
          value={measures.stalls ? `${measures.stalls}, ${seconds(measures.stalledMs / 1000)}` : '0'}
          title="Times the picture stood still, and for how long in all"
        />
      </dl>
    </section>
  );
}
