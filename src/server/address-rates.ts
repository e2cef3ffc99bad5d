/** The handshake rate of each address, in bounded memory. */

import { type Rate, TokenBucket } from '../connection/token-bucket.js';

/** How many groups of addresses are remembered: the ones seen last. */
export const MAX_ADDRESSES = 100_000;

/** A token bucket for each group of addresses. */
export class AddressRates {
  /** The group seen last comes last. */
  private readonly buckets = new Map<string, TokenBucket>();

  /** How many groups are remembered. */
  get size(): number {
    return this.buckets.size;
  }

  bucketOf(group: string, rate: Rate, now: number): TokenBucket {
    const bucket = this.buckets.get(group) ?? new TokenBucket(rate, now);
    this.buckets.delete(group);
    this.buckets.set(group, bucket);
    if (this.buckets.size > MAX_ADDRESSES) this.forgetOldest();
    return bucket;
  }

  private forgetOldest(): void {
    for (const oldest of this.buckets.keys()) {
      this.buckets.delete(oldest);
      return;
    }
  }
}
