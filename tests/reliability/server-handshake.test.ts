/** What clients may do to a server during the opening handshake: rows H1 to H25 of the bar. */

import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { closePayload, frame, KEY, OPCODE } from '../support/frames.js';
import { type HttpMessage, Inbox, show, turns, until } from '../support/inbox.js';
import { byteByByte } from '../support/random.js';
import { type RequestParts, SAMPLE_ACCEPT, upgradeRequest } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import {
  attend,
  type Caller,
  type Face,
  type FaceServerOptions,
  Hall,
  type Loose,
} from './places.js';

const scope = useScope();

/** A plain request that must never be served when it comes behind a handshake. */
const SECRET = 'GET /secret HTTP/1.1\r\nHost: server.example.com\r\n\r\n';
const text = (payload: string): Buffer => frame({ payload, mask: KEY });
const echo = (payload: string): Buffer => frame({ payload });

/** The one response that a caller got, with its connection closed behind it. */
async function refusalOf({ inbox }: { inbox: Inbox }): Promise<HttpMessage> {
  const response = await inbox.message();
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(show(await inbox.rest())).toBe('');
  expect(response.body).toHaveLength(Number(response.all('content-length')[0] ?? 0));
  return response;
}

/** Refused with one of these, or dropped by the HTTP parser without a word. */
async function expectRefused(caller: Caller, statuses: number[]): Promise<void> {
  await until(
    () => caller.inbox.peek().includes('\r\n\r\n') || caller.inbox.ended,
    () => `an answer; there came: ${show(caller.inbox.peek())}`,
  );
  if (caller.inbox.peek().length === 0) return;
  const response = await refusalOf(caller);
  expect(statuses).toContain(response.status);
  expect(response.all('connection')).toEqual(['close']);
}

async function expectAccepted({ inbox }: { inbox: Inbox }): Promise<HttpMessage> {
  const response = await inbox.message();
  expect(response.startLine).toBe('HTTP/1.1 101 Switching Protocols');
  expect(response.all('sec-websocket-accept')).toEqual([SAMPLE_ACCEPT]);
  return response;
}

/** Every one of these requests is refused, and the application hears of none. */
async function expectAllRefused(
  requests: (Buffer | string)[],
  statuses: number[],
  options: Loose = {},
): Promise<void> {
  const hall = new Hall(scope(), options);
  for (const request of requests) {
    try {
      await expectRefused(hall.call(request), statuses);
    } catch (error) {
      if (error instanceof Error) error.message = `${show(Buffer.from(request))}\n${error.message}`;
      throw error;
    }
  }
  expect(hall.guests).toHaveLength(0);
  expect(hall.requests).toEqual([]);
}

describe('H1: methods', () => {
  test.each(['POST', 'HEAD', 'CONNECT', 'get', 'FOO', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])(
    'H1: %s is refused and the connection closed',
    async (method) => {
      await expectAllRefused([upgradeRequest({ method })], [405, 400, 426, 501]);
    },
  );
});

describe('H2, H3: version of HTTP and Host', () => {
  test('H2: HTTP/1.0 and lower are refused, perfect header fields or not', async () => {
    const versions = ['HTTP/1.0', 'HTTP/0.9', 'HTTP/0.0', 'HTTP/1.', 'HTTP/-1.1', 'http/1.1', ''];
    const requests = versions.map((version) => upgradeRequest({ version }));
    await expectAllRefused(requests, [505, 400, 426]);
  });

  test('H3: a request without Host is refused', async () => {
    const add: [string, string][] = [['X-Host', 'server.example.com']];
    const requests = [upgradeRequest({ drop: ['Host'] }), upgradeRequest({ drop: ['Host'], add })];
    await expectAllRefused(requests, [400, 426]);
  });
});

describe('H4: tokens', () => {
  const accepted: [string, RequestParts][] = [
    ['upper case', { set: { Upgrade: 'WEBSOCKET', Connection: 'UPGRADE' } }],
    ['mixed case', { set: { Upgrade: 'WebSocket', Connection: 'uPgRaDe' } }],
    ['a list', { set: { Connection: 'keep-alive, Upgrade' } }],
    ['a list without blanks', { set: { Connection: 'Upgrade,keep-alive,HTTP2-Settings' } }],
    ['two lines', { set: { Connection: 'keep-alive' }, add: [['Connection', 'Upgrade']] }],
  ];
  test.each(accepted)('H4: %s is accepted', async (_name, parts) => {
    const hall = new Hall(scope());
    await expectAccepted(hall.call(upgradeRequest(parts)));
    expect(hall.guests).toHaveLength(1);
  });

  test('H4: tokens that merely contain the word are refused', async () => {
    const upgrades = [
      'xwebsocket',
      'websocketx',
      'web socket',
      'websocket/13',
      'h2c',
      '"websocket"',
    ];
    const requests = upgrades.map((Upgrade) => upgradeRequest({ set: { Upgrade } }));
    await expectAllRefused(requests, [400, 426]);
  });

  // Node gives a request without the token to `request`; on our own port, that is us.
  test('H4: Connection without the token is refused on our own port', async () => {
    const wss = await ownServer();
    for (const Connection of ['Upgraded', 'xUpgrade', 'keep-alive', 'close', 'not Upgrade']) {
      const socket = await scope().dial(wss.port);
      const inbox = new Inbox(socket);
      socket.write(upgradeRequest({ set: { Connection } }));
      const response = await inbox.message();
      expect([400, 426]).toContain(response.status);
      expect(response.all('sec-websocket-accept')).toEqual([]);
      socket.destroy();
    }
    expect(wss.connections()).toBe(0);
  });
});

