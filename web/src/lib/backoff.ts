// Waiting times for repeated tries: the first, then doubling up to a ceiling. `spread` keeps a
// thousand players from coming back in the same instant after a restart.
export class Backoff {
  private tries_ = 0;

  constructor(
    private readonly first_: number,
    private readonly most_: number,
    private readonly spread_ = 0.2,
    private readonly random_: () => number = Math.random,
  ) {}

  // Milliseconds to wait before the next try.
  next(): number {
    const plain = Math.min(this.most_, this.first_ * 2 ** Math.min(this.tries_, 20));
    this.tries_ += 1;
    return Math.round(plain * (1 + this.spread_ * (this.random_() * 2 - 1)));
  }

  reset(): void {
    this.tries_ = 0;
  }
}
