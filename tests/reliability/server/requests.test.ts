/** Requests with a wrong method, version, token, key or target: H1 to H10 of THREATS.md. */

import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { Inbox, show, turns } from '../../support/inbox.js';
import { type RequestParts, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { expectAccepted, expectRefused, refusalOf, useServer } from './scene.js';

const scope = useScope();
const { expectAllRefused, ownServer } = useServer(scope);

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
    const server = new EchoServer(scope());
    await expectAccepted(server.connect(upgradeRequest(parts)));
    expect(server.accepted).toHaveLength(1);
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
      const socket = await scope().connect(wss.port);
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
    const server = new EchoServer(scope());
    const key = ' \t dGhlIHNhbXBsZSBub25jZQ== \t ';
    await expectAccepted(server.connect(upgradeRequest({ set: { 'Sec-WebSocket-Key': key } })));
  });

  const versions = ['', '0', '8', '12', '14', '99', '256', 'abc', '13, 13', '13 13', 'NaN', '-13'];
  const grammar = ['13.0', '0x0D', '1.3e1', '+13', '013', '0013', '13.', '0b1101', '0o15', '1_3'];
  test.each([
    ['H6: versions other than 13', versions],
    ['H7: other ways to write thirteen', grammar],
  ])('%s are refused, and 13 is named', async (_name, values) => {
    const server = new EchoServer(scope());
    const parts: RequestParts[] = values.map((v) => ({ set: { 'Sec-WebSocket-Version': v } }));
    parts.push({ drop: ['Sec-WebSocket-Version'] }, { add: [['Sec-WebSocket-Version', '13']] });
    for (const part of parts) {
      const response = await refusalOf(server.connect(upgradeRequest(part)));
      expect([400, 426]).toContain(response.status);
      // RFC 6455 §4.4: the versions that the server understands.
      expect(response.all('sec-websocket-version')).toEqual(['13']);
    }
    expect(server.accepted).toHaveLength(0);
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
    const server = new EchoServer(scope(), options);
    for (const target of targets) {
      const { inbox } = server.connect(upgradeRequest({ target }));
      const response = await inbox.message();
      expect([target, [101, 400, 404, 414, 431].includes(response.status)]).toEqual([target, true]);
      if (response.status !== 101) expect(show(await inbox.rest())).toBe('');
    }
    expect(server.requests).toEqual([]);
  });

  test('H8: `path` is compared exactly with the part in front of the query', async () => {
    const server = new EchoServer(scope(), { path: '/chat' });
    for (const target of ['/chat', '/chat?', '/chat?a=/b', 'http://server.example.com/chat?x']) {
      await expectAccepted(server.connect(upgradeRequest({ target })));
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
      expect((await refusalOf(server.connect(upgradeRequest({ target })))).status).toBe(404);
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
    const server = new EchoServer(scope());
    await expectRefused(server.connect(folded), [400]);
    expect(server.accepted).toHaveLength(0);
  });

  test('H10: a line of 64 KiB and a megabyte without an end are cut off', async () => {
    const line: [string, string][] = [['X-Long', 'a'.repeat(65_536)]];
    const server = new EchoServer(scope());
    await expectRefused(server.connect(upgradeRequest({ before: line })), [431, 400]);
    await expectRefused(server.connect('G'.repeat(1 << 20)), [431, 400]);
    const { wire, inbox } = server.connect('GET /chat HTTP/1.1\r\nX-Endless: ');
    for (let sent = 0; sent < 1 << 20 && !inbox.ended; sent += 16_384) {
      if (wire.writable) wire.write(Buffer.alloc(16_384, 'a'));
      await turns(1);
    }
    expect((await inbox.message()).status).toBe(431);
  });

  // CVE-2024-37890: Node drops header fields beyond the 2,000th; any field may be missing then.
  test('H10: floods of small header fields that make Node drop any of ours', async () => {
    const server = new EchoServer(scope());
    const fields = upgradeRequest().split('\r\n').slice(1, -2);
    for (const count of [1_990, 1_995, 1_996, 1_997, 1_998, 1_999, 2_000, 2_001, 2_100, 2_600]) {
      for (let first = 0; first < fields.length; first++) {
        const ours = [...fields.slice(first), ...fields.slice(0, first)];
        const flood = 'a:\r\n'.repeat(count);
        const { inbox } = server.connect(`GET / HTTP/1.1\r\n${flood}${ours.join('\r\n')}\r\n\r\n`);
        const response = await inbox.message();
        expect([101, 400, 426, 431]).toContain(response.status);
        if (response.status !== 101) expect(show(await inbox.rest())).toBe('');
      }
    }
    expect(server.requests).toEqual([]);
  });
});
