// The last readings of one instrument, and their drawing as a water level.

export class History {
  readonly values: (number | null)[] = [];

  constructor(readonly capacity: number) {}

  add(value: number | null): void {
    this.values.push(value);
    if (this.values.length > this.capacity) this.values.shift();
  }
}

const kTops = [2, 4, 8, 16, 32, 64, 128];

// The smallest round scale that holds every reading, so that the level does not jump about.
export function scaleTop(values: (number | null)[]): number {
  const most = values.reduce<number>((max, v) => Math.max(max, v ?? 0), 0);
  return kTops.find((top) => most <= top * 0.95) ?? 256;
}

// Newest at the right edge; a null is a hole in the water.
export function levelPath(
  values: (number | null)[], capacity: number, width: number, height: number, top: number,
): { line: string; area: string } {
  const dx = width / (capacity - 1);
  const x = (i: number) => (width - (values.length - 1 - i) * dx).toFixed(1);
  const y = (v: number) => (height - (height * Math.min(Math.max(v, 0), top)) / top).toFixed(1);
  let line = '';
  let area = '';
  let run: number[] = [];
  const close = () => {
    const [from, to] = [run[0], run[run.length - 1]];
    if (from === undefined || to === undefined) return;
    const points = run.map((i) => `${x(i)} ${y(values[i] ?? 0)}`).join('L');
    line += `M${points}`;
    area += `M${x(from)} ${height}L${points}L${x(to)} ${height}Z`;
    run = [];
  };
  values.forEach((value, i) => (value === null ? close() : run.push(i)));
  close();
  return { line, area };
}
