/** RFC 6455 §7.2.3: how long to wait before the next attempt. Pure. */

import { MAX_TIMEOUT } from '../connection/options.js';

/**
 * How long a client waits before it connects again, in milliseconds. Each delay is random within a
 * window, so that clients which lost their server at the same time come back spread.
 */
export interface BackoffOptions {
  /**
   * The longest delay after the first failure; the shortest is 0. RFC 6455 §7.2.3 suggests 5 seconds.
   * Default 5000.
   */
  first?: number | undefined;
  /** The shortest delay after the second failure. Later delays differ by as much. Default 4000. */
  base?: number | undefined;
  /** By how much each further failure multiplies the shortest delay. Default 1.5. */
  factor?: number | undefined;
  /** The longest delay. Default 60 000. */
  max?: number | undefined;
}

/** {@link BackoffOptions} with their defaults. */
export type Backoff = { readonly [Name in keyof BackoffOptions]-?: number };

export const DEFAULT_BACKOFF: Backoff = { first: 5000, base: 4000, factor: 1.5, max: 60_000 };

/**
 * Returns the delay before the next attempt.
 * @param failures how many attempts or short connections have failed in a row, at least 1
 * @param random from 0 up to, but not including, 1
 */
export function delayAfter(failures: number, backoff: Backoff, random: number): number {
  const { first, base, factor } = backoff;
  const max = Math.min(backoff.max, MAX_TIMEOUT);
  // RFC 6455 §7.2.3 SHOULD: the first delay is random.
  if (failures <= 1) return random * Math.min(first, max);
  // RFC 6455 §7.2.3 SHOULD: later delays grow, by truncated exponential back-off.
  const growth = Math.min(factor ** (failures - 2), Number.MAX_VALUE);
  const width = Math.min(base, max);
  const longest = Math.min(base * growth + base, max);
  return longest - width + random * width;
}
