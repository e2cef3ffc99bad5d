/** What comes behind a refused request, and bodies: H11 and H12 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { Inbox, show, turns } from '../../support/inbox.js';
import { byteByByte } from '../../support/random.js';
import { type RequestParts, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';
import { expectRefused, refusalOf, SECRET, useServer } from './scene.js';

const scope = useScope();
const { ownServer } = useServer(scope);

describe('H11, H12: requests behind a refusal, and bodies', () => {
  const refused: [string, RequestParts, Loose][] = [
    ['the method', { method: 'POST' }, {}],
    ['the HTTP version', { version: 'HTTP/1.0' }, {}],
    ['no Host', { drop: ['Host'] }, {}],
    ['Upgrade', { set: { Upgrade: 'h2c' } }, {}],
    ['the key', { set: { 'Sec-WebSocket-Key': 'x' } }, {}],
    ['the version', { set: { 'Sec-WebSocket-Version': '12' } }, {}],
    ['the path', { target: '/other' }, { path: '/chat' }],
    ['the target', { target: '*' }, {}],
    ['the subprotocols', { add: [['Sec-WebSocket-Protocol', 'a, a']] }, {}],
    ['the origin', { add: [['Origin', 'http://evil.example']] }, { verifyClient: () => false }],
    [
      'the application, later',
      {},
      { verifyClient: (_info: unknown, no: (ok: boolean) => void) => setImmediate(no, false) },
    ],
    [
      'its own choice of a subprotocol',
      { add: [['Sec-WebSocket-Protocol', 'a']] },
      { handleProtocols: () => 'b' },
    ],
    ['a body', { add: [['Content-Length', String(SECRET.length)]] }, {}],
  ];
  test.each(refused)(
    'H11: refused for %s, and nothing behind it is answered',
    async (_n, parts, options) => {
      const server = new EchoServer(scope(), options);
      const request = upgradeRequest(parts);
      const together = server.connect(request + SECRET + SECRET);
      expect((await refusalOf(together)).all('connection')).toEqual(['close']);
      const later = server.connect();
      for (const byte of byteByByte(Buffer.from(request + SECRET))) later.wire.write(byte);
      await refusalOf(later);
      const handshake = server.connect(request + upgradeRequest());
      await refusalOf(handshake);
      await turns();
      expect(server.requests).toEqual([]);
      expect(server.accepted).toHaveLength(0);
    },
  );

  test('H11: the same over TCP, the second request sent when the refusal is there', async () => {
    const server = new EchoServer(scope());
    const socket = await scope().connect(await scope().listen(server.http));
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest({ set: { 'Sec-WebSocket-Version': '7' } }));
    expect((await inbox.message()).status).toBe(426);
    if (socket.writable) socket.write(SECRET);
    expect(show(await inbox.rest())).toBe('');
    expect(server.requests).toEqual([]);
  });

  test('H11: a client that ended its side behind the request gets the refusal', async () => {
    const server = new EchoServer(scope());
    const request = upgradeRequest({ set: { 'Sec-WebSocket-Version': '7' } });
    const client = server.connect(request);
    client.wire.end();
    expect((await refusalOf(client)).status).toBe(426);
    const socket = await scope().connect(await scope().listen(server.http));
    const inbox = new Inbox(socket);
    socket.end(request);
    expect((await refusalOf({ inbox })).status).toBe(426);
  });

  const plain: [string, string, number][] = [
    ['no Connection', upgradeRequest({ drop: ['Connection'] }), 400],
    ['another Connection', upgradeRequest({ set: { Connection: 'keep-alive' } }), 400],
    ['Connection: close', upgradeRequest({ set: { Connection: 'close' } }), 400],
    ['no Upgrade', upgradeRequest({ drop: ['Upgrade'] }), 426],
    ['a plain request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 426],
  ];
  test.each(plain)(
    'H11: our own port refuses %s and answers nothing behind it',
    async (_name, first, status) => {
      for (const second of [upgradeRequest(), SECRET]) {
        const { port, connections } = await ownServer();
        const socket = await scope().connect(port);
        const inbox = new Inbox(socket);
        socket.write(first + second);
        const response = await inbox.message();
        expect(response.status).toBe(status);
        expect(response.all('connection')).toEqual(['close']);
        expect(show(await inbox.rest())).toBe('');
        expect(connections()).toBe(0);
      }
    },
  );

  const bodies: [string, [string, string][], string][] = [
    ['Content-Length', [['Content-Length', '5']], 'Hello'],
    ['a Content-Length that hides a request', [['Content-Length', `${SECRET.length}`]], SECRET],
    ['a body in chunks', [['Transfer-Encoding', 'chunked']], '5\r\nHello\r\n0\r\n\r\n'],
    ['chunks that hide a request', [['Transfer-Encoding', 'chunked']], `0\r\n\r\n${SECRET}`],
    [
      'both',
      [
        ['Content-Length', '5'],
        ['Transfer-Encoding', 'chunked'],
      ],
      `0\r\n\r\n${SECRET}`,
    ],
    [
      'two lengths',
      [
        ['Content-Length', '0'],
        ['Content-Length', '5'],
      ],
      'Hello',
    ],
    ['a negative length', [['Content-Length', '-1']], SECRET],
    ['a length that is no number', [['Content-Length', '0x5']], 'Hello'],
    ['another coding', [['Transfer-Encoding', 'gzip, chunked']], '0\r\n\r\n'],
    ['a length beyond all numbers', [['Content-Length', '9'.repeat(40)]], 'Hello'],
  ];
  test.each(bodies)('H12: %s is refused, once', async (_name, add, body) => {
    const server = new EchoServer(scope());
    await expectRefused(server.connect(upgradeRequest({ add }) + body), [400, 413, 501]);
    expect(server.accepted).toHaveLength(0);
    expect(server.requests).toEqual([]);
  });

  test('H12: a body that goes on for ever is not gathered', async () => {
    const server = new EchoServer(scope());
    const { wire, inbox } = server.connect(
      upgradeRequest({ add: [['Content-Length', '999999999']] }),
    );
    let sent = 0;
    while (!inbox.ended && sent < 8 << 20) {
      sent += 65_536;
      if (wire.writable) wire.write(Buffer.alloc(65_536));
      await turns(1);
    }
    expect(sent).toBeLessThan(8 << 20);
    expect((await inbox.message()).status).toBe(400);
  });
});
