// window.weirStats: what the player measures, for tests and for the curious at the console.
import type { State } from '../lib/player_state';
import type { Protocol } from '../lib/protocols';
import type { Measures, Player } from './player';

export interface WeirStats extends Measures {
  state: State;
  protocol: Protocol;
  muted: boolean;
  failure: string; // why the last engine ended, in its own words
}

declare global {
  interface Window {
    weirStats?: WeirStats;
  }
}

export function showStats(player: Player): void {
  Object.defineProperty(window, 'weirStats', {
    configurable: true,
    get: (): WeirStats => ({
      state: player.snapshot.state,
      protocol: player.snapshot.protocol,
      muted: player.muted,
      failure: player.snapshot.failure,
      ...player.measures(),
    }),
  });
}
