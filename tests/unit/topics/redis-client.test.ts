/** redis() recognises clients by their methods, and says what it was given instead. */

import { describe, expect, test } from '@jest/globals';
import { redis } from '../../../src/topics/index.js';

function methods(...names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, () => {}]));
}

const COMMON = ['connect', 'duplicate', 'subscribe', 'on'];
const IOREDIS = methods(...COMMON, 'callBuffer', 'disconnect', 'send_command');
const NODE_REDIS = methods(...COMMON, 'sendCommand', 'sSubscribe', 'withTypeMapping', 'destroy');

const KNOWN: readonly (readonly [string, object])[] = [
  ['a Redis of ioredis', IOREDIS],
  ['a Cluster of ioredis', { ...IOREDIS, ...methods('nodes') }],
  ['a client of node-redis', NODE_REDIS],
  ['a cluster of node-redis', { ...NODE_REDIS, ...methods('nodeClient') }],
];

test.each(KNOWN)('%s is taken', (_, client) => {
  expect(redis({ client: client as never }).history).toBeDefined();
});

class Unknown {
  readonly password = 'secret';
}

const OTHERS: readonly (readonly [unknown, string])[] = [
  [undefined, 'undefined was given'],
  [null, 'null was given'],
  ['redis://127.0.0.1', "'redis://127.0.0.1' was given"],
  [new Unknown(), 'an object of Unknown was given'],
  [Object.create(null), 'an object of no class was given'],
  [methods('send_command', 'internal_send_command'), 'a client of node-redis 3'],
  [methods('sendCommand', 'duplicate', 'sSubscribe'), 'a client of node-redis 4 was given'],
  [methods('sendCommand', 'execute'), 'a pool was given'],
  [methods('sendCommand', 'getSentinelNode', 'execute'), 'a sentinel client was given'],
];

test.each(OTHERS)('%p is refused', (client, sentence) => {
  const call = (): unknown => redis({ client: client as never });
  expect(call).toThrow(TypeError);
  expect(call).toThrow(sentence);
  expect(call).not.toThrow('secret');
});

describe('the options', () => {
  test('must be an object', () => {
    expect(() => redis(undefined as never)).toThrow(TypeError);
  });

  test('prefix must be a string', () => {
    const call = (): unknown => redis({ client: IOREDIS as never, prefix: 1 as never });
    expect(call).toThrow(new TypeError('The option prefix must be a string: 1 was given'));
  });
});
