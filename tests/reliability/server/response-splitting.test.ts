/** Values that would add lines to a response: H20 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { type HttpMessage, show, turns, until } from '../../support/inbox.js';
import { SAMPLE_ACCEPT, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';

const scope = useScope();

describe('H20: response splitting', () => {
  /** One response, and no line in it that the attacker wrote, however a reader finds its lines. */
  async function expectUnsplit(
    server: EchoServer,
    request = upgradeRequest(),
  ): Promise<HttpMessage> {
    const { inbox } = server.connect(request);
    await until(() => inbox.peek().includes('\r\n\r\n'), 'the head of a response');
    const head = inbox.peek().toString('latin1').split('\r\n\r\n')[0] ?? '';
    expect(head.split(/[\r\n\0]/).filter((line) => line.startsWith('Evil'))).toEqual([]);
    const response = await inbox.message();
    expect(response.startLine).toMatch(/^HTTP\/1\.1 \d{3} [A-Za-z ]+$/);
    if (response.status === 101) {
      expect(response.all('sec-websocket-accept')).toEqual([SAMPLE_ACCEPT]);
      await turns();
      expect(show(inbox.peek())).toBe('');
    } else {
      expect(show(await inbox.rest())).toBe('');
      expect(server.accepted).toHaveLength(0);
    }
    return response;
  }

  const splits = [
    '\r\nEvil: 1',
    '\nEvil: 1',
    '\rEvil: 1',
    '\r\n\r\nEvil: 1',
    '\0Evil: 1',
    '\u010d\u010aEvil: 1',
  ];

  test.each(splits.map(show2))('H20: handleProtocols returns a%s', async (_name, split) => {
    const server = new EchoServer(scope(), { handleProtocols: () => `a${split}` });
    const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a']];
    expect((await expectUnsplit(server, upgradeRequest({ add }))).status).toBe(500);
  });

  test.each(splits.map(show2))("H20: a 'headers' listener adds a%s", async (_name, split) => {
    for (const line of [
      `X-A: b${split}`,
      `X-A${split}`,
      split.trim() === split ? split : split.trim(),
    ]) {
      const server = new EchoServer(scope());
      server.wss.on('headers', (headers) => headers.push(line));
      if (line === 'Evil: 1') continue; // that is a line like any other
      const response = await expectUnsplit(server);
      expect([101, 500]).toContain(response.status);
    }
  });

  test.each(splits.map(show2))('H20: verifyClient answers with a%s', async (_name, split) => {
    const answers: [number | string | undefined, string, Loose][] = [
      [403, 'No', { 'X-A': `b${split}` }],
      [403, 'No', { [`X-A${split}`]: 'b' }],
      [403, 'No', { 'X-A': ['b', `c${split}`] }],
      [`403 No${split}`, 'No', {}],
    ];
    for (const answer of answers) {
      const server = new EchoServer(scope(), {
        verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
          callback(false, ...answer),
      });
      const response = await expectUnsplit(server);
      expect(response.status).toBeGreaterThanOrEqual(400);
    }
  });

  test('H20: the text of a refusal is a body and may hold anything', async () => {
    const sentence = 'No.\r\n\r\nHTTP/1.1 200 OK\r\nEvil: 1\r\n\r\n\0ü';
    const server = new EchoServer(scope(), {
      verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
        callback(false, 403, sentence),
    });
    const response = await expectUnsplit(server);
    expect(response.status).toBe(403);
    expect(response.body.toString()).toBe(sentence);
  });

  test('H20: a refusal without the rest of its arguments is a refusal', async () => {
    const answers: [unknown[], number][] = [
      [[], 401],
      [[undefined, undefined, undefined], 401],
      [[403, undefined, null], 403],
      [[403, null, undefined], 403],
      [[403, '', {}], 403],
    ];
    for (const [answer, status] of answers) {
      const server = new EchoServer(scope(), {
        verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
          callback(false, ...answer),
      });
      const response = await expectUnsplit(server);
      expect([answer, response.status]).toEqual([answer, status]);
    }
  });

  test('H20: codes that are no status are not written', async () => {
    for (const code of [0, -1, 1e21, Number.NaN, 99, 1_000, '4\r\n03', {}, 'toString', 3.5]) {
      const server = new EchoServer(scope(), {
        verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
          callback(false, code),
      });
      const response = await expectUnsplit(server);
      expect(response.status).toBeGreaterThanOrEqual(400);
    }
  });
});

function show2(split: string): [string, string] {
  return [JSON.stringify(split).slice(1, -1), split];
}
