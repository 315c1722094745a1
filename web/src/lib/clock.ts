// The server's clock as seen from here. Latency is the difference between two wall clocks, so a
// viewer's clock that is minutes off must not show as latency. Of the last few answers the one with
// the shortest round trip is believed: its error is at most half that trip.

export interface ClockSample {
  sent: number; // local ms
  received: number; // local ms
  server: number; // server ms at some moment between the two
}

const kKept = 6;

export class ServerClock {
  private samples_: ClockSample[] = [];

  add(sample: ClockSample): void {
    if (!Number.isFinite(sample.server) || sample.received < sample.sent) return;
    this.samples_.push(sample);
    if (this.samples_.length > kKept) this.samples_.shift();
  }

  get known(): boolean {
    return this.samples_.length > 0;
  }

  // Server time minus local time; zero until a first answer.
  get offset(): number {
    let best: ClockSample | null = null;
    for (const s of this.samples_) {
      if (!best || s.received - s.sent <= best.received - best.sent) best = s;
    }
    return best ? best.server - (best.sent + best.received) / 2 : 0;
  }

  now(local: number = Date.now()): number {
    return local + this.offset;
  }
}

// An HTTP Date header has whole seconds: the middle of that second is the best guess.
export function fromDateHeader(header: string | null): number {
  const parsed = header ? Date.parse(header) : NaN;
  return parsed + 500;
}
