/** Offers of extensions: H23 to H25 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

describe('H23, H24, H25: extensions', () => {
  const deflate = 'permessage-deflate';
  /** Declined (no extension in the 101) or refused as a whole. */
  async function expectDeclined(server: EchoServer, value: string): Promise<void> {
    const request = upgradeRequest({ add: [['Sec-WebSocket-Extensions', value]] });
    const { inbox } = server.connect(request);
    const response = await inbox.message();
    const shown = value.slice(0, 80);
    expect([shown, [101, 400, 431].includes(response.status)]).toEqual([shown, true]);
    expect([shown, response.all('sec-websocket-extensions')]).toEqual([shown, []]);
  }

  test('H23: offers that cannot be accepted are declined', async () => {
    const server = new EchoServer(scope(), { perMessageDeflate: true });
    const offers = [
      'server_max_window_bits=7',
      'server_max_window_bits=16',
      'server_max_window_bits=0',
      'server_max_window_bits=abc',
      'server_max_window_bits',
      'server_max_window_bits=""',
      'client_max_window_bits=7',
      'client_max_window_bits=16',
      'client_max_window_bits=1000',
      'unknown',
      'unknown=1',
      'server_no_context_takeover; server_no_context_takeover',
      'server_no_context_takeover=1',
      'client_no_context_takeover=true',
      'server_max_window_bits=10; server_max_window_bits=10',
      '__proto__',
      'constructor=1',
    ];
    for (const offer of offers) await expectDeclined(server, `${deflate}; ${offer}`);
  });

  test('H24: window bits are written in one way only', async () => {
    const server = new EchoServer(scope(), { perMessageDeflate: true });
    for (const bits of [
      '08',
      '9.0',
      '0xA',
      '1e1',
      '+10',
      '010',
      '"010"',
      '-10',
      '10.',
      '1_0',
      '0b1010',
    ]) {
      await expectDeclined(server, `${deflate}; server_max_window_bits=${bits}`);
      await expectDeclined(server, `${deflate}; client_max_window_bits=${bits}`);
    }
  });

  test('H25: floods of offers and parameters are declined in linear time', async () => {
    const server = new EchoServer(scope(), { perMessageDeflate: true }, { maxHeaderSize: 1 << 21 });
    const floods = [
      Array(15_000).fill(`${deflate}; unknown`).join(', '),
      Array(15_000).fill('x-other').join(','),
      `${deflate}${'; a=b'.repeat(20_000)}`,
      `${deflate}${Array.from({ length: 20_000 }, (_, i) => `; p${i}`).join('')}`,
      Array.from({ length: 15_000 }, (_, i) => `e${i}`).join(','),
    ];
    for (const flood of floods) {
      const before = process.cpuUsage();
      await expectDeclined(server, flood);
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000).toBeLessThan(1_500);
    }
  });

  test('H23: without the option no offer is accepted', async () => {
    const server = new EchoServer(scope());
    await expectDeclined(server, deflate);
    await expectDeclined(server, `${deflate}; client_max_window_bits`);
    expect(server.accepted.map(({ ws }) => ws.extensions)).toEqual(['', '']);
  });
});
