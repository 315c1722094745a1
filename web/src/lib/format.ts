// Numbers as people read them.

// 754000 -> "12:34", 3661000 -> "1:01:01", two days -> "2 d 3 h".
export function elapsed(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const pad = (n: number) => String(n).padStart(2, '0');
  const seconds = total % 60;
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}

// Seconds to one decimal below a minute; never "-0.0".
export function seconds(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '\u2013';
  const shown = Math.max(0, value);
  return shown < 60 ? `${shown.toFixed(1)} s` : elapsed(shown * 1000);
}

export function count(n: number, one: string, many: string): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}
