// The picture with what lies over it: status, the sound button, the controls.
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { FullscreenIcon, MutedIcon, PauseIcon, PictureIcon, PlayIcon, SoundIcon } from '../ui/icons';
import type { Player, Snapshot } from './player';
import { Rewind } from './rewind';
import type { StatusWords } from './status_words';

interface Props {
  videoRef: RefObject<HTMLVideoElement | null>;
  player: Player | null;
  snapshot: Snapshot | null;
  words: StatusWords | null;
  silent: boolean; // no video track: sound only
}

interface WithWebkit extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void; // iPhone: only the video itself goes full screen
}

function toggleFullscreen(stage: HTMLElement | null, video: WithWebkit | null): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else if (stage?.requestFullscreen) void stage.requestFullscreen();
  else video?.webkitEnterFullscreen?.();
}

function useVolume(video: RefObject<HTMLVideoElement | null>): { muted: boolean; volume: number } {
  const [state, setState] = useState({ muted: false, volume: 1 });
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const read = () => setState({ muted: element.muted, volume: element.volume });
    read();
    element.addEventListener('volumechange', read);
    return () => element.removeEventListener('volumechange', read);
  }, []);
  return state;
}

function Sound({ videoRef, player }: Pick<Props, 'videoRef' | 'player'>) {
  const { muted, volume } = useVolume(videoRef);
  const setVolume = (value: number) => {
    const video = videoRef.current;
    if (!video) return;
    video.volume = value;
    video.muted = value === 0;
  };
  const toggle = () => {
    if (muted || volume === 0) player?.unmute();
    else if (videoRef.current) videoRef.current.muted = true;
  };
  return (
    <>
      <button type="button" onClick={toggle} aria-label={muted ? 'Sound on' : 'Mute'} title={muted ? 'Sound on (m)' : 'Mute (m)'}>
        {muted || volume === 0 ? <MutedIcon /> : <SoundIcon />}
      </button>
      <input
        class="volume"
        type="range"
        min="0"
        max="1"
        step="0.05"
        aria-label="Volume"
        value={muted ? 0 : volume}
        onInput={(e) => setVolume(Number(e.currentTarget.value))}
      />
    </>
  );
}

function Over({ words, needsUnmute, paused, player }: { words: StatusWords | null; needsUnmute: boolean; paused: boolean; player: Player | null }) {
  if (words?.title) {
    return (
      <div class="over">
        {words.busy && <span class="ripple" aria-hidden="true" />}
        <p class="over-title">{words.title}</p>
        {words.text && <p class="over-text">{words.text}</p>}
      </div>
    );
  }
  if (paused) {
    return (
      <button type="button" class="big" onClick={() => player?.resume()}>
        <PlayIcon /> Back to live
      </button>
    );
  }
  if (!needsUnmute) return null;
  return (
    <button type="button" class="big" onClick={() => player?.unmute()}>
      <MutedIcon /> Turn sound on
    </button>
  );
}

// What a focused control does with the key itself.
function ownsKey(target: EventTarget | null, key: string): boolean {
  if (target instanceof HTMLInputElement) return target.type !== 'range' || key === ' ';
  return target instanceof HTMLButtonElement && key === ' ';
}

export function Stage({ videoRef, player, snapshot, words, silent }: Props) {
  const stage = useRef<HTMLDivElement>(null);
  const paused = snapshot?.paused ?? false;
  const togglePlay = () => (paused ? player?.resume() : player?.pause());
  const fullscreen = () => toggleFullscreen(stage.current, videoRef.current);
  useEffect(() => {
    const sound = () => stage.current?.querySelector<HTMLButtonElement>('[data-key=m] button')?.click();
    const keys: Record<string, () => void> = { ' ': togglePlay, k: togglePlay, m: sound, f: fullscreen };
    const onKey = (e: KeyboardEvent) => {
      const action = keys[e.key];
      if (!action || e.ctrlKey || e.metaKey || e.altKey || ownsKey(e.target, e.key)) return;
      // Elsewhere on the page the space bar scrolls.
      if (e.key === ' ' && !stage.current?.contains(e.target as Node)) return;
      e.preventDefault();
      action();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [player, paused]);
  return (
    <div class="stage" ref={stage} tabIndex={0} role="group" aria-label="Player">
      <video ref={videoRef} playsInline disableRemotePlayback onPointerUp={(e) => e.pointerType === 'mouse' && e.button === 0 && togglePlay()} aria-label="Live picture" />
      {silent && !words?.title && <p class="sound-only">Sound only</p>}
      <Over words={words} needsUnmute={snapshot?.needsUnmute ?? false} paused={paused} player={player} />
      <div class="controls">
        <button type="button" onClick={togglePlay} aria-label={paused ? 'Play' : 'Pause'} title={paused ? 'Play (space)' : 'Pause (space)'}>
          {paused ? <PlayIcon /> : <PauseIcon />}
        </button>
        <span class="controls-sound" data-key="m">
          <Sound videoRef={videoRef} player={player} />
        </span>
        <Rewind player={player} />
        <button type="button" class="to-live" onClick={() => player?.goLive()} title="Jump to the newest picture">
          Go to live
        </button>
        {document.pictureInPictureEnabled && (
          <button
            type="button"
            onClick={() => void videoRef.current?.requestPictureInPicture().catch(() => undefined)}
            aria-label="Picture in picture"
            title="Picture in picture"
          >
            <PictureIcon />
          </button>
        )}
        <button type="button" onClick={fullscreen} aria-label="Full screen" title="Full screen (f)">
          <FullscreenIcon />
        </button>
      </div>
    </div>
  );
}
