/** Counts values by size. */

/** A histogram of numbers: how many are not greater than each of its bounds. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many values are in each bucket, without those of lower ones. The last one has no bound. */
  private readonly buckets: number[];
  sum = 0;
  count = 0;

  /** @param bounds the upper bounds of the buckets, in ascending order */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.buckets = Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const found = this.bounds.findIndex((bound) => value <= bound);
    const index = found === -1 ? this.bounds.length : found;
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
  }

  /** How many values are at most each bound. Those above the last bound are in `count` only. */
  get cumulative(): number[] {
    let below = 0;
    return this.bounds.map((_, i) => {
      below += this.buckets[i] ?? 0;
      return below;
    });
  }
}