/** A WebSocketServer made by `port`, on a free one. */
async function ownServer(options: Loose = {}) {
  const wss = new WebSocket.WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    ...options,
  } as FaceServerOptions);
  let connections = 0;
  wss.on('connection', (ws: Face) => {
    connections += 1;
    ws.on('error', () => {});
    ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
  });
  await new Promise<void>((listening) => wss.once('listening', () => listening()));
  scope().later(async () => {
    for (const ws of wss.clients) ws.terminate();
    await new Promise<void>((done) => wss.close(() => done()));
  });
  const { port } = wss.address() as AddressInfo;
  return { wss, port, connections: () => connections };
}

describe('H5, H6, H7: key and version', () => {
  test('H5: keys that are not 16 bytes in base64 are refused', async () => {
    const keys = [
      '',
      'AQIDBAUGBwgJCgsMDQ4P', // 15 bytes
      'AQIDBAUGBwgJCgsMDQ4PEBE=', // 17 bytes
      'AQIDBAUGBwgJCgsMDQ4PEBES', // 18 bytes
      '-_-_-_-_-_-_-_-_-_-_-g==', // the alphabet for URLs
      'dGhlIHNhbXBs ZSBub25jZQ==',
      '"dGhlIHNhbXBsZSBub25jZQ=="',
      'dGhlIHNhbXBsZSBub25jZQ',
      'dGhlIHNhbXBsZSBub25jZQ=',
      'dGhlIHNhbXBsZSBub25jZQ===',
      'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==',
      '====',
      '__proto__',
      'A'.repeat(8_000),
    ];
    const requests = keys.map((key) => upgradeRequest({ set: { 'Sec-WebSocket-Key': key } }));
    const twice: [string, string][] = [['Sec-WebSocket-Key', 'AQIDBAUGBwgJCgsMDQ4PEA==']];
    requests.push(upgradeRequest({ drop: ['Sec-WebSocket-Key'] }), upgradeRequest({ add: twice }));
    await expectAllRefused(requests, [400, 426]);
  });

  test('H5: blanks around the key are no part of it', async () => {
    const hall = new Hall(scope());
    const key = ' \t dGhlIHNhbXBsZSBub25jZQ== \t ';
    await expectAccepted(hall.call(upgradeRequest({ set: { 'Sec-WebSocket-Key': key } })));
  });

  const versions = ['', '0', '8', '12', '14', '99', '256', 'abc', '13, 13', '13 13', 'NaN', '-13'];
  const grammar = ['13.0', '0x0D', '1.3e1', '+13', '013', '0013', '13.', '0b1101', '0o15', '1_3'];
  test.each([
    ['H6: versions other than 13', versions],
    ['H7: other ways to write thirteen', grammar],
  ])('%s are refused, and 13 is named', async (_name, values) => {
    const hall = new Hall(scope());
    const parts: RequestParts[] = values.map((v) => ({ set: { 'Sec-WebSocket-Version': v } }));
    parts.push({ drop: ['Sec-WebSocket-Version'] }, { add: [['Sec-WebSocket-Version', '13']] });
    for (const part of parts) {
      const response = await refusalOf(hall.call(upgradeRequest(part)));
      expect([400, 426]).toContain(response.status);
      // RFC 6455 §4.4: the versions that the server understands.
      expect(response.all('sec-websocket-version')).toEqual(['13']);
    }
    expect(hall.guests).toHaveLength(0);
  });
});

