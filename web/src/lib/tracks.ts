// What a stream carries, in words.

export interface Track {
  kind: 'video' | 'audio' | 'data';
  codec: string; // "h264", "aac" ...
  codecs?: string; // RFC 6381: "avc1.64001f"
  width?: number;
  height?: number;
  frame_rate?: number;
  sample_rate?: number;
  channels?: number;
}

const kCodecNames: Record<string, string> = {
  h264: 'H.264', h265: 'H.265', av1: 'AV1', vp8: 'VP8', vp9: 'VP9',
  aac: 'AAC', opus: 'Opus', flac: 'FLAC', mp3: 'MP3', ac3: 'AC-3', eac3: 'E-AC-3',
};

export function codecName(codec: string): string {
  return kCodecNames[codec] ?? codec.toUpperCase();
}

export function pictureSize(track: Track | undefined): string | null {
  return track?.width && track.height ? `${track.width}\u00d7${track.height}` : null;
}

// 29.97 stays 29.97, 30 and 30.0003 are 30.
export function frameRate(track: Track | undefined): string | null {
  if (!track?.frame_rate) return null;
  const rounded = Math.round(track.frame_rate * 100) / 100;
  return `${Math.abs(rounded - Math.round(rounded)) < 0.015 ? Math.round(rounded) : rounded} fps`;
}

function channelLayout(channels: number | undefined): string | null {
  if (!channels) return null;
  return { 1: 'mono', 2: 'stereo', 6: '5.1', 8: '7.1' }[channels] ?? `${channels} channels`;
}

export function first(tracks: Track[], kind: Track['kind']): Track | undefined {
  return tracks.find((track) => track.kind === kind);
}

// "H.264 1920x1080 30 fps", or null without video.
export function describeVideo(tracks: Track[]): string | null {
  const track = first(tracks, 'video');
  if (!track) return null;
  return [codecName(track.codec), pictureSize(track), frameRate(track)].filter(Boolean).join(' ');
}

// "AAC 48 kHz stereo", or null without audio.
export function describeAudio(tracks: Track[]): string | null {
  const track = first(tracks, 'audio');
  if (!track) return null;
  const rate = track.sample_rate ? `${Math.round(track.sample_rate / 100) / 10} kHz` : null;
  return [codecName(track.codec), rate, channelLayout(track.channels)].filter(Boolean).join(' ');
}
