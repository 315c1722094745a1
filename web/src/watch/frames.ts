// Frame counts that survive a new engine: the browser starts from zero for every media source.

export interface FrameCounts {
  decoded: number;
  dropped: number;
}

export class FrameCounter {
  private before_: FrameCounts = { decoded: 0, dropped: 0 };
  private last_: FrameCounts = { decoded: 0, dropped: 0 };

  update(decoded: number, dropped: number): FrameCounts {
    if (decoded < this.last_.decoded) {
      this.before_.decoded += this.last_.decoded;
      this.before_.dropped += this.last_.dropped;
    }
    this.last_ = { decoded, dropped };
    return { decoded: this.before_.decoded + decoded, dropped: this.before_.dropped + dropped };
  }
}
