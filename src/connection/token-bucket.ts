/** A limit of so many events per second, with bursts. */

/** How many events are accepted: `burst` at once, then `perSecond` each second. */
export interface Rate {
  perSecond: number;
  burst: number;
}

/** A token bucket: each event takes a token, and tokens come back at an even rate. */
export class TokenBucket {
  private tokens: number;
  private updatedAt: number;

  /** @param now a monotonic time in milliseconds */
  constructor({ burst }: Rate, now: number) {
    this.tokens = burst;
    this.updatedAt = now;
  }

  /** @returns how long there is no token, in milliseconds; 0 if there is one */
  timeToToken({ perSecond, burst }: Rate, now: number): number {
    const returned = ((now - this.updatedAt) * perSecond) / 1000;
    this.tokens = Math.min(burst, this.tokens + returned);
    this.updatedAt = now;
    return this.tokens >= 1 ? 0 : ((1 - this.tokens) * 1000) / perSecond;
  }

  /** Takes a token, after `timeToToken` has returned 0. */
  take(): void {
    this.tokens--;
  }
}
