/** Several WebSocketServers on one http server: which of them takes a request. */

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { uncaught, useWarnings } from '../../support/process-events.js';
import type { RequestParts } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { SharedServer, type Upgrade } from '../../support/shared-server.js';
import type { Loose, ServerInstance } from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);
const { WebSocketServer } = WebSocket;

/** Puts servers and listeners on an http server. */
type Arrange = (shared: SharedServer) => void;

const server =
  (name: string, options: Loose = {}, change: (wss: ServerInstance) => void = () => {}): Arrange =>
  (shared) =>
    change(shared.add(name, options));

/** A server that takes the target of its name, by its program's own decision. */
const deciding = (name: string, decide: (isOurs: boolean) => unknown): Arrange =>
  server(name, {}, (wss) => {
    wss.shouldHandle = ({ url }: IncomingMessage) => decide(url === `/${name}`) as boolean;
  });

/** A program's own listener of 'upgrade', which takes what it likes with a server of its own. */
const foreign =
  (name: string, wants: (target: string | undefined) => boolean = () => false): Arrange =>
  (shared) => {
    const wss = shared.add(name, { server: undefined, noServer: true });
    shared.http.on('upgrade', (...[request, socket, head]: Upgrade) => {
      if (!wants(request.url)) return;
      wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
    });
  };

const isF = (target: string | undefined) => target === '/f';

const a = server('a', { path: '/a' });
const b = server('b', { path: '/b' });
const any = server('any');
const sync = deciding('sync', (isOurs) => isOurs);
const later = deciding('later', async (isOurs) => isOurs);
const never = deciding('never', () => new Promise(() => {}));

/** What is asked for, and what becomes of it. */
type Outcomes = Record<string, string>;

const cases: [string, Arrange[], Outcomes][] = [
  ['one, with a path', [a], { '/a': 'a /a', '/c': '404' }],
  ['one that decides itself', [sync], { '/sync': 'sync /sync', '/c': '400' }],
  ['one that decides later', [later], { '/later': 'later /later', '/c': '400' }],
  ['two paths', [a, b], { '/a': 'a /a', '/b': 'b /b', '/b?x': 'b /b?x', '/c': '404', '/': '404' }],
  ['two paths, the other way round', [b, a], { '/a': 'a /a', '/b': 'b /b', '/c': '404' }],
  ['a path, then all paths', [a, any], { '/a': 'a /a', '/c': 'any /c' }],
  ['all paths, then a path', [any, a], { '/a': 'any /a', '/c': 'any /c' }],
  ['the same path twice', [a, server('again', { path: '/a' })], { '/a': 'a /a', '/c': '404' }],
  ['a decision and a path', [sync, a], { '/a': 'a /a', '/sync': 'sync /sync', '/c': '404' }],
  ['a path and a later decision', [a, later], { '/a': 'a /a', '/later': 'later /later' }],
  ['later decisions', [later, later, b], { '/later': 'later /later', '/b': 'b /b', '/c': '404' }],
  ['three', [a, later, any], { '/a': 'a /a', '/later': 'later /later', '/c': 'any /c' }],
  ['a path and a foreign listener', [a, foreign('f', isF)], { '/a': 'a /a', '/f': 'f /f' }],
  [
    'nobody, and a foreign listener behind',
    [a, foreign('f')],
    { '/a': 'a /a', '/c': 'left alone' },
  ],
  ['nobody, and a foreign listener in front', [foreign('f'), a], { '/c': 'left alone' }],
  [
    'nobody, two paths and a foreign listener',
    [a, foreign('f'), b],
    { '/b': 'b /b', '/c': 'left alone' },
  ],
  ['later nobody, and a foreign listener', [later, foreign('f')], { '/c': 'left alone' }],
  ['all paths, and a foreign listener behind', [any, foreign('f', isF)], { '/f': 'any /f' }],
  [
    'all paths, and a foreign listener in front',
    [foreign('f', isF), any],
    { '/f': 'f /f', '/c': 'any /c' },
  ],
  ['undecided, and a foreign listener behind', [never, foreign('f', isF)], { '/f': 'f /f' }],
];

describe.each(cases)('%s', (_name, arrange, outcomes) => {
  test.each(Object.entries(outcomes))('%s: %s', async (target, outcome) => {
    const caught = uncaught(scope());
    const shared = new SharedServer(scope());
    for (const put of arrange) put(shared);
    expect(await shared.ask(target)).toBe(outcome);
    expect(caught).toEqual([]);
    expect(shared.errors).toEqual([]);
  });
});

