/** The option `heartbeat`, with its defaults filled in. */

import type { HeartbeatOptions } from './options.js';

/** The settings of a heartbeat, in milliseconds. */
export interface HeartbeatSettings {
  readonly interval: number;
  readonly timeout: number;
}

const DEFAULT_INTERVAL = 30_000;
const DEFAULT_TIMEOUT = 20_000;

/** The clock of a heartbeat tells times apart that are twice as far from each other. */
const MAX_PERIOD = 2 ** 30;

/** Values that were not checked may make no sense: they count as absent. @returns undefined if off */
export function heartbeatSettings(
  given: boolean | HeartbeatOptions | null | undefined,
): HeartbeatSettings | undefined {
  if (given === true) return heartbeatSettings({});
  if (typeof given !== 'object' || given === null) return undefined;
  return {
    interval: toPeriod(given.interval, DEFAULT_INTERVAL),
    timeout: toPeriod(given.timeout, DEFAULT_TIMEOUT),
  };
}

function toPeriod(value: number | null | undefined, fallback: number): number {
  const milliseconds = Number(value ?? fallback);
  return milliseconds > 0 ? Math.min(milliseconds, MAX_PERIOD) : fallback;
}
