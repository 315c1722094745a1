// A line of text to take away: shown in full, selected by a click, copied by its button.
import { Fragment } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

// navigator.clipboard exists on https and localhost only; a server on the local network is neither.
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'offscreen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

// Lines break between words and after slashes, never after the dash of an option.
function Breakable({ text }: { text: string }) {
  return (
    <>
      {text.split(' ').map((word, i) => (
        <Fragment key={i}>
          {i > 0 && ' '}
          <span class="word">
            {(word.match(/[^/]+\/*|\/+/g) ?? []).map((part, j) => (
              <Fragment key={j}>{part}<wbr /></Fragment>
            ))}
          </span>
        </Fragment>
      ))}
    </>
  );
}

export function CopyLine({ label, text, note }: { label: string; text: string; note?: string }) {
  const [said, setSaid] = useState('');
  const code = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!said) return;
    const timer = window.setTimeout(() => setSaid(''), 1800);
    return () => window.clearTimeout(timer);
  }, [said]);

  const copy = async () => {
    const done = await copyText(text);
    if (!done && code.current) window.getSelection()?.selectAllChildren(code.current);
    setSaid(done ? 'Copied' : 'Selected');
  };
  return (
    <div class="copy">
      <span class="copy-label">
        {label}
        {note && <span class="copy-note"> {note}</span>}
      </span>
      <div class="copy-row">
        <code ref={code}><Breakable text={text} /></code>
        <button type="button" onClick={copy} aria-label={`Copy ${label}`}>
          <span aria-live="polite">{said || 'Copy'}</span>
        </button>
      </div>
    </div>
  );
}
