/** The options of a client that stays connected: values that are refused, and defaults. */

import { expect, test } from '@jest/globals';
import { type ReconnectOptions, readSettings } from '../../../src/reconnect/options.js';

const read = (options: Record<string, unknown>) => readSettings(options as ReconnectOptions);

test.each([undefined, {}])('the defaults for %j', (options) => {
  expect(readSettings(options)).toEqual({
    perAttempt: {},
    backoff: { first: 5000, base: 4000, factor: 1.5, max: 60_000 },
    connectTimeout: 10_000,
    minUptime: 5000,
    maxAttempts: Number.POSITIVE_INFINITY,
    client: {},
  });
});

test.each([
  ...['connectTimeout', 'minUptime', 'maxAttempts'].flatMap((name) => [
    [{ [name]: -1 }, RangeError, name],
    [{ [name]: Number.NaN }, RangeError, name],
    [{ [name]: '5s' }, TypeError, name],
    [{ [name]: {} }, TypeError, name],
  ]),
  ...['first', 'base', 'factor', 'max'].flatMap((name) => [
    [{ backoff: { [name]: -1 } }, RangeError, name],
    [{ backoff: { [name]: 'x' } }, TypeError, name],
  ]),
  [{ classify: 'retry' }, TypeError, 'classify'],
  [{ resume: {} }, TypeError, 'resume'],
] as [Record<string, unknown>, ErrorConstructor, string][])(
  '%j is refused with a sentence',
  (options, ErrorClass, name) => {
    expect(() => read(options)).toThrow(ErrorClass);
    expect(() => read(options)).toThrow(new RegExp(`${name} must be .* was given`));
  },
);

test('the options of the client go to each connection', () => {
  const { client, perAttempt } = read({ heartbeat: true, token: 'x', minUptime: 7, proxy: 'env' });
  expect(client).toEqual({ heartbeat: true, proxy: 'env' });
  expect(perAttempt).toEqual({ token: 'x' });
});

test('0 for connectTimeout is no limit', () => {
  expect(read({ connectTimeout: 0 }).connectTimeout).toBe(0);
});
