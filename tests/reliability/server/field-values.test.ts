/** Values of the header fields: H17 to H19 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';
import { expectAccepted, useServer } from './scene.js';

const scope = useScope();
const { expectAllRefused } = useServer(scope);

describe('H17, H18, H19: grammar', () => {
  const protocol = (...values: string[]): string =>
    upgradeRequest({ add: values.map((v): [string, string] => ['Sec-WebSocket-Protocol', v]) });

  test('H17: lists that break the grammar are refused', async () => {
    const bad = [
      'ch@t',
      'a b',
      '"a"',
      'a, a',
      'a;b',
      'a=1',
      '(a)',
      'a/b',
      'ä',
      '[a]',
      'a, b, a',
      '?',
      '{a}',
      '\\',
    ];
    const requests = [...bad.map((value) => protocol(value)), protocol('a', 'a'), protocol('')];
    await expectAllRefused(requests, [400]);
  });

  test('H17: empty elements are refused or passed over; what is chosen was offered', async () => {
    const server = new EchoServer(scope());
    for (const value of ['a,', ',a', 'a,,b', ' , a', ',']) {
      const { inbox } = server.connect(protocol(value));
      const response = await inbox.message();
      expect([101, 400]).toContain(response.status);
      if (response.status === 101 && value !== ',') {
        expect(response.all('sec-websocket-protocol')).toEqual(['a']);
      }
    }
  });

  test('H17: whatever the application chooses, only what was offered is written', async () => {
    for (const choice of [
      'b',
      'A',
      'a, b',
      ' a',
      'a\r\nX-Evil: 1',
      '',
      false,
      null,
      undefined,
      0,
      true,
      1,
      {},
      ['a'],
    ]) {
      const server = new EchoServer(scope(), { handleProtocols: () => choice });
      const { inbox } = server.connect(protocol('a'));
      const response = await inbox.message();
      expect(response.all('x-evil')).toEqual([]);
      if (response.status === 101) {
        const [chosen] = response.all('sec-websocket-protocol');
        expect([undefined, 'a']).toContain(chosen);
        expect(server.accepted[0]?.ws.protocol).toBe(chosen ?? '');
      } else {
        expect(response.status).toBe(500);
        expect(server.accepted).toHaveLength(0);
      }
    }
  });

  const size = 200 * 1_024;
  const floods: [string, string][] = [
    ['blanks', `a${' '.repeat(size)}b`],
    ['tabs', `a${'\t'.repeat(size)}b`],
    ['blanks and commas', `a${' ,'.repeat(size / 2)}b`],
    ['commas', ','.repeat(size)],
    ['names', Array.from({ length: size / 8 }, (_, i) => `n${i}`).join(',')],
    ['escapes in an unclosed quote', `a; b="${'\\c'.repeat(size / 2)}`],
    ['quotes', `a; b=${'"'.repeat(size)}`],
    ['semicolons', `a${';'.repeat(size)}`],
    ['blanks behind semicolons', `a;${' '.repeat(size)};b`],
    ['parameters', `a${'; b=c'.repeat(size / 6)}`],
  ];
  const fields = [
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Version',
    'Upgrade',
    'Sec-WebSocket-Key',
  ];
  test.each(fields)('H18: 200 KiB of nonsense in %s take linear time', async (field) => {
    const server = new EchoServer(scope(), { perMessageDeflate: true }, { maxHeaderSize: 1 << 20 });
    for (const [what, value] of floods) {
      const request = upgradeRequest({ drop: [field], add: [[field, value]] });
      const before = process.cpuUsage();
      const response = await server.connect(request).inbox.message();
      const { user, system } = process.cpuUsage(before);
      expect([101, 400, 426, 431]).toContain(response.status);
      // A quadratic reader takes more than ten seconds for any of these, a linear one some ms.
      expect([what, user + system < 500_000]).toEqual([what, true]);
    }
  });

  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];
  test.each(names)('H19: %s is an ordinary unknown name', async (name) => {
    const seen: string[][] = [];
    const server = new EchoServer(scope(), {
      perMessageDeflate: true,
      handleProtocols: (offered: Set<string>) => {
        seen.push([...offered]);
        return name;
      },
    });
    const add: [string, string][] = [
      ['Sec-WebSocket-Extensions', `${name}, ${name}; ${name}; ${name}=${name}`],
      ['Sec-WebSocket-Protocol', `a, ${name}`],
      [name, 'a header field'],
    ];
    const response = await expectAccepted(server.connect(upgradeRequest({ add })));
    expect(response.all('sec-websocket-protocol')).toEqual([name]);
    expect(response.all('sec-websocket-extensions')).toEqual([]);
    expect(seen).toEqual([['a', name]]);
    expect(server.accepted[0]?.ws.protocol).toBe(name);
    const [, , last] = add;
    expect(last?.[1]).toBe('a header field');
    expect(({} as Loose)['a']).toBeUndefined();
  });
});
