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
  timeToToken(rate: Rate, now: number): number {
    const tokens = this.tokensAt(rate, now);
    return tokens >= 1 ? 0 : ((1 - tokens) * 1000) / rate.perSecond;
  }

  /** Takes a token, when `timeToToken` has returned 0. */
  take(rate: Rate, now: number): void {
    this.tokens = this.tokensAt(rate, now) - 1;
    this.updatedAt = now;
  }

  private tokensAt({ perSecond, burst }: Rate, now: number): number {
    return Math.min(burst, this.tokens + ((now - this.updatedAt) * perSecond) / 1000);
  }
}