describe('requests that break the rules', () => {
  const malformed: [string, RequestParts, string][] = [
    ['a key that is none', { set: { 'Sec-WebSocket-Key': 'x' } }, '400'],
    ['another version', { set: { 'Sec-WebSocket-Version': '8' } }, '426'],
    ['another method', { method: 'POST' }, '405'],
    ['another protocol', { set: { Upgrade: 'h2c' } }, '400'],
    ['no key and another protocol', { drop: ['Sec-WebSocket-Key'], set: { Upgrade: 'x' } }, '400'],
    ['a subprotocol twice', { add: [['Sec-WebSocket-Protocol', 'a, a']] }, '400'],
  ];
  test.each(malformed)(
    '%s: refused once, by the server of that path',
    async (_n, parts, status) => {
      const shared = new SharedServer(scope());
      a(shared);
      const settled: string[] = [];
      server('b', { path: '/b' }, (wss) => {
        wss.on('wsClientError', (error: Error, socket) => {
          settled.push(error.message);
          socket.end('HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n');
        });
      })(shared);
      expect(await shared.ask('/a', parts)).toBe(status);
      expect(settled).toEqual([]);
      expect(await shared.ask('/b', parts)).toBe('418');
      expect(settled).toHaveLength(1);
      expect(await shared.ask('/c', parts)).toBe(parts.add === undefined ? status : '404');
    },
  );

  test('are shown to no program, unless they are opening handshakes', async () => {
    const responseTo: unknown[] = [];
    const shared = new SharedServer(scope());
    const note = deciding('sync', () => responseTo.push('asked') > 0);
    for (const put of [note, note]) put(shared);
    expect(await shared.ask('/sync', { set: { 'Sec-WebSocket-Key': 'x' } })).toBe('400');
    expect(responseTo).toEqual([]);
  });

  test('are refused by a server that claims the path, beside a foreign listener', async () => {
    const shared = new SharedServer(scope());
    for (const put of [foreign('f'), sync, a]) put(shared);
    const parts: RequestParts = { set: { 'Sec-WebSocket-Version': '8' } };
    expect(await shared.ask('/a', parts)).toBe('426');
    expect(await shared.ask('/c', parts)).toBe('left alone');
  });

  test('another protocol is left to a foreign listener', async () => {
    const shared = new SharedServer(scope());
    for (const put of [any, foreign('f')]) put(shared);
    const parts: RequestParts = { set: { Upgrade: 'h2c' }, drop: ['Sec-WebSocket-Key'] };
    expect(await shared.ask('/', parts)).toBe('left alone');
  });
});

describe('a server that goes', () => {
  const ways: [string, (wss: ServerInstance) => void][] = [
    ['closed', (wss) => wss.close()],
    ['detached', (wss) => (wss as unknown as { _removeListeners(): void })._removeListeners()],
  ];
  test.each(ways)('%s: its path is nobody’s, the other one stays', async (_name, leave) => {
    const shared = new SharedServer(scope());
    const first = shared.add('a', { path: '/a' });
    b(shared);
    leave(first);
    expect(await shared.ask('/a')).toBe('404');
    expect(await shared.ask('/b')).toBe('b /b');
    expect(shared.http.listenerCount('upgrade')).toBe(1);
  });

  test('while it is asked: the next one is', async () => {
    const shared = new SharedServer(scope());
    const first = shared.add('first');
    first.shouldHandle = () => new Promise(() => {});
    any(shared);
    const responseTo = shared.ask('/x');
    first.close();
    expect(await responseTo).toBe('any /x');
  });

  test('while another one is asked: it is not asked any more', async () => {
    const shared = new SharedServer(scope());
    let answer: (isOurs: boolean) => void = () => {};
    const first = shared.add('first');
    first.shouldHandle = () => new Promise((resolve) => (answer = resolve));
    const second = shared.add('second');
    const responseTo = shared.ask('/x');
    await turns();
    second.close();
    answer(false);
    expect(await responseTo).toBe('404');
  });

  test('all listeners removed by the program: a new server takes over', async () => {
    const shared = new SharedServer(scope());
    shared.add('old');
    shared.http.removeAllListeners('upgrade');
    shared.add('new');
    expect(await shared.ask('/x')).toBe('new /x');
  });

  test('listeners that the program replaced by one that calls them work', async () => {
    const shared = new SharedServer(scope());
    for (const put of [a, b]) put(shared);
    const listeners = shared.http.listeners('upgrade');
    shared.http.removeAllListeners('upgrade');
    shared.http.on('upgrade', (...args: Upgrade) => {
      for (const listener of listeners) listener.apply(shared.http, args);
    });
    const outcomes: string[] = [];
    for (const target of ['/a', '/b', '/c']) outcomes.push(await shared.ask(target));
    expect(outcomes).toEqual(['a /a', 'b /b', '404']);
  });
});

