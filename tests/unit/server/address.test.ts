/** Whose address a request has, and which addresses share their limits. */

import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { type AddressOptions, addressGroup, addressOf } from '../../../src/server/address.js';

function request(remoteAddress: string | undefined, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage;
}

describe('the address of a request', () => {
  test.each<[remote: string | undefined, address: string | undefined]>([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:c0a8:101', '192.168.1.1'],
    ['::1', '::1'],
    ['::ffff:0:127.0.0.1', '::ffff:0:127.0.0.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::192.0.2.1'],
    [undefined, undefined],
  ])('of a socket with %s is %s', (remote, address) => {
    expect(addressOf(request(remote), {})).toBe(address);
  });

  test('of a request without a socket is undefined', () => {
    expect(addressOf({ headers: {} } as IncomingMessage, {})).toBeUndefined();
  });

  test('does not come from X-Forwarded-For without trustProxy', () => {
    for (const trustProxy of [undefined, null, 0]) {
      expect(addressOf(request('192.0.2.1', '192.0.2.9'), { trustProxy })).toBe('192.0.2.1');
    }
  });

  test.each<[proxies: number, field: string | undefined, address: string]>([
    [1, '192.0.2.9', '192.0.2.9'],
    [1, 'forged, 192.0.2.9', '192.0.2.9'],
    [1, '192.0.2.8,192.0.2.9', '192.0.2.9'],
    [2, '192.0.2.7, 192.0.2.8, 192.0.2.9', '192.0.2.8'],
    [2, '192.0.2.9', '10.0.0.1'],
    [1, undefined, '10.0.0.1'],
    [1, '', '10.0.0.1'],
    [1, 'unknown', '10.0.0.1'],
    [1, '192.0.2.9, ', '10.0.0.1'],
    [1, '192.0.2.9:4711', '192.0.2.9'],
    [1, '[2001:db8::1]:4711', '2001:db8::1'],
    [1, '[2001:db8::1]', '2001:db8::1'],
    [1, '2001:db8::1', '2001:db8::1'],
    [1, '::ffff:192.0.2.9', '192.0.2.9'],
  ])('behind %d proxies with %p is %s', (trustProxy, field, address) => {
    expect(addressOf(request('10.0.0.1', field), { trustProxy })).toBe(address);
  });

  test('behind a proxy on a Unix socket comes from the field only', () => {
    expect(addressOf(request(undefined, '192.0.2.9'), { trustProxy: 1 })).toBe('192.0.2.9');
    expect(addressOf(request(undefined), { trustProxy: 1 })).toBeUndefined();
  });

  test('is what the option address returns', () => {
    const options: AddressOptions = {
      trustProxy: 1,
      address: ({ headers }: IncomingMessage) => headers['x-forwarded-for'] as string,
    };
    expect(addressOf(request('10.0.0.1', 'user 7'), options)).toBe('user 7');
    expect(addressOf(request('10.0.0.1', '::ffff:192.0.2.9'), options)).toBe('192.0.2.9');
    expect(addressOf(request('10.0.0.1'), options)).toBeUndefined();
  });

  test('must be a string', () => {
    const address = (async () => '192.0.2.1') as never;
    expect(() => addressOf(request('10.0.0.1'), { address })).toThrow(
      'The function address must return a string: a Promise',
    );
  });
});

describe('the group of an address', () => {
  test.each<[address: string, group: string]>([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1::2:3:4:5:192.0.2.1', '1:0:2:3::/64'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['febf::1', 'febf::1'],
    ['fec0::1', 'fec0:0:0:0::/64'],
    ['user 7', 'user 7'],
  ])('of %s is %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});
