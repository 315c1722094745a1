// Going back while the stream is live: a slider from the oldest picture still kept to the newest.
import { useEffect, useState } from 'preact/hooks';
import { elapsed } from '../lib/format';
import type { TimeShift } from './engine';
import type { Player } from './player';

const kWorthIt = 20; // seconds of reach below which there is nothing to go back to
const kLive = 5; // seconds behind the live position that still count as live

export function Rewind({ player }: { player: Player | null }) {
  const [shift, setShift] = useState<TimeShift | null>(null);
  useEffect(() => {
    if (!player) return;
    const read = () => setShift(player.shift());
    read();
    const timer = window.setInterval(read, 500);
    return () => window.clearInterval(timer);
  }, [player]);
  if (!shift || shift.reach < kWorthIt) return null;
  const behind = Math.min(shift.behind, shift.reach);
  const words = behind < kLive ? 'live' : `\u2212${elapsed(behind * 1000)}`;
  const go = (value: number) => (value > -kLive ? player?.goLive() : player?.rewind(-value));
  return (
    <label class="rewind">
      <span class="rewind-where">{words}</span>
      <input
        type="range"
        min={-Math.floor(shift.reach)}
        max="0"
        step="1"
        value={-behind}
        aria-label="Go back"
        aria-valuetext={behind < kLive ? 'live' : `${Math.round(behind)} seconds behind live`}
        onChange={(e) => go(Number(e.currentTarget.value))}
      />
    </label>
  );
}