describe('each request', () => {
  test('asks each server once, in the order of attachment, and is handled by one', async () => {
    const calls: string[] = [];
    class Noting extends WebSocketServer {
      name = '';
      override shouldHandle({ url }: IncomingMessage): boolean {
        calls.push(`${this.name} asked`);
        return url === `/${this.name}`;
      }
      override handleUpgrade(...args: Parameters<ServerInstance['handleUpgrade']>): void {
        calls.push(`${this.name} handles`);
        super.handleUpgrade(...args);
      }
    }
    const shared = new SharedServer(scope());
    for (const name of ['1', '2', '3']) Object.assign(shared.add(name, {}, Noting), { name });
    expect(await shared.ask('/2')).toBe('2 /2');
    expect(calls).toEqual(['1 asked', '2 asked', '2 handles']);
    expect(await shared.ask('/4')).toBe('404');
    expect(calls.slice(3)).toEqual(['1 asked', '2 asked', '3 asked']);
  });

  test('may be emitted anew by the program', async () => {
    const shared = new SharedServer(scope());
    const late = createServer();
    const other = new SharedServer(scope(), late);
    for (const put of [a, b]) put(other);
    shared.http.on('upgrade', (...args: Upgrade) =>
      setImmediate(() => late.emit('upgrade', ...args)),
    );
    shared.taken.push('seen by the other http server');
    expect(await shared.ask('/b')).toBe('seen by the other http server');
    expect(other.taken).toEqual(['b /b']);
  });

  test('a client that is gone while servers are asked leaves nothing behind', async () => {
    const caught = uncaught(scope());
    const shared = new SharedServer(scope());
    let answer: (isOurs: boolean) => void = () => {};
    shared.add('first').shouldHandle = () => new Promise((resolve) => (answer = resolve));
    shared.add('second').shouldHandle = () => true;
    const { far } = shared.connect(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await turns();
    far.destroy(new Error('read ECONNRESET'));
    answer(false);
    await turns();
    expect([shared.taken, caught]).toEqual([[], []]);
  });
});

test("shouldHandle that throws or rejects: 500, 'callbackError' of its server; left alone beside a foreign listener", async () => {
  const failing: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ];
  for (const [, decide] of failing) {
    const shared = new SharedServer(scope());
    for (const put of [deciding('x', decide), a]) put(shared);
    expect(await shared.ask('/a')).toBe('500');
    expect(shared.errors).toEqual(['x mine']);
    foreign('f')(shared);
    expect(await shared.ask('/a')).toBe('left alone');
    expect(shared.errors).toEqual(['x mine', 'x mine']);
  }
});

describe('a path that is taken', () => {
  const code = 'WS6455_PATH_TAKEN';
  const path = (name: string): Arrange => server(name, { path: `/${name}` });
  test.each<[string, Arrange[], number]>([
    ['different paths', [a, b], 0],
    ['the same path', [a, path('a')], 1],
    ['a path behind all paths', [any, a], 1],
    ['all paths behind a path', [a, any], 0],
    ['all paths twice', [any, any], 1],
    ['the same path three times', [a, a, a], 2],
    ['a program that decides', [sync, sync, a, later], 0],
    ['a foreign listener', [foreign('f'), a, b], 0],
  ])('%s', async (_name, arrange, count) => {
    const shared = new SharedServer(scope());
    for (const put of arrange) put(shared);
    await turns();
    expect(warnings(code)).toHaveLength(count);
    for (const message of warnings(code)) {
      expect(message).toMatch(
        /^Two WebSocketServers of one http server claim (every path|the path \/a): /,
      );
    }
  });

  test('is free again when its server is closed, and on other http servers', async () => {
    const shared = new SharedServer(scope());
    shared.add('a', { path: '/a' }).close();
    a(shared);
    a(new SharedServer(scope()));
    await turns();
    expect(warnings(code)).toEqual([]);
  });
});

describe('handleUpgrade for a socket that is taken', () => {
  test('by the program itself, twice: an exception, also while the first is not decided', async () => {
    const shared = new SharedServer(scope());
    const thrown: unknown[] = [];
    const options = {
      server: undefined,
      noServer: true,
      verifyClient: () => new Promise(() => {}),
    };
    const wss = shared.add('x', options);
    shared.http.on('upgrade', (...args: Upgrade) => {
      wss.handleUpgrade(...args, () => {});
      try {
        wss.handleUpgrade(...args, () => {});
      } catch (error) {
        thrown.push((error as Error).message);
      }
    });
    await shared.ask('/x');
    expect(thrown).toEqual([
      'server.handleUpgrade() was called more than once with the same socket, ' +
        'possibly due to a misconfiguration',
    ]);
    wss.close();
  });

  test('by an attached server: no exception, since a client would cause it', async () => {
    const caught = uncaught(scope());
    const shared = new SharedServer(scope());
    for (const put of [any, foreign('f', isF)]) put(shared);
    for (let i = 0; i < 2; i++) expect(await shared.ask('/f')).toBe('any /f');
    expect(caught).toEqual([]);
  });
});

test('servers share an https server as well', async () => {
  const pem = (name: string) =>
    readFileSync(join(__dirname, `../../support/tls/localhost-${name}.pem`), 'utf8');
  const https = createSecureServer({ cert: pem('cert'), key: pem('key') });
  const shared = new SharedServer(scope(), https);
  for (const put of [a, later]) put(shared);
  const port = await scope().listen(https);
  for (const path of ['/later', '/a', '/c']) {
    const url = `wss://localhost:${port}${path}`;
    const ws = scope().track(new WebSocket(url, { rejectUnauthorized: false }));
    await until(() => ws.readyState !== WebSocket.CONNECTING, 'the answer');
  }
  expect(shared.taken).toEqual(['later /later', 'a /a']);
});
