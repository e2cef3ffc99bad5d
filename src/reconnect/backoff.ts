/** RFC 6455 §7.2.3: how long to wait before the next attempt. Pure. */

/** How long a client waits before it connects again, in milliseconds. All delays are random: from 0 up to a limit. */
export interface BackoffOptions {
  /**
   * The limit after the first failure: clients that lost their server at the same time come back spread
   * over it. RFC 6455 §7.2.3 suggests 5 seconds. Default 5000.
   */
  first?: number | undefined;
  /** The limit after the second failure. Default 2000. */
  base?: number | undefined;
  /** By how much each further failure multiplies the limit. Default 2. */
  factor?: number | undefined;
  /** The highest limit. Default 60 000. */
  max?: number | undefined;
}

/** {@link BackoffOptions} with their defaults. */
export type Backoff = { readonly [Name in keyof BackoffOptions]-?: number };

export const DEFAULT_BACKOFF: Backoff = { first: 5000, base: 2000, factor: 2, max: 60_000 };

/**
 * Returns the delay before the next attempt.
 * @param failures how many attempts or short connections have failed in a row, at least 1
 * @param random from 0 up to, but not including, 1
 */
export function delayAfter(failures: number, backoff: Backoff, random: number): number {
  const { first, base, factor, max } = backoff;
  // RFC 6455 §7.2.3 SHOULD: the first delay is random; later ones are longer, by truncated exponential back-off.
  const limit = failures <= 1 ? first : base * factor ** (failures - 2);
  return random * Math.min(limit, max);
}
