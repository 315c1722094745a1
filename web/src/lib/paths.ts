// Where a stream is: page paths, play URLs and publish URLs, all from one stream key.

export interface StreamKey {
  app: string; // may have several parts: "live/eu"
  name: string;
}

export interface Place {
  protocol: string; // "http:" or "https:", as in window.location
  host: string; // with the port
  hostname: string; // IPv6 in brackets
}

export interface PlayUrls {
  hls: string;
  dash: string;
  flv: string;
  ws: string;
  rtmp: string | null; // null when the server does not listen for RTMP
}

// Page settings; every other query argument belongs to the stream (keys, signatures).
const kOwnArguments = ['via', 'embed'];

// "/live/demo" and "/live/demo/" name a stream; "/" and "/one" do not.
export function parseWatchPath(pathname: string): StreamKey | null {
  let parts: string[];
  try {
    parts = pathname.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return null; // a stray % in the address
  }
  const name = parts.pop();
  if (name === undefined || parts.length === 0) return null;
  return { app: parts.join('/'), name };
}

function encodePath(key: StreamKey): string {
  return [...key.app.split('/'), key.name].map(encodeURIComponent).join('/');
}

export function watchPath(key: StreamKey): string {
  return `/${encodePath(key)}`;
}

export function sameKey(a: StreamKey, b: StreamKey): boolean {
  return a.app === b.app && a.name === b.name;
}

// What of the page's query goes on to the play URLs: "" or "?token=...".
export function streamArguments(search: string): string {
  const args = new URLSearchParams(search);
  for (const own of kOwnArguments) args.delete(own);
  const text = args.toString();
  return text ? `?${text}` : '';
}

export function playUrls(place: Place, key: StreamKey, args: string, rtmpPort: number): PlayUrls {
  const path = encodePath(key);
  const ws = place.protocol === 'https:' ? 'wss:' : 'ws:';
  return {
    hls: `${place.protocol}//${place.host}/${path}/index.m3u8${args}`,
    dash: `${place.protocol}//${place.host}/${path}/manifest.mpd${args}`,
    flv: `${place.protocol}//${place.host}/${path}.flv${args}`,
    ws: `${ws}//${place.host}/${path}.flv${args}`,
    rtmp: rtmpPort > 0 ? `${rtmpServer(place, key.app, rtmpPort)}/${encodeURIComponent(key.name)}${args}` : null,
  };
}

// What OBS calls "Server". The port is always written: it is the part people get wrong.
export function rtmpServer(place: Place, app: string, rtmpPort: number): string {
  const path = app.split('/').map(encodeURIComponent).join('/');
  return `rtmp://${place.hostname}:${rtmpPort}/${path}`;
}
