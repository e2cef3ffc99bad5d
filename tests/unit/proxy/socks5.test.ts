/** RFC 1928, RFC 1929: both sides of the dialogue as bytes. */

import { describe, expect, test } from '@jest/globals';
import { HandshakeError } from '../../../src/handshake/errors.js';
import type { Credentials, Target } from '../../../src/proxy/dialogue.js';
import { Socks5 } from '../../../src/proxy/socks5.js';

const NAME: Target = { host: 'example.com', port: 443 };
const SECRET: Credentials = { user: 'user', password: 'pass' };

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/ /g, ''), 'hex');
const hexOf = (sent: Buffer | undefined): string | undefined => sent?.toString('hex');

/** What is sent in answer to each of these replies. */
function sentFor(target: Target, credentials: Credentials | undefined, ...replies: string[]) {
  const dialogue = new Socks5(target, credentials);
  const steps = replies.map((reply) => dialogue.receive(bytes(reply)));
  return [hexOf(new Socks5(target, credentials).start()), ...steps.map(({ send }) => hexOf(send))];
}

function errorFor(credentials: Credentials | undefined, ...replies: string[]): HandshakeError {
  const dialogue = new Socks5(NAME, credentials);
  try {
    for (const reply of replies) dialogue.receive(bytes(reply));
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error('the replies were accepted');
}

describe('what the client sends', () => {
  test.each<[Target, string]>([
    [NAME, '05 01 00 03 0b 6578616d706c652e636f6d 01bb'],
    [{ host: '127.0.0.1', port: 80 }, '05 01 00 01 7f000001 0050'],
    [{ host: '::1', port: 8080 }, '05 01 00 04 00000000000000000000000000000001 1f90'],
    [
      { host: '2001:db8::ff00:42', port: 65_535 },
      '05 01 00 04 20010db80000000000000000ff000042 ffff',
    ],
  ])('%j without authentication', (target, request) => {
    expect(sentFor(target, undefined, '0500')).toEqual(['050100', hexOf(bytes(request))]);
  });

  test('a user name and a password, if the proxy chooses them', () => {
    const sent = sentFor(NAME, SECRET, '0502', '0100');
    expect(sent.slice(0, 2)).toEqual(['05020002', '0104757365720470617373']);
    expect(sent[2]).toMatch(/^050100030b/);
  });

  test('no user name, if the proxy does not ask for it', () => {
    expect(sentFor(NAME, SECRET, '0500')[1]).toMatch(/^050100030b/);
  });

  test('a password may be empty, and is UTF-8', () => {
    const sent = sentFor(NAME, { user: 'é', password: '' }, '0502');
    expect(sent[1]).toBe('0102c3a900');
  });
});

const OPEN = [
  '05 00 00 01 7f000001 0050',
  '05 00 00 03 03 616263 0050',
  `05 00 00 04 ${'00'.repeat(16)} 0050`,
];

describe('the tunnel', () => {
  test.each(OPEN)('is open after %s, and the bytes behind it are in it', (reply) => {
    const dialogue = new Socks5(NAME, undefined);
    dialogue.receive(bytes('0500'));
    expect(dialogue.receive(bytes(`${reply} aabb`)).rest).toEqual(bytes('aabb'));
  });

  test.each(OPEN)('%s cut at each byte is the same', (reply) => {
    const whole = bytes(`${reply} aabb`);
    for (let at = 1; at < whole.length - 2; at++) {
      const dialogue = new Socks5(NAME, undefined);
      dialogue.receive(bytes('05'));
      dialogue.receive(bytes('00'));
      expect(dialogue.receive(whole.subarray(0, at))).toEqual({});
      expect(dialogue.receive(whole.subarray(at)).rest).toEqual(bytes('aabb'));
    }
  });
});

test.each([
  ['01', 'general failure of the SOCKS server'],
  ['02', 'its rules do not allow the connection'],
  ['03', 'the network is unreachable'],
  ['04', 'the host is unreachable'],
  ['05', 'the connection was refused'],
  ['06', 'the TTL expired'],
  ['07', 'it does not support the command'],
  ['08', 'it does not support the type of the address'],
  ['5b', 'an unknown reason (SOCKS5 reply 91)'],
])('RFC 1928 §6: the reply %s says why', (reply, meaning) => {
  const error = errorFor(undefined, '0500', `05 ${reply} 00 01 00000000 0000`);
  expect(error.code).toBe('WS_ERR_PROXY_REFUSED');
  expect(error.message).toMatch(/^The proxy refused to connect to the server: /);
  expect(error.message).toContain(meaning);
});

test.each<[Credentials | undefined, string[], string]>([
  [undefined, ['05ff'], 'has no user name and password'],
  [SECRET, ['05ff'], 'accepts no user name and password'],
  [SECRET, ['0502', '0101'], 'did not accept the user name and the password'],
])('%j, %j: a refusal of the client', (credentials, replies, reason) => {
  const error = errorFor(credentials, ...replies);
  expect(error.code).toBe('WS_ERR_PROXY_AUTHENTICATION');
  expect(error.message).toContain(reason);
  expect(error.message).not.toMatch(/"?pass"?$|user:/);
});

test.each<[string, Credentials | undefined, string[], string]>([
  ['HTTP', undefined, ['48545450'], 'the first byte is 72'],
  ['SOCKS4', undefined, ['005a'], 'the first byte is 0'],
  ['HTTP, one byte', undefined, ['48'], 'the first byte is 72'],
  ['a method that was not offered', undefined, ['0502'], 'the method 2'],
  ['GSSAPI', SECRET, ['0501'], 'the method 1'],
  ['a status of another version', SECRET, ['0502', '0500'], 'the first byte is 5'],
  ['a reply before the request', undefined, ['050005'], 'more bytes'],
  ['a reply of another version', undefined, ['0500', '04'], 'the first byte is 4'],
  ['a reserved byte', undefined, ['0500', '05000101'], 'its reserved byte is 1'],
  ['an address of another type', undefined, ['0500', '05000002'], 'the unknown type 2'],
])('a reply that is not valid: %s', (_what, credentials, replies, detail) => {
  const error = errorFor(credentials, ...replies);
  expect(error.code).toBe('WS_ERR_PROXY_RESPONSE');
  expect(error.message).toContain(detail);
});