describe('H8, H9, H10: bytes that are no request', () => {
  const targets = [
    '*',
    '//x',
    '///',
    '/%zz',
    '/%',
    '/%00',
    '/?',
    '/#fragment',
    'http://server.example.com/chat',
    'ws://server.example.com:99999/chat',
    'ws://',
    'ws:///chat',
    'http://[::1/chat',
    'http://user:pass@server.example.com/chat',
    'javascript:alert(1)',
    'server.example.com:80',
    '/räum',
    '/\\..\\x',
    `/${'a'.repeat(8_192)}`,
    `/${'a'.repeat(61_440)}`,
    `/?${'%'.repeat(8_192)}`,
    '/__proto__',
  ];
  test.each([
    ['without a path', {}],
    ['with a path', { path: '/chat' }],
  ])('H8: no request target breaks a server %s', async (_name, options) => {
    const hall = new Hall(scope(), options);
    for (const target of targets) {
      const { inbox } = hall.call(upgradeRequest({ target }));
      const response = await inbox.message();
      expect([target, [101, 400, 404, 414, 431].includes(response.status)]).toEqual([target, true]);
      if (response.status !== 101) expect(show(await inbox.rest())).toBe('');
    }
    expect(hall.requests).toEqual([]);
  });

  test('H8: `path` is compared exactly with the part in front of the query', async () => {
    const hall = new Hall(scope(), { path: '/chat' });
    for (const target of ['/chat', '/chat?', '/chat?a=/b', 'http://server.example.com/chat?x']) {
      await expectAccepted(hall.call(upgradeRequest({ target })));
    }
    for (const target of [
      '/',
      '/chat/',
      '/Chat',
      '/%63hat',
      '//chat',
      '/x?/chat',
      '/chat/../chat',
    ]) {
      expect((await refusalOf(hall.call(upgradeRequest({ target })))).status).toBe(404);
    }
  });

  test('H9: broken header syntax is refused', async () => {
    const lines = [
      'no colon in this line',
      'X-Nul: a\0b',
      'X-Return: a\rb',
      'X-Blank : a',
      'X Blank: a',
      ': no name',
      'X-Ünicode: a',
      'X-Bell\x07: a',
      '\x00: a',
      'X-Delete: a\x7f',
    ];
    const requests = lines.map((line) =>
      upgradeRequest().replace('\r\nUpgrade:', `\r\n${line}\r\nUpgrade:`),
    );
    requests.push(upgradeRequest().replace('\r\nHost:', '\r\n Host:'));
    await expectAllRefused(requests, [400]);
  });

  // RFC 9112 §5.2: a folded line is refused, or it is part of the field before it.
  test('H9: a folded line is never a header field of its own', async () => {
    const folded = upgradeRequest().replace('\r\nHost:', '\r\nX-A: b\r\n Host:');
    const hall = new Hall(scope());
    await expectRefused(hall.call(folded), [400]);
    expect(hall.guests).toHaveLength(0);
  });

  test('H10: a line of 64 KiB and a megabyte without an end are cut off', async () => {
    const line: [string, string][] = [['X-Long', 'a'.repeat(65_536)]];
    const hall = new Hall(scope());
    await expectRefused(hall.call(upgradeRequest({ before: line })), [431, 400]);
    await expectRefused(hall.call('G'.repeat(1 << 20)), [431, 400]);
    const { wire, inbox } = hall.call('GET /chat HTTP/1.1\r\nX-Endless: ');
    for (let sent = 0; sent < 1 << 20 && !inbox.ended; sent += 16_384) {
      if (wire.writable) wire.write(Buffer.alloc(16_384, 'a'));
      await turns(1);
    }
    expect((await inbox.message()).status).toBe(431);
  });

  // CVE-2024-37890: Node drops header fields beyond the 2,000th; any field may be missing then.
  test('H10: floods of small header fields that make Node drop any of ours', async () => {
    const hall = new Hall(scope());
    const fields = upgradeRequest().split('\r\n').slice(1, -2);
    for (const count of [1_990, 1_995, 1_996, 1_997, 1_998, 1_999, 2_000, 2_001, 2_100, 2_600]) {
      for (let first = 0; first < fields.length; first++) {
        const ours = [...fields.slice(first), ...fields.slice(0, first)];
        const flood = 'a:\r\n'.repeat(count);
        const { inbox } = hall.call(`GET / HTTP/1.1\r\n${flood}${ours.join('\r\n')}\r\n\r\n`);
        const response = await inbox.message();
        expect([101, 400, 426, 431]).toContain(response.status);
        if (response.status !== 101) expect(show(await inbox.rest())).toBe('');
      }
    }
    expect(hall.requests).toEqual([]);
  });
});

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
      const hall = new Hall(scope(), options);
      const request = upgradeRequest(parts);
      const together = hall.call(request + SECRET + SECRET);
      expect((await refusalOf(together)).all('connection')).toEqual(['close']);
      const later = hall.call();
      for (const byte of byteByByte(Buffer.from(request + SECRET))) later.wire.write(byte);
      await refusalOf(later);
      const handshake = hall.call(request + upgradeRequest());
      await refusalOf(handshake);
      await turns();
      expect(hall.requests).toEqual([]);
      expect(hall.guests).toHaveLength(0);
    },
  );

  test('H11: the same over TCP, the second request sent when the refusal is there', async () => {
    const hall = new Hall(scope());
    const socket = await scope().dial(await scope().listen(hall.http));
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest({ set: { 'Sec-WebSocket-Version': '7' } }));
    expect((await inbox.message()).status).toBe(426);
    if (socket.writable) socket.write(SECRET);
    expect(show(await inbox.rest())).toBe('');
    expect(hall.requests).toEqual([]);
  });

  test('H11: a client that ended its side behind the request hears the refusal', async () => {
    const hall = new Hall(scope());
    const request = upgradeRequest({ set: { 'Sec-WebSocket-Version': '7' } });
    const caller = hall.call(request);
    caller.wire.end();
    expect((await refusalOf(caller)).status).toBe(426);
    const socket = await scope().dial(await scope().listen(hall.http));
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
        const socket = await scope().dial(port);
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
    const hall = new Hall(scope());
    await expectRefused(hall.call(upgradeRequest({ add }) + body), [400, 413, 501]);
    expect(hall.guests).toHaveLength(0);
    expect(hall.requests).toEqual([]);
  });

  test('H12: a body that goes on for ever is not gathered', async () => {
    const hall = new Hall(scope());
    const { wire, inbox } = hall.call(upgradeRequest({ add: [['Content-Length', '999999999']] }));
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

describe('H13, H14: frames with the request, and cuts', () => {
  const later = {
    verifyClient: (_info: unknown, answer: (ok: boolean) => void) => {
      void turns(5).then(() => answer(true));
    },
  };
  describe.each([
    ['at once', {}],
    ['while verifyClient is pending', later],
  ])('%s', (when, options) => {
    test.each([1, 2, 10, 500])(`H13: %d frames in the request's packet, ${when}`, async (count) => {
      const hall = new Hall(scope(), options);
      const names = Array.from({ length: count }, (_, i) => `message ${i}`);
      const frames = names.map((name) => text(name.slice(8)));
      const caller = hall.call(Buffer.concat([Buffer.from(upgradeRequest()), ...frames]));
      await expectAccepted(caller);
      const expected = Buffer.concat(names.map((name) => echo(name.slice(8))));
      expect(show(await caller.inbox.take(expected.length))).toBe(show(expected));
      expect(hall.guests[0]?.events).toEqual(names);
    });

    test(`H13: half a frame, and its rest before and behind the 101, ${when}`, async () => {
      const hall = new Hall(scope(), options);
      const whole = text('Hello');
      const head = Buffer.from(upgradeRequest());
      const caller = hall.call(Buffer.concat([head, whole.subarray(0, 3)]));
      caller.wire.write(whole.subarray(3, 4));
      await expectAccepted(caller);
      await turns();
      expect(show(caller.inbox.peek())).toBe('');
      caller.wire.write(whole.subarray(4));
      expect(show(await caller.inbox.take(7))).toBe(show(echo('Hello')));
    });

    test(`H13: a Close in the request's packet, ${when}`, async () => {
      const hall = new Hall(scope(), options);
      const payload = closePayload(1000);
      const close = frame({ opcode: OPCODE.CLOSE, payload, mask: KEY });
      const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('a'), close, text('b')]);
      const caller = hall.call(bytes);
      await expectAccepted(caller);
      const answer = Buffer.concat([echo('a'), frame({ opcode: OPCODE.CLOSE, payload })]);
      expect(show(await caller.inbox.rest())).toBe(show(answer));
      caller.wire.end();
      await hall.empty();
      expect(hall.guests[0]?.events).toEqual(['message a', 'close 1000']);
    });

    test(`H13: an illegal frame in the request's packet, ${when}`, async () => {
      const hall = new Hall(scope(), options);
      const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('a'), echo('b'), text('c')]);
      const caller = hall.call(bytes);
      await expectAccepted(caller);
      expect(await caller.inbox.frame()).toMatchObject({ opcode: OPCODE.TEXT, masked: false });
      const close = await caller.inbox.frame();
      expect([close.opcode, close.payload.readUInt16BE()]).toEqual([OPCODE.CLOSE, 1002]);
      expect(show(await caller.inbox.rest())).toBe('');
      caller.wire.end();
      await hall.empty();
      expect(hall.guests[0]?.events).toEqual([
        'message a',
        expect.stringContaining('error'),
        'close 1006',
      ]);
    });
  });

  test('H13: an upgrade that the application hands over later', async () => {
    const hall = new Hall(scope(), { noServer: true });
    const handed = new Promise<[IncomingMessage, Duplex, Buffer]>((resolve) => {
      hall.http.on('upgrade', (...upgrade) => resolve(upgrade));
    });
    const head = Buffer.from(upgradeRequest());
    const caller = hall.call(Buffer.concat([head, text('one'), text('two').subarray(0, 4)]));
    const upgrade = await handed;
    caller.wire.write(Buffer.concat([text('two').subarray(4), text('three')]));
    await turns();
    hall.wss.handleUpgrade(...upgrade, (ws, request) => hall.wss.emit('connection', ws, request));
    await expectAccepted(caller);
    const expected = Buffer.concat([echo('one'), echo('two'), echo('three')]);
    expect(show(await caller.inbox.take(expected.length))).toBe(show(expected));
  });

  test('H14: the request cut in two at every byte', async () => {
    const hall = new Hall(scope());
    const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('Hello')]);
    for (let at = 1; at < bytes.length; at++) {
      const caller = hall.call(bytes.subarray(0, at));
      await turns(1);
      caller.wire.write(bytes.subarray(at));
      await expectAccepted(caller);
      expect(show(await caller.inbox.take(7))).toBe(show(echo('Hello')));
      caller.wire.destroy();
    }
    expect(hall.guests).toHaveLength(bytes.length - 1);
  });

  test('H14: one byte per packet over TCP', async () => {
    const { port } = await ownServer();
    const socket = await scope().dial(port);
    const inbox = new Inbox(socket);
    for (const byte of byteByByte(Buffer.concat([Buffer.from(upgradeRequest()), text('Hello')]))) {
      await new Promise((written) => socket.write(byte, written));
    }
    await expectAccepted({ inbox });
    expect(show(await inbox.take(7))).toBe(show(echo('Hello')));
  });
});

