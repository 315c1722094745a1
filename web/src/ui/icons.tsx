// Drawn here, 24 units square, one stroke width; always beside or inside something with a name.
import type { ComponentChildren } from 'preact';

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const PlayIcon = () => <Icon><path class="solid" d="M7 4.5v15l12.5-7.5z" /></Icon>;
export const PauseIcon = () => <Icon><path d="M8 5v14M16 5v14" /></Icon>;
export const SoundIcon = () => (
  <Icon><path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11" /></Icon>
);
export const MutedIcon = () => (
  <Icon><path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5" /></Icon>
);
export const FullscreenIcon = () => (
  <Icon><path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" /></Icon>
);
export const PictureIcon = () => (
  <Icon><path d="M20 10V5H4v14h6" /><path class="solid" d="M13 13h8v6h-8z" /></Icon>
);
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="mark-water" d="M3 10h10c5 0 4 12 9 12h7" />
    <path class="mark-gauge" d="M3 17h7M3 24h10" />
  </svg>
);
