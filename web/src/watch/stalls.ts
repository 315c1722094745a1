// Counts the times the picture stood still after it had begun. A gap shorter than `kBlinkMs` is not
// seen by anybody and not counted: browsers report `waiting` for every seek and every tight buffer.

const kBlinkMs = 200;

export class StallMeter {
  private dryAt_: number | null = null;
  private counted_ = false;
  private total_ = 0;
  private count_ = 0;

  get count(): number {
    return this.count_;
  }

  // The buffer ran dry.
  dry(now: number): void {
    if (this.dryAt_ === null) this.dryAt_ = now;
  }

  // Pictures move again.
  flowing(now: number): void {
    if (this.dryAt_ !== null && now - this.dryAt_ >= kBlinkMs) {
      if (!this.counted_) this.count_ += 1;
      this.total_ += now - this.dryAt_;
    }
    this.dryAt_ = null;
    this.counted_ = false;
  }

  // True once for each standstill, when it has become one that is seen.
  standing(now: number): boolean {
    if (this.dryAt_ === null || this.counted_ || now - this.dryAt_ < kBlinkMs) return false;
    this.counted_ = true;
    this.count_ += 1;
    return true;
  }

  // Milliseconds stood still, with the one under way.
  total(now: number): number {
    return this.total_ + (this.counted_ && this.dryAt_ !== null ? now - this.dryAt_ : 0);
  }
}