describe('H15: aborts', () => {
  const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('Hello'), text('again')]);
  const reset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  const aborts: [string, (caller: Caller) => void][] = [
    ['FIN', ({ wire }) => wire.end()],
    ['FIN and gone', ({ wire }) => wire.destroy()],
    ['an error of the socket', ({ far }) => far.destroy(reset())],
    ['a socket destroyed', ({ far }) => far.destroy()],
  ];
  test.each(aborts)('H15: %s after every byte of handshake and frames', async (_name, abort) => {
    const hall = new Hall(scope());
    const callers: Caller[] = [];
    for (let length = 0; length <= bytes.length; length++) {
      const caller = hall.call(bytes.subarray(0, length));
      callers.push(caller);
      if (length % 2 === 0) await turns(1);
      abort(caller);
    }
    await until(() => callers.every(({ inbox }) => inbox.ended), 'the server to hang up');
    for (const { wire } of callers) wire.destroy();
    await until(() => callers.every(({ far }) => far.destroyed), 'the sockets to be gone');
    await hall.empty();
    expect(hall.guests.length).toBeLessThanOrEqual(bytes.length + 1);
    await expectAccepted(hall.call(upgradeRequest()));
  });

  test('H15: RST over TCP after every byte of handshake and frames', async () => {
    const { wss, port, connections } = await ownServer();
    let closes = 0;
    wss.on('connection', (ws: Face) => ws.on('close', () => (closes += 1)));
    const sockets: Socket[] = [];
    for (let length = 0; length <= bytes.length; length++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.on('error', () => {});
      sockets.push(socket);
      socket.once('connect', () => {
        if (length === 0) socket.resetAndDestroy();
        else socket.write(bytes.subarray(0, length), () => socket.resetAndDestroy());
      });
    }
    await until(() => sockets.every((socket) => socket.closed), 'every reset');
    const socket = await scope().dial(port);
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest());
    await expectAccepted({ inbox });
    await until(
      () => closes === connections() - 1,
      () => `${closes} of ${connections() - 1} closes`,
    );
    expect(wss.clients.size).toBe(1);
  });

  test('H15: RST, FIN and a cut under TLS at every stage', async () => {
    const pem = (name: string): string =>
      readFileSync(join(__dirname, `../support/tls/localhost-${name}.pem`), 'utf8');
    const https = createHttpsServer({ cert: pem('cert'), key: pem('key') });
    https.on('tlsClientError', () => {});
    const wss = new WebSocket.WebSocketServer({ server: https });
    const events: string[][] = [];
    wss.on('connection', (ws: Face) => events.push(attend(ws)));
    const port = await scope().listen(https);
    // A relay in the middle, so that the wire can be cut below TLS.
    let up: Socket | undefined;
    const relay = createServer((down) => {
      const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
      upstream.on('error', () => {});
      down.on('close', () => upstream.resume()); // to its end
      down.on('error', () => {});
      down.pipe(upstream).pipe(down);
      up = upstream;
    });
    const relayPort = await scope().listen(relay);
    const cuts: ((socket: Socket) => void)[] = [
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.destroy(),
      (socket) => socket.end(),
    ];
    let accepted = 0;
    for (const cut of cuts) {
      for (const length of [-1, 0, 1, 60, bytes.length - 30, bytes.length - 5, bytes.length]) {
        const secure = connectTls({
          port: relayPort,
          host: '127.0.0.1',
          rejectUnauthorized: false,
        });
        secure.on('error', () => {});
        const met = length < 0 ? 'connect' : 'secureConnect';
        await new Promise((done) => secure.once(met, done));
        if (length > 0) await new Promise((done) => secure.write(bytes.subarray(0, length), done));
        await until(() => up !== undefined, 'the relay');
        if (length >= bytes.length - 5) accepted += 1;
        await until(() => events.length === accepted, 'the server to accept');
        await turns();
        if (up !== undefined) cut(up);
        up = undefined;
        secure.destroy();
      }
    }
    await until(
      () => events.every((told) => told.includes('close 1006')) && wss.clients.size === 0,
      () => `every close; told: ${JSON.stringify(events)}`,
    );
    const count = (): Promise<number> =>
      new Promise((tell) => https.getConnections((_error, open) => tell(open)));
    let open = -1;
    await until(
      () => {
        void count().then((now) => {
          open = now;
        });
        return open === 0;
      },
      () => `${open} connections to close`,
    );
    expect(events.every((told) => told.filter((e) => e.startsWith('close')).length === 1)).toBe(
      true,
    );
  });

  test.each(aborts)('H15: %s while verifyClient is pending', async (_name, abort) => {
    const answers: ((ok: boolean, code?: number) => void)[] = [];
    const hall = new Hall(scope(), {
      verifyClient: (_info: unknown, answer: (ok: boolean) => void) => answers.push(answer),
    });
    for (const ok of [true, false]) {
      const caller = hall.call(upgradeRequest());
      await until(() => answers.length === (ok ? 1 : 2), 'verifyClient to be asked');
      abort(caller);
      await turns();
      answers.at(-1)?.(ok, 403);
      await turns();
      caller.wire.destroy();
      await until(() => caller.far.destroyed, 'the socket to be gone');
    }
    await hall.empty();
  });

  test.each(aborts)('H15: %s before handleUpgrade', async (_name, abort) => {
    const hall = new Hall(scope(), { noServer: true });
    const upgrades: [IncomingMessage, Duplex, Buffer][] = [];
    hall.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => {}); // until handleUpgrade, the socket is the application's
      upgrades.push([request, socket, head]);
    });
    for (const parts of [{}, { set: { 'Sec-WebSocket-Version': '1' } }]) {
      const caller = hall.call(upgradeRequest(parts));
      await until(() => upgrades.length > 0, 'the upgrade');
      abort(caller);
      await turns();
      const [upgrade] = upgrades.splice(0);
      if (upgrade === undefined) throw new Error('no upgrade');
      hall.wss.handleUpgrade(...upgrade, (ws, request) => hall.admit(ws, request));
      await turns();
      caller.wire.destroy();
      await until(() => caller.far.destroyed, 'the socket to be gone');
    }
    await hall.empty();
  });

  // CVE-2022-41940: an 'error' of the raw socket without a listener ends the process.
  test('H15: the raw socket is never without an error listener until it closes', async () => {
    const seen: [string, number][] = [];
    let socket: Duplex | undefined;
    const look = (when: string): void => {
      seen.push([when, socket?.listenerCount('error') ?? -1]);
    };
    const hall = new Hall(scope(), {
      noServer: true,
      verifyClient: (_info: unknown, answer: (ok: boolean) => void) => {
        look('verifyClient');
        setImmediate(() => {
          look('before the answer');
          answer(true);
        });
      },
      handleProtocols: () => {
        look('handleProtocols');
        return 'a';
      },
    });
    hall.wss.on('headers', () => look('headers'));
    hall.http.on('upgrade', (request: IncomingMessage, raw: Duplex, head: Buffer) => {
      socket = raw;
      hall.wss.handleUpgrade(request, raw, head, (ws) => {
        look('callback');
        hall.admit(ws, request);
      });
      look('behind handleUpgrade');
    });
    const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a']];
    const caller = hall.call(upgradeRequest({ add }));
    await expectAccepted(caller);
    look('open');
    caller.far.destroy(reset());
    await hall.empty();
    for (const [when, count] of seen) expect([when, count > 0]).toEqual([when, true]);
    expect(seen).toHaveLength(7);

    seen.length = 0;
    const refused = hall.call(upgradeRequest({ set: { 'Sec-WebSocket-Key': 'x' } }));
    await until(() => seen.length === 1, 'the refusal');
    if (!refused.far.destroyed) look('refused');
    refused.far.destroy(reset());
    await refused.inbox.rest();
    for (const [when, count] of seen) expect([when, count > 0]).toEqual([when, true]);
  });
});

