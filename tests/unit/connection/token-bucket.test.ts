/** A token bucket: bursts, and an even rate behind them. */

import { describe, expect, test } from '@jest/globals';
import { type Rate, TokenBucket } from '../../../src/connection/token-bucket.js';
import { AddressRates, MAX_ADDRESSES } from '../../../src/server/address-rates.js';

const RATE: Rate = { perSecond: 4, burst: 3 };

/** Takes tokens until there is none. @returns how many there were */
function drain(bucket: TokenBucket, rate: Rate, now: number): number {
  let taken = 0;
  for (; bucket.timeToToken(rate, now) === 0; taken++) bucket.take();
  return taken;
}

describe('a token bucket', () => {
  test('begins with a burst', () => {
    expect(drain(new TokenBucket(RATE, 1000), RATE, 1000)).toBe(3);
  });

  test('gets its tokens back one by one, and never more than a burst', () => {
    const bucket = new TokenBucket(RATE, 0);
    drain(bucket, RATE, 0);
    expect(bucket.timeToToken(RATE, 0)).toBe(250);
    expect(bucket.timeToToken(RATE, 249)).toBeCloseTo(1);
    expect(drain(bucket, RATE, 250)).toBe(1);
    expect(drain(bucket, RATE, 750)).toBe(2);
    expect(drain(bucket, RATE, 100_000)).toBe(3);
  });

  test('follows a rate that changes', () => {
    const bucket = new TokenBucket(RATE, 0);
    drain(bucket, RATE, 0);
    expect(bucket.timeToToken({ perSecond: 1, burst: 3 }, 500)).toBe(500);
    expect(drain(bucket, { perSecond: 1000, burst: 1 }, 1000)).toBe(1);
  });

  test('holds its rate over any sequence of times', () => {
    const rate = { perSecond: 3, burst: 5 };
    const bucket = new TokenBucket(rate, 0);
    let accepted = 0;
    for (let now = 0; now <= 100_000; now += 7) {
      if (bucket.timeToToken(rate, now) > 0) continue;
      bucket.take();
      accepted++;
    }
    expect(accepted).toBeGreaterThanOrEqual(304);
    expect(accepted).toBeLessThanOrEqual(305);
  });
});

describe('the buckets of addresses', () => {
  test('are one for each address', () => {
    const rates = new AddressRates();
    expect(drain(rates.bucketOf('a', RATE, 0), RATE, 0)).toBe(3);
    expect(drain(rates.bucketOf('a', RATE, 0), RATE, 0)).toBe(0);
    expect(drain(rates.bucketOf('b', RATE, 0), RATE, 0)).toBe(3);
  });

  test('are bounded: the address that was seen least recently is forgotten', () => {
    const rates = new AddressRates();
    for (const group of ['first', 'second']) drain(rates.bucketOf(group, RATE, 0), RATE, 0);
    for (let i = 2; i < MAX_ADDRESSES; i++) rates.bucketOf(String(i), RATE, 0);
    expect(rates.size).toBe(100_000);
    rates.bucketOf('first', RATE, 0); // seen again
    rates.bucketOf('one more', RATE, 0);
    expect(rates.size).toBe(100_000);
    expect(drain(rates.bucketOf('first', RATE, 0), RATE, 0)).toBe(0);
    expect(drain(rates.bucketOf('second', RATE, 0), RATE, 0)).toBe(3);
  });
});
