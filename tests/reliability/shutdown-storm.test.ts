/** After a shutdown the clients reconnect: at no time too many at once. */

import { expect, test } from '@jest/globals';
import { Shutdown, type ShutdownHost } from '../../src/server/shutdown.js';
import type { ShutdownOptions } from '../../src/server/shutdown-options.js';
import { useClock } from '../support/clock.js';
import { SeededRandom } from '../support/random.js';

const clock = useClock();

const CLIENTS = 100_000;
const BIN = 100;

/** Closes so many connections, and notes when each of their clients reconnects, in milliseconds. */
function reconnectTimes(options: ShutdownOptions): number[] {
  clock.stop();
  const random = new SeededRandom(14);
  clock.useRandom(() => random.next());
  const clients = new Set(Array.from({ length: CLIENTS }, () => ({})));
  const times: number[] = [];
  let now = 0;
  const host: ShutdownHost = {
    clients,
    refused: 0,
    refuse: () => {},
    close: (client, _code, reason) => {
      const delay = Number(/retry-after=([\d.]+)/.exec(reason)?.[1] ?? 0);
      times.push(now + delay * 1000);
      clients.delete(client);
    },
    drop: () => {},
    end: (onEnded) => onEnded(),
    dropHandshakes: () => {},
  };
  const shutdown = new Shutdown(host, { timeout: 60_000, ...options });
  shutdown.start();
  while (clients.size > 0) {
    now += 1;
    clock.advance(1);
  }
  return times;
}

/** The most reconnects in a tenth of a second, as a multiple of the mean of the whole period. */
function peakOf(times: readonly number[], period: number): number {
  const bins = new Array<number>(Math.ceil(period / BIN)).fill(0);
  for (const time of times) {
    const bin = Math.min(bins.length - 1, Math.floor(time / BIN));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return Math.max(...bins) / (times.length / bins.length);
}

test.each<[string, ShutdownOptions, number]>([
  ['delays of 0 to 30 s', { retryAfter: [0, 30] }, 30_000],
  ['a spread of 10 s', { spread: 10_000 }, 10_000],
  ['both', { retryAfter: [0, 30], spread: 10_000 }, 40_000],
])('with %s, the peak is at most twice the mean', (_, options, period) => {
  const times = reconnectTimes(options);
  expect(times).toHaveLength(CLIENTS);
  expect(Math.max(...times.slice(0, 1000))).toBeLessThanOrEqual(period);
  expect(peakOf(times, period)).toBeLessThanOrEqual(2);
});

test('without both, all reconnect at once', () => {
  expect(peakOf(reconnectTimes({}), 30_000)).toBeGreaterThan(100);
});