describe('H16: slow clients', () => {
  const limits = { headersTimeout: 150, requestTimeout: 150, connectionsCheckingInterval: 50 };

  test('H16: 300 half requests are cut off in time, and others are served meanwhile', async () => {
    const hall = new Hall(scope(), {}, limits);
    const port = await scope().listen(hall.http);
    const guest = new Inbox(await scope().dial(port));
    guest.stream.write(upgradeRequest());
    await expectAccepted({ inbox: guest });
    const half = upgradeRequest().slice(0, 60);
    const slow = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const socket = await scope().dial(port);
        if (i > 0) socket.write(half.slice(0, 1 + (i % half.length)));
        return new Inbox(socket);
      }),
    );
    guest.stream.write(text('Hello'));
    expect(show(await guest.take(7))).toBe(show(echo('Hello')));
    // The first one sent nothing at all: that is a connection without a request.
    await until(() => slow.slice(1).every(({ ended }) => ended), 'the slow ones to be cut off');
    guest.stream.write(text('Hello'));
    expect(show(await guest.take(7))).toBe(show(echo('Hello')));
    expect(hall.guests).toHaveLength(1);
  });

  test('H16: a request that drips is cut off in time', async () => {
    const hall = new Hall(scope(), {}, limits);
    const socket = await scope().dial(await scope().listen(hall.http));
    const inbox = new Inbox(socket);
    const drops = byteByByte(Buffer.from(upgradeRequest({ before: [['X', 'a'.repeat(9_000)]] })));
    const drip = setInterval(() => {
      const drop = drops.shift();
      if (drop !== undefined && socket.writable) socket.write(drop);
    }, 5);
    await inbox.rest();
    clearInterval(drip);
    expect(drops.length).toBeGreaterThan(0);
    expect(hall.guests).toHaveLength(0);
  });

  test('H16: the limits of Node stay on for a server made by `port`', async () => {
    const { wss, port } = await ownServer();
    const seen = new Promise<IncomingMessage>((resolve) => {
      wss.on('connection', (_ws: Face, request: IncomingMessage) => resolve(request));
    });
    (await scope().dial(port)).write(upgradeRequest());
    const { server } = (await seen).socket as Socket & { server: Server };
    expect(server.headersTimeout).toBeGreaterThan(0);
    expect(server.headersTimeout).toBeLessThanOrEqual(60_000);
    expect(server.requestTimeout).toBeGreaterThan(0);
    expect(server.requestTimeout).toBeLessThanOrEqual(300_000);
  });
});

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
    const hall = new Hall(scope());
    for (const value of ['a,', ',a', 'a,,b', ' , a', ',']) {
      const { inbox } = hall.call(protocol(value));
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
      const hall = new Hall(scope(), { handleProtocols: () => choice });
      const { inbox } = hall.call(protocol('a'));
      const response = await inbox.message();
      expect(response.all('x-evil')).toEqual([]);
      if (response.status === 101) {
        const [chosen] = response.all('sec-websocket-protocol');
        expect([undefined, 'a']).toContain(chosen);
        expect(hall.guests[0]?.ws.protocol).toBe(chosen ?? '');
      } else {
        expect(response.status).toBe(500);
        expect(hall.guests).toHaveLength(0);
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
    const hall = new Hall(scope(), { perMessageDeflate: true }, { maxHeaderSize: 1 << 20 });
    for (const [what, value] of floods) {
      const request = upgradeRequest({ drop: [field], add: [[field, value]] });
      const before = process.cpuUsage();
      const response = await hall.call(request).inbox.message();
      const { user, system } = process.cpuUsage(before);
      expect([101, 400, 426, 431]).toContain(response.status);
      // A quadratic reader takes more than ten seconds for any of these, a linear one some ms.
      expect([what, user + system < 500_000]).toEqual([what, true]);
    }
  });

  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];
  test.each(names)('H19: %s is an ordinary unknown name', async (name) => {
    const seen: string[][] = [];
    const hall = new Hall(scope(), {
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
    const response = await expectAccepted(hall.call(upgradeRequest({ add })));
    expect(response.all('sec-websocket-protocol')).toEqual([name]);
    expect(response.all('sec-websocket-extensions')).toEqual([]);
    expect(seen).toEqual([['a', name]]);
    expect(hall.guests[0]?.ws.protocol).toBe(name);
    const [, , last] = add;
    expect(last?.[1]).toBe('a header field');
    expect(({} as Loose)['a']).toBeUndefined();
  });
});

