/** Random replies of a proxy: a tunnel or one HandshakeError, however the bytes are cut. */

import { expect, test } from '@jest/globals';
import { HandshakeError } from '../../../src/handshake/errors.js';
import type { ProxyDialogue } from '../../../src/proxy/dialogue.js';
import { HttpConnect } from '../../../src/proxy/http-connect.js';
import { Socks5 } from '../../../src/proxy/socks5.js';
import { SeededRandom } from '../../support/random.js';

const TARGET = { host: 'example.com', port: 443 };
const SECRET = { user: 'name', password: 'secret' };

const PIECES = {
  http: [
    ...[
      'HTTP/1.1 200 OK',
      'HTTP/1.0 407 ',
      'HTTP/1.1 100 Continue',
      'HTTP/1.1 ',
      '\r\n',
      '\r\n\r\n',
    ],
    ...['Via: a', 'Content-Length: 5', ': ', '\n', '\r', '\0', 'é', ' '],
  ],
  socks5: [
    '\x05\x00',
    '\x05\x02',
    '\x01\x00',
    '\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50',
    '\x03',
    '\xff',
  ],
};

/** What the bytes lead to: the bytes of the tunnel, the code of the error, or nothing yet. */
function outcomeOf(dialogue: ProxyDialogue, parts: Iterable<Buffer>): string {
  let rest: Buffer | undefined;
  try {
    dialogue.start();
    for (const part of parts) {
      if (rest === undefined) rest = dialogue.receive(part).rest;
      else rest = Buffer.concat([rest, part]);
    }
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    expect(error.message).not.toContain(SECRET.password);
    return error.code;
  }
  return rest === undefined ? 'more' : `open ${rest.toString('hex')}`;
}

test.each(['http', 'socks5'] as const)('%s', (protocol) => {
  const random = new SeededRandom(protocol.length);
  const dialogue = (): ProxyDialogue =>
    protocol === 'http' ? new HttpConnect(TARGET, SECRET, []) : new Socks5(TARGET, SECRET);
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const text = Array.from({ length: random.integer(1, 8) }, () => random.pick(PIECES[protocol]));
    const bytes = Buffer.from(text.join(''), 'latin1');
    const bytewise = Array.from(bytes, (byte) => Buffer.of(byte));
    const outcome = outcomeOf(dialogue(), bytewise);
    seen.add(outcome.replace(/ .*/, ''));
    const at = random.integer(0, bytes.length);
    const cut = outcomeOf(dialogue(), [bytes.subarray(0, at), bytes.subarray(at)]);
    // SOCKS5 replies that come before they are due are refused: that depends on the cut.
    if (protocol === 'http') expect([text, cut]).toEqual([text, outcome]);
  }
  expect([...seen]).toEqual(expect.arrayContaining(['WS_ERR_PROXY_RESPONSE', 'more', 'open']));
});
