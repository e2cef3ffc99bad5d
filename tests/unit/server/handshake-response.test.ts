/** What a server answers an opening handshake. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { readFrames } from '../../support/frames.js';
import { SAMPLE_ACCEPT } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import type { WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const { detached, startServer } = useServers(scope);

describe('the answer', () => {
  // RFC 6455 §4.2.2 item 5: what accepts an opening handshake.
  test('has these lines, in this order', async () => {
    const { ask } = startServer();
    const { inbox } = ask({ add: [['Sec-WebSocket-Protocol', 'a, b']] });
    const { startLine, fields } = await inbox.message();
    expect(startLine).toBe('HTTP/1.1 101 Switching Protocols');
    expect(fields).toEqual([
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Accept', SAMPLE_ACCEPT],
      ['Sec-WebSocket-Protocol', 'a'],
    ]);
  });

  test("can be changed in 'headers', which has its lines and the request", async () => {
    const { wss, answer } = startServer();
    const seen: string[][] = [];
    wss.on('headers', (headers: string[], request: IncomingMessage) => {
      seen.push([...headers]);
      headers.push(`X-Target: ${request.url}`, 'Set-Cookie: a=b', 'Set-Cookie: c=d');
    });
    const { all } = await answer({ target: '/x' });
    expect([all('x-target'), all('set-cookie')]).toEqual([['/x'], ['a=b', 'c=d']]);
    expect(seen).toEqual([
      [
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${SAMPLE_ACCEPT}`,
      ],
    ]);
  });

  test.each(['X: a\r\nY: b', 'X: a\nY: b', 'X\0: a'])(
    "is 500 when a 'headers' listener adds %p",
    async (line) => {
      const { wss, answer, connections } = startServer();
      wss.on('callbackError', () => {});
      wss.on('headers', (headers: string[]) => headers.push(line));
      expect((await answer()).status).toBe(500);
      expect(connections).toHaveLength(0);
    },
  );

  test('leaves before anything that is sent', async () => {
    const { wss, ask } = startServer();
    wss.on('connection', (ws: WebSocketInstance) => ws.send('welcome'));
    const { inbox } = ask();
    expect((await inbox.message()).status).toBe(101);
    const bytes = await inbox.take(9);
    expect(readFrames(bytes).frames.map(({ payload }) => `${payload}`)).toEqual(['welcome']);
  });
});

describe('path and shouldHandle', () => {
  test.each([
    ['/a', 101],
    ['/a?b=c', 101],
    ['/a?', 101],
    ['/', 404],
    ['/a/', 404],
    ['/A', 404],
    ['/ab', 404],
    ['/b?/a', 404],
  ])('path "/a" answers %s with %i', async (target, status) => {
    const { answer } = startServer({ path: '/a' });
    expect((await answer({ target })).status).toBe(status);
  });

  test('may be changed at any time', async () => {
    const { wss, answer } = startServer({ path: '/a' });
    wss.options.path = '/b';
    expect((await answer({ target: '/b' })).status).toBe(101);
    Object.assign(wss.options, { path: null });
    expect((await answer({ target: '/c' })).status).toBe(101);
  });

  test('shouldHandle may be assigned; false is answered 400', async () => {
    const { wss, answer } = startServer();
    const seen: unknown[] = [];
    wss.shouldHandle = (request: IncomingMessage) => {
      seen.push(request.url);
      return request.url === '/mine';
    };
    expect((await answer({ target: '/mine' })).status).toBe(101);
    expect((await answer({ target: '/other' })).status).toBe(400);
    expect(seen).toEqual(['/mine', '/other']);
  });

  test('shouldHandle says what `path` says', () => {
    const wss = detached({ path: '/a' });
    const of = (url: string) => wss.shouldHandle({ url } as IncomingMessage);
    expect([of('/a'), of('/a?b'), of('/b')]).toEqual([true, true, false]);
    expect(detached().shouldHandle({ url: '/x' } as IncomingMessage)).toBe(true);
  });
});

describe('handleProtocols', () => {
  const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a, b']];

  test('has a Set and the request, and chooses', async () => {
    const seen: unknown[][] = [];
    const handleProtocols = (...args: unknown[]) => {
      seen.push(args);
      return 'b';
    };
    const { answer, connections } = startServer({ handleProtocols });
    expect((await answer({ add })).all('sec-websocket-protocol')).toEqual(['b']);
    expect(connections[0]?.[0].protocol).toBe('b');
    expect(seen).toEqual([[new Set(['a', 'b']), connections[0]?.[1]]]);
  });

  test.each([false, undefined, null, ''])('chooses none with %p', async (none) => {
    const { answer, connections } = startServer({ handleProtocols: () => none });
    const { status, all } = await answer({ add });
    expect([status, all('sec-websocket-protocol')]).toEqual([101, []]);
    expect(connections[0]?.[0].protocol).toBe('');
  });

  test('is not asked when the client asks for none', async () => {
    let calls = 0;
    const { answer, connections } = startServer({ handleProtocols: () => `${calls++}` });
    expect((await answer()).status).toBe(101);
    expect([calls, connections[0]?.[0].protocol]).toEqual([0, '']);
  });

  // RFC 6455 §4.2.2 item 5: the subprotocol is one of those that the client asked for.
  test.each(['c', 'a, b', 'a\r\nX: y', 'A'])('is answered 500 when it says %p', async (other) => {
    const { wss, answer, connections } = startServer({ handleProtocols: () => other });
    wss.on('callbackError', () => {});
    const { status, all } = await answer({ add });
    expect([status, all('x'), connections.length]).toEqual([500, [], 0]);
  });
});

describe("'wsClientError'", () => {
  test('has the error, the socket and the request, and answers itself', async () => {
    const { wss, ask } = startServer();
    const seen: unknown[][] = [];
    wss.on('wsClientError', (error: Error, socket: Duplex, request: IncomingMessage) => {
      seen.push([error.message, request.url]);
      socket.end('HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n');
    });
    const { inbox } = ask({ set: { 'Sec-WebSocket-Key': 'x' } });
    expect((await inbox.message()).status).toBe(418);
    expect(seen).toEqual([['Missing or invalid Sec-WebSocket-Key header', '/chat']]);
  });

  test('is not emitted for another path or by verifyClient', async () => {
    const { wss, answer } = startServer({ path: '/a', verifyClient: () => false });
    let calls = 0;
    wss.on('wsClientError', () => calls++);
    expect((await answer({ target: '/b' })).status).toBe(404);
    expect((await answer({ target: '/a' })).status).toBe(401);
    expect(calls).toBe(0);
  });

  test('without a listener the client is answered', async () => {
    const { answer } = startServer();
    const { status, body, all } = await answer({ set: { 'Sec-WebSocket-Key': 'x' } });
    expect([status, String(body)]).toEqual([400, 'Missing or invalid Sec-WebSocket-Key header']);
    expect(all('connection')).toEqual(['close']);
  });
});