describe('H20: response splitting', () => {
  /** One response, and no line in it that the attacker wrote, however a reader finds its lines. */
  async function expectUnsplit(hall: Hall, request = upgradeRequest()): Promise<HttpMessage> {
    const { inbox } = hall.call(request);
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
      expect(hall.guests).toHaveLength(0);
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
    const hall = new Hall(scope(), { handleProtocols: () => `a${split}` });
    const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a']];
    expect((await expectUnsplit(hall, upgradeRequest({ add }))).status).toBe(500);
  });

  test.each(splits.map(show2))("H20: a 'headers' listener adds a%s", async (_name, split) => {
    for (const line of [
      `X-A: b${split}`,
      `X-A${split}`,
      split.trim() === split ? split : split.trim(),
    ]) {
      const hall = new Hall(scope());
      hall.wss.on('headers', (headers) => headers.push(line));
      if (line === 'Evil: 1') continue; // that is a line like any other
      const response = await expectUnsplit(hall);
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
      const hall = new Hall(scope(), {
        verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
          callback(false, ...answer),
      });
      const response = await expectUnsplit(hall);
      expect(response.status).toBeGreaterThanOrEqual(400);
    }
  });

  test('H20: the text of a refusal is a body and may hold anything', async () => {
    const sentence = 'No.\r\n\r\nHTTP/1.1 200 OK\r\nEvil: 1\r\n\r\n\0ü';
    const hall = new Hall(scope(), {
      verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
        callback(false, 403, sentence),
    });
    const response = await expectUnsplit(hall);
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
      const hall = new Hall(scope(), {
        verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
          callback(false, ...answer),
      });
      const response = await expectUnsplit(hall);
      expect([answer, response.status]).toEqual([answer, status]);
    }
  });

  test('H20: codes that are no status are not written', async () => {
    for (const code of [0, -1, 1e21, Number.NaN, 99, 1_000, '4\r\n03', {}, 'toString', 3.5]) {
      const hall = new Hall(scope(), {
        verifyClient: (_info: unknown, callback: (...args: unknown[]) => void) =>
          callback(false, code),
      });
      const response = await expectUnsplit(hall);
      expect(response.status).toBeGreaterThanOrEqual(400);
    }
  });
});

