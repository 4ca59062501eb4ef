// Work that is repeated as data streams in, slowed down when it is heavy.

const SHARE = 5; // of five milliseconds at most one is spent here

export class Pace {
  private next = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly work: () => void) {}

  /** Runs the work now, or as soon as the last run has been paid for. */
  run(): void {
    clearTimeout(this.timer);
    const wait = this.next - performance.now();
    if (wait > 0) {
      this.timer = setTimeout(() => this.runNow(), wait);
    } else {
      this.runNow();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private runNow(): void {
    const begin = performance.now();
    this.work();
    const cost = performance.now() - begin;
    this.next = begin + SHARE * cost;
  }
}
