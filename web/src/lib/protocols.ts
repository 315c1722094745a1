// The ways a browser can play a stream here, and which one to begin with.

export type Protocol = 'hls' | 'flv' | 'ws';

export interface Abilities {
  mse: boolean; // Media Source Extensions, or ManagedMediaSource
  flv: boolean; // mpegts.js runs: classic MediaSource
  nativeHls: boolean;
}

export const kProtocolNames: Record<Protocol, string> = { hls: 'HLS', flv: 'HTTP-FLV', ws: 'WS-FLV' };

export function usable(abilities: Abilities): Protocol[] {
  const list: Protocol[] = [];
  if (abilities.mse || abilities.nativeHls) list.push('hls');
  if (abilities.flv) list.push('flv', 'ws');
  return list;
}

// The address decides (?via=flv), else HLS, which every browser and network takes.
export function chooseProtocol(search: string, abilities: Abilities): Protocol | null {
  const list = usable(abilities);
  const wanted = new URLSearchParams(search).get('via');
  return list.find((protocol) => protocol === wanted) ?? list[0] ?? null;
}

export function withProtocol(search: string, protocol: Protocol): string {
  const args = new URLSearchParams(search);
  args.set('via', protocol);
  return `?${args.toString()}`;
}