function show2(split: string): [string, string] {
  return [JSON.stringify(split).slice(1, -1), split];
}

describe('H21, H22: who may come in', () => {
  test('H21: verifyClient sees the origin and may refuse with 401 or 403', async () => {
    const origins: unknown[] = [];
    const hall = new Hall(scope(), {
      verifyClient: ({
        origin,
        secure,
        req,
      }: {
        origin?: string;
        secure: boolean;
        req: IncomingMessage;
      }) => {
        origins.push([origin, secure, req.url]);
        return origin === 'http://good.example';
      },
    });
    const from = (origin: string): string => upgradeRequest({ add: [['Origin', origin]] });
    expect((await refusalOf(hall.call(from('http://evil.example')))).status).toBe(401);
    expect((await refusalOf(hall.call(upgradeRequest()))).status).toBe(401);
    await expectAccepted(hall.call(from('http://good.example')));
    expect(origins).toEqual([
      ['http://evil.example', false, '/chat'],
      [undefined, false, '/chat'],
      ['http://good.example', false, '/chat'],
    ]);

    const strict = new Hall(scope(), {
      verifyClient: (info: { origin?: string }, callback: (ok: boolean, code?: number) => void) =>
        callback(info.origin === 'http://good.example', 403),
    });
    expect((await refusalOf(strict.call(from('http://evil.example')))).status).toBe(403);
    await expectAccepted(strict.call(from('http://good.example')));
  });

  test('H21: without verifyClient every origin is accepted', async () => {
    const hall = new Hall(scope());
    for (const origin of ['http://evil.example', 'null', '']) {
      await expectAccepted(hall.call(upgradeRequest({ add: [['Origin', origin]] })));
    }
  });

  test('H22: a handshake while the server closes is answered 503', async () => {
    const hall = new Hall(scope(), { noServer: true });
    hall.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      hall.wss.handleUpgrade(request, socket, head, (ws) => hall.admit(ws, request));
    });
    const first = hall.call(upgradeRequest());
    await expectAccepted(first);
    let closed = false;
    hall.wss.close(() => {
      closed = true;
    });
    expect((await refusalOf(hall.call(upgradeRequest() + SECRET))).status).toBe(503);
    expect(closed).toBe(false);
    first.wire.end();
    await until(() => closed, 'the server to close');
    expect((await refusalOf(hall.call(upgradeRequest()))).status).toBe(503);
    expect(hall.requests).toEqual([]);
  });

  test('H22: nor is one that was being verified when the server closed', async () => {
    const answers: ((ok: boolean) => void)[] = [];
    const { wss, port } = await ownServer({
      verifyClient: (_info: unknown, answer: (ok: boolean) => void) => answers.push(answer),
    });
    const inbox = new Inbox(await scope().dial(port));
    inbox.stream.write(upgradeRequest());
    await until(() => answers.length === 1, 'verifyClient to be asked');
    let closed = false;
    wss.close(() => {
      closed = true;
    });
    answers[0]?.(true);
    expect((await refusalOf({ inbox })).status).toBe(503);
    await until(() => closed, 'the server to close');
  });
});

