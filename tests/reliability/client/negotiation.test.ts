/** Subprotocols and extensions that the server selected: C10 to C12 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { useFailingClients } from './scene.js';

const scope = useScope();
const expectFailure = useFailingClients(scope);

describe('C10, C11, C12: what the server selected', () => {
  const selected: [string, string[] | undefined, string[]][] = [
    ['when none was requested', undefined, ['chat']],
    ['that was not offered', ['chat', 'talk'], ['other']],
    ['in other case', ['chat'], ['Chat']],
    ['two of them', ['chat', 'talk'], ['chat, talk']],
    ['two of them in two lines', ['chat', 'talk'], ['chat', 'talk']],
    ['the same in two lines', ['chat'], ['chat', 'chat']],
    ['nothing at all', ['chat'], ['']],
    ['in quotes', ['chat'], ['"chat"']],
    ['with a parameter', ['chat'], ['chat; q=1']],
    ['a name of Object.prototype', ['chat'], ['__proto__']],
    ['no field although one was requested', ['chat'], []],
  ];
  test.each(selected)('C10: a subprotocol %s is refused', async (_name, protocols, values) => {
    const lines = values.map((value) => `Sec-WebSocket-Protocol: ${value}`);
    const make = (key: string): string => upgradeResponse(key, ...lines);
    expect(await expectFailure(make, {}, protocols)).toMatch(/^Server sent .*subprotocol/);
  });

  const extensions = [
    'permessage-deflate',
    'permessage-deflate, permessage-deflate',
    'permessage-deflate; server_max_window_bits=100000',
    'unknown',
    'permessage-deflate, unknown',
    'unknown; a=b',
    'constructor',
    '__proto__; __proto__=1',
    ';',
    '',
    'permessage-deflate; a="',
    'x'.repeat(8_000),
  ];
  test('C11: extensions that were not offered are refused', async () => {
    for (const value of extensions) {
      const message = await expectFailure(
        (key) => upgradeResponse(key, `Sec-WebSocket-Extensions: ${value}`),
        { perMessageDeflate: false },
      );
      expect(message).toMatch(/extension/i);
    }
  });

  // Whether or not the client offers compression: these are answers to no offer.
  const wrong = [
    'permessage-deflate; unknown',
    'permessage-deflate; unknown=1',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_max_window_bits=7',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=100000',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=16',
    'permessage-deflate; __proto__',
    'permessage-deflate, permessage-deflate',
    'permessage-deflate, unknown',
    'x-webkit-deflate-frame',
    'permessage-bzip2',
    'Permessage-Deflate2',
    ',',
  ];
  test('C11: answers that match no offer are refused', async () => {
    for (const value of wrong) {
      const message = await expectFailure(
        (key) => upgradeResponse(key, `Sec-WebSocket-Extensions: ${value}`),
        { perMessageDeflate: true },
      );
      expect([value, message]).toEqual([value, expect.stringMatching(/extension/i)]);
    }
  });

  test('C12: window bits are written in one way only', async () => {
    for (const bits of [
      '010',
      '0xA',
      '1e1',
      '+10',
      '08',
      '9.0',
      '-9',
      '',
      '"010"',
      '1_0',
      '0b1010',
    ]) {
      for (const side of ['server', 'client']) {
        const value = `permessage-deflate; ${side}_max_window_bits=${bits}`;
        const message = await expectFailure(
          (key) => upgradeResponse(key, `Sec-WebSocket-Extensions: ${value}`),
          { perMessageDeflate: true },
        );
        expect(message).toMatch(/extension/i);
      }
    }
  });
});
