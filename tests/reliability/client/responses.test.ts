/** Responses that are wrong or too large: C1 to C4 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { turns, until } from '../../support/inbox.js';
import { type ClientConnection, MemoryClient } from '../../support/memory-client.js';
import { acceptFor, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { altered, hello, URL_OF_SERVER, useFailingClients } from './scene.js';

const scope = useScope();
const expectFailure = useFailingClients(scope);

describe('C1, C2: fields of the response', () => {
  const accepts: [string, (accept: string, key: string) => string[]][] = [
    ['missing', () => []],
    ['empty', () => ['']],
    ['of another key', () => [acceptFor('AQIDBAUGBwgJCgsMDQ4PEA==')]],
    ['in lower case', (accept) => [accept.toLowerCase()]],
    ['in swapped case', (accept) => [accept.replace(/[a-z]|[A-Z]/g, swap)]],
    ['with a suffix', (accept) => [`${accept}=`]],
    ['with a prefix', (accept) => [`=${accept}`]],
    ['one character short', (accept) => [accept.slice(0, -1)]],
    ['twice in a line', (accept) => [`${accept}, ${accept}`]],
    ['in two lines', (accept) => [accept, accept]],
    ['in two lines, one right', (accept) => [accept, 'x']],
    ['the key itself', (_accept, key) => [key]],
    ['in quotes', (accept) => [`"${accept}"`]],
    ['in URL-safe base64', (accept) => [`${accept.replace(/[+/]/g, '-')}-`]],
    ['in hexadecimal', (accept) => [Buffer.from(accept, 'base64').toString('hex')]],
    ['hashed without the GUID', (_accept, key) => [acceptFor(key).split('').reverse().join('')]],
  ];
  test.each(accepts)('C1: Sec-WebSocket-Accept %s is refused', async (_name, values) => {
    const message = await expectFailure((key) =>
      altered(key, (lines) => [
        ...lines.filter((line) => !line.startsWith('Sec-WebSocket-Accept')),
        ...values(acceptFor(key), key).map((value) => `Sec-WebSocket-Accept: ${value}`),
      ]),
    );
    expect(message).toBe('Invalid Sec-WebSocket-Accept header');
  });

  function swap(letter: string): string {
    return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  }

  const tokens: [string, string, string | undefined][] = [
    ['no Upgrade', 'Upgrade', undefined],
    ['an empty Upgrade', 'Upgrade', ''],
    ['another Upgrade', 'Upgrade', 'h2c'],
    ['an Upgrade that merely contains the word', 'Upgrade', 'xwebsocket'],
    ['an Upgrade to a version', 'Upgrade', 'websocket/13'],
    ['no Connection', 'Connection', undefined],
    ['an empty Connection', 'Connection', ''],
    ['another Connection', 'Connection', 'keep-alive'],
    ['a Connection that merely contains the word', 'Connection', 'Upgraded'],
    ['a Connection that closes', 'Connection', 'close'],
  ];
  // No handshakeTimeout here, and the server keeps the connection open: the client must not wait.
  test.each(tokens)('C2: %s is refused at once', async (_name, field, value) => {
    const message = await expectFailure((key) =>
      altered(key, (lines) =>
        lines.flatMap((line) => {
          if (!line.startsWith(`${field}:`)) return [line];
          return value === undefined ? [] : [`${field}: ${value}`];
        }),
      ),
    );
    expect(message).toMatch(/^Invalid (?:Upgrade|Connection) header$/);
  });
});

describe('C3: other answers', () => {
  test('C3: every status from 200 to 599 is refused', async () => {
    for (let status = 200; status <= 599; status++) {
      const message = await expectFailure((key) =>
        upgradeResponse(key, 'Content-Length: 0').replace('101 Switching Protocols', `${status} X`),
      );
      expect(message).toBe(`Unexpected server response: ${status}`);
    }
  });

  const answers: [string, Buffer | string][] = [
    ['status 000', 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n'],
    ['status 600', 'HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n'],
    ['status 999', 'HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n'],
    ['status abc', 'HTTP/1.1 abc X\r\nContent-Length: 0\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 1010 X\r\nContent-Length: 0\r\n\r\n'],
    ['a negative status', 'HTTP/1.1 -101 X\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/9.9', 'HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a request instead of a response', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a banner of SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a banner of SMTP', '220 mail.example ESMTP\r\n'],
    ['an alert of TLS', Buffer.from([0x15, 3, 1, 0, 2, 2, 40])],
    ['a frame', hello],
    ['zeros', Buffer.alloc(64)],
    ['bytes of all kinds', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['a page', '<!doctype html><title>404</title>\r\n'],
    [
      'early hints and then 404',
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      '2,000 times 100 and then 200',
      `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
    ],
  ];
  test.each(answers)('C3: %s is refused', async (_name, bytes) => {
    const message = await expectFailure(() => bytes);
    expect(message).toMatch(/Parse Error|Unexpected server response/);
  });

  test('C3: 2,000 times 100 and then the right response opens', async () => {
    const client = new MemoryClient(scope());
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000);
    await client.answer((key) => interim + upgradeResponse(key));
    await until(() => client.events.length > 0, 'an event');
    expect(client.events).toEqual(['open']);
  });

  test('C3: a silent end is refused', async () => {
    const client = new MemoryClient(scope());
    const { wire, inbox } = await client.connection();
    await inbox.message();
    wire.end();
    expect(await client.failed()).toBe('socket hang up');
  });

  test("C3: 'unexpected-response' leaves everything to its listener, as in ws", async () => {
    const client = new MemoryClient(scope());
    let status: number | undefined;
    let body = '';
    client.ws.on('unexpected-response', (request, response) => {
      status = response.statusCode;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => request.destroy());
    });
    await client.answer(() => 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nWho?');
    await until(() => body === 'Who?', 'the body');
    expect(status).toBe(401);
    await turns();
    expect(client.events.filter((event) => event === 'open')).toEqual([]);
    client.ws.terminate();
    await client.closed();
    expect(client.events.filter((event) => event.startsWith('close'))).toEqual(['close 1006']);
  });
});

describe('C4: floods', () => {
  /** Writes for ever, until the client closes the connection; returns how much that was. */
  async function pour(
    { wire, inbox }: ClientConnection,
    chunk: Buffer,
    most: number,
  ): Promise<number> {
    let sent = 0;
    while (!inbox.ended && sent < most) {
      if (wire.writable) wire.write(chunk);
      sent += chunk.length;
      await turns(1);
    }
    return sent;
  }

  const most = 16 << 20;
  const chunk = Buffer.alloc(65_536, 'a');
  const heads: [string, string][] = [
    ['an endless body', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['an endless body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n'],
    [
      'an endless body in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n',
    ],
    ['an endless status line', 'HTTP/1.1 101 '],
    ['an endless header field', 'HTTP/1.1 101 Switching Protocols\r\nX-Endless: '],
    ['an endless name', 'HTTP/1.1 101 Switching Protocols\r\n'],
  ];
  test.each(heads)('C4: %s is cut off', async (_name, head) => {
    const client = new MemoryClient(scope());
    const connection = await client.answer(() => head);
    expect(await pour(connection, chunk, most)).toBeLessThan(most);
    await client.failed();
  });

  test('C4: an endless body on a redirect that is followed is cut off', async () => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true });
    const connection = await client.answer(() => 'HTTP/1.1 302 Found\r\nLocation: /new\r\n\r\n');
    expect(await pour(connection, chunk, most)).toBeLessThan(most);
    await client.answer((key) => upgradeResponse(key), 1);
    await until(() => client.events.length > 0, 'an event');
    expect(client.events).toEqual(['open']);
  });

  test('C4: 2 MiB of header fields are refused', async () => {
    const line = `X-Filler: ${'a'.repeat(1_000)}\r\n`;
    const message = await expectFailure((key) =>
      upgradeResponse(key).replace('\r\n\r\n', `\r\n${line.repeat(2_100)}\r\n`),
    );
    expect(message).toMatch(/Parse Error/);
  });

  // CVE-2024-37890: Node drops header fields beyond the 2,000th; any field may be missing then.
  test('C4: floods of small header fields that make Node drop any of ours', async () => {
    const outcomes = new Set<string>();
    for (const count of [900, 998, 999, 1_000, 1_001, 1_996, 1_998, 2_000, 2_500]) {
      for (let first = 0; first < 3; first++) {
        const client = new MemoryClient(scope());
        await client.answer((key) => {
          const [status = '', ...ours] = upgradeResponse(key).split('\r\n').slice(0, -2);
          const fields = [...ours.slice(first), ...ours.slice(0, first)];
          return `${status}\r\n${'a:\r\n'.repeat(count)}${fields.join('\r\n')}\r\n\r\n`;
        });
        await until(() => client.events.length > 0, 'an outcome');
        outcomes.add(client.events[0] ?? '');
        if (client.events[0] !== 'open') await client.failed();
      }
    }
    for (const outcome of outcomes) {
      expect(outcome).toMatch(
        /^(?:open|error Invalid (?:Upgrade|Connection|Sec-WebSocket-Accept) header)$/,
      );
    }
    expect(outcomes.size).toBeGreaterThan(1);
  });
});