describe('H23, H24, H25: extensions', () => {
  const deflate = 'permessage-deflate';
  /** Declined (no extension in the 101) or refused as a whole. */
  async function expectDeclined(hall: Hall, value: string): Promise<void> {
    const request = upgradeRequest({ add: [['Sec-WebSocket-Extensions', value]] });
    const { inbox } = hall.call(request);
    const response = await inbox.message();
    const shown = value.slice(0, 80);
    expect([shown, [101, 400, 431].includes(response.status)]).toEqual([shown, true]);
    expect([shown, response.all('sec-websocket-extensions')]).toEqual([shown, []]);
  }

  test('H23: offers that cannot be accepted are declined', async () => {
    const hall = new Hall(scope(), { perMessageDeflate: true });
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
    for (const offer of offers) await expectDeclined(hall, `${deflate}; ${offer}`);
  });

  test('H24: window bits are written in one way only', async () => {
    const hall = new Hall(scope(), { perMessageDeflate: true });
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
      await expectDeclined(hall, `${deflate}; server_max_window_bits=${bits}`);
      await expectDeclined(hall, `${deflate}; client_max_window_bits=${bits}`);
    }
  });

  test('H25: floods of offers and parameters are declined in linear time', async () => {
    const hall = new Hall(scope(), { perMessageDeflate: true }, { maxHeaderSize: 1 << 21 });
    const floods = [
      Array(15_000).fill(`${deflate}; unknown`).join(', '),
      Array(15_000).fill('x-other').join(','),
      `${deflate}${'; a=b'.repeat(20_000)}`,
      `${deflate}${Array.from({ length: 20_000 }, (_, i) => `; p${i}`).join('')}`,
      Array.from({ length: 15_000 }, (_, i) => `e${i}`).join(','),
    ];
    for (const flood of floods) {
      const before = process.cpuUsage();
      await expectDeclined(hall, flood);
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000).toBeLessThan(1_500);
    }
  });

  test('H23: without the option no offer is accepted', async () => {
    const hall = new Hall(scope());
    await expectDeclined(hall, deflate);
    await expectDeclined(hall, `${deflate}; client_max_window_bits`);
    expect(hall.guests.map(({ ws }) => ws.extensions)).toEqual(['', '']);
  });
});
