import type { ComponentChildren } from 'preact';
import { Mark } from './icons';

export function Header({ children }: { children?: ComponentChildren }) {
  return (
    <header class="top">
      <a class="brand" href="/" aria-label="Weir, all live streams">
        <Mark />
        <span aria-hidden="true">Weir</span>
      </a>
      <div class="top-right">{children}</div>
    </header>
  );
}

// Shown while the server does not answer; what is on the page is then old.
export function SilentServer({ error }: { error: string | null }) {
  return (
    <p class="silent" role="status" hidden={!error}>
      {error && 'The server does not answer. Trying again by itself.'}
    </p>
  );
}
