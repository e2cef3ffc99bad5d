/** 10,000 clients after a restart of their server: RFC 6455 §7.2.3. */

import { describe, expect, test } from '@jest/globals';
import {
  CLIENTS,
  CRASH,
  POLICIES,
  RESTARTS,
  SLOT,
  simulate,
} from '../../support/reconnect-storm.js';

const SEEDS = [1, 2, 3, 16];

/** The attempts in a slot if all clients come within the five seconds that RFC 6455 suggests. */
const SPREAD = (CLIENTS * SLOT) / 5000;

describe.each(Object.entries(RESTARTS))('%s', (_name, outages) => {
  test.each(SEEDS)('the peak is at most twice the mean (seed %d)', (seed) => {
    expect(simulate(POLICIES.ws6455, outages, seed).ratio).toBeLessThanOrEqual(2);
  });

  test('all clients are back within 11 seconds after the server, half within 6', () => {
    const { half, all } = simulate(POLICIES.ws6455, outages);
    expect(half).toBeLessThanOrEqual(6000);
    expect(all).toBeLessThanOrEqual(11_000);
  });
});

test.each(SEEDS)('a server that fails again does not get all clients at once (seed %d)', (seed) => {
  expect(simulate(POLICIES.ws6455, CRASH, seed).peak).toBeLessThanOrEqual(1.5 * SPREAD);
});

test('delays without a random part bring all clients at once', () => {
  const [outages = []] = Object.values(RESTARTS);
  expect(simulate(POLICIES.partysocket, outages).peak).toBe(CLIENTS);
});
