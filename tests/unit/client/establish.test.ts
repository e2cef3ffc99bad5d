/** The client's opening handshake: addresses, the request, what becomes of responses. */

import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, type ClientRequest, createServer, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import type { WireEnd } from '../../support/duplex-pair.js';
import { frame } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { clientsIn, settled } from '../../support/memory-client.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import {
  type ClientOptions,
  next,
  recordEvents,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();

const clock = useClock();

const connect = clientsIn(scope);

const HERE = 'ws://server.example.com/chat';

describe('an address', () => {
  test.each([
    ['ws://server.example.com', 'server.example.com', 80, '/', 'server.example.com'],
    [
      'ws://server.example.com:81/a/b?c=d',
      'server.example.com',
      81,
      '/a/b?c=d',
      'server.example.com:81',
    ],
    ['http://server.example.com:443/', 'server.example.com', 443, '/', 'server.example.com:443'],
    ['wss://server.example.com/x', 'server.example.com', 443, '/x', 'server.example.com'],
    ['https://server.example.com:80/', 'server.example.com', 80, '/', 'server.example.com:80'],
    ['ws://127.0.0.1:9/', '127.0.0.1', 9, '/', '127.0.0.1:9'],
    ['ws://[::1]:9/', '::1', 9, '/', '[::1]:9'],
    [
      'ws://server.example.com/a b?ä',
      'server.example.com',
      80,
      '/a%20b?%C3%A4',
      'server.example.com',
    ],
  ])('%s', async (url, host, port, target, field) => {
    const { connections, request } = connect(url);
    const { startLine, all } = await request();
    expect(startLine).toBe(`GET ${target} HTTP/1.1`);
    expect(all('host')).toEqual([field]);
    expect(connections[0]?.to.host).toBe(host);
    expect(Number(connections[0]?.to.port)).toBe(port);
  });

  // Windows has named pipes instead, and no URL names them.
  const testOfPaths = process.platform === 'win32' ? test.skip : test;

  testOfPaths('of a local socket: its path, then the target behind a colon', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ws6455-'));
    const path = join(folder, 'server.sock');
    const http = createServer();
    const wss = serve(scope(), { server: http });
    scope().later(() => rmSync(folder, { recursive: true }));
    await new Promise<void>((done) => http.listen(path, done));
    scope().later(() => new Promise((done) => http.close(done)));
    expect(wss.address()).toBe(path);
    const targets: (string | undefined)[] = [];
    wss.on('connection', (_ws: WebSocketInstance, request: IncomingMessage) =>
      targets.push(request.url),
    );
    for (const behind of ['', ':', ':/', ':/a?b=c', ':/a:b']) {
      const ws = scope().track(new WebSocket(`ws+unix:${path}${behind}`));
      await next(ws, 'open');
      ws.terminate();
    }
    expect(targets).toEqual(['/', '/', '/', '/a?b=c', '/a:b']);
  });

  test('with credentials asks with Basic authentication, decoded', async () => {
    const { request } = connect('ws://us%3Aer:p%40ss@server.example.com/');
    const encoded = Buffer.from('us:er:p@ss').toString('base64');
    expect((await request()).all('authorization')).toEqual([`Basic ${encoded}`]);
  });

  test('with credentials goes before the option auth', async () => {
    const { request } = connect('ws://a:b@server.example.com/', { auth: 'c:d' });
    expect((await request()).all('authorization')).toEqual([`Basic ${btoa('a:b')}`]);
  });

  test('without credentials leaves the option auth', async () => {
    const { request } = connect(HERE, { auth: 'c:d' });
    expect((await request()).all('authorization')).toEqual([`Basic ${btoa('c:d')}`]);
  });
});

describe('the request', () => {
  // RFC 6455 §4.1: what a client sends.
  test('has the fields of the handshake, in an order that servers know', async () => {
    const headers = { 'X-First': '1' };
    const { request } = connect(HERE, { headers, origin: 'http://example.com' }, ['a', 'b']);
    const { fields } = await request();
    expect(fields.map(([name]) => name)).toEqual([
      'X-First',
      'Sec-WebSocket-Version',
      'Sec-WebSocket-Key',
      'Connection',
      'Upgrade',
      'Sec-WebSocket-Protocol',
      'Origin',
      'Host',
    ]);
    const values = Object.fromEntries(fields);
    expect(values).toMatchObject({
      'Sec-WebSocket-Version': '13',
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      Origin: 'http://example.com',
    });
    expect(values['Sec-WebSocket-Protocol']).toMatch(/^a, ?b$/);
    expect(Buffer.from(values['Sec-WebSocket-Key'] ?? '', 'base64')).toHaveLength(16);
  });

  test('has another key each time', async () => {
    const keys = new Set<string>();
    for (let i = 0; i < 20; i++) keys.add(keyOf(await connect(HERE).request()));
    expect(keys.size).toBe(20);
  });

  test('cannot be turned into something else by options', async () => {
    const { request, connections } = connect('ws://server.example.com:81/chat', {
      host: 'other.example.com',
      hostname: 'other.example.com',
      port: 99,
      path: '/other',
      method: 'POST',
      protocol: 'https:',
      socketPath: '/tmp/other',
      timeout: 1,
      headers: { Connection: 'close', Upgrade: 'other', 'Sec-WebSocket-Version': '12' },
    });
    const { startLine, all } = await request();
    expect(startLine).toBe('GET /chat HTTP/1.1');
    expect(all('host')).toEqual(['server.example.com:81']);
    expect(connections[0]?.to.host).toBe('server.example.com');
    expect(Number(connections[0]?.to.port)).toBe(81);
    expect([all('connection'), all('upgrade'), all('sec-websocket-version')]).toEqual([
      ['Upgrade'],
      ['websocket'],
      ['13'],
    ]);
  });

  test('takes further fields, several lines of one too', async () => {
    const { request } = connect(HERE, {
      headers: { Cookie: 'a=b', 'X-Many': ['1', '2'], Host: 'h' },
    });
    const { all } = await request();
    expect([all('cookie'), all('x-many'), all('host')]).toEqual([['a=b'], ['1', '2'], ['h']]);
  });

  test.each([undefined, ''])('has no Origin for %p', async (origin) => {
    const { request } = connect(HERE, { origin });
    expect((await request()).all('origin')).toEqual([]);
  });

  test.each([
    ['a header', { headers: { 'X-A': 'b\r\nX-C: d' } }],
    ['the origin', { origin: 'http://a\r\nX-C: d' }],
  ])('is not broken by line ends in %s: the constructor throws', (_, options) => {
    expect(() => connect(HERE, options)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_CHAR' }),
    );
  });

  test('goes to the port of the scheme; defaultPort says only what Host leaves out', async () => {
    const { request, connections } = connect(HERE, { defaultPort: 8080 });
    expect((await request()).all('host')).toEqual(['server.example.com:80']);
    expect(Number(connections[0]?.to.port)).toBe(80);
    const other = connect('ws://server.example.com:8080/', { defaultPort: 8080 });
    expect((await other.request()).all('host')).toEqual(['server.example.com']);
  });

  test('goes through the agent that is given', async () => {
    class Mine extends Agent {
      asked = 0;
      override createConnection(...args: Parameters<Agent['createConnection']>) {
        this.asked++;
        return super.createConnection(...args);
      }
    }
    const http = createServer();
    serve(scope(), { server: http });
    const port = await scope().listen(http);
    const agent = new Mine();
    scope().later(() => agent.destroy());
    const createConnection = undefined;
    const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}`, { agent, createConnection }));
    await next(ws, 'open');
    expect(agent.asked).toBe(1);
  });

  test('is finished by finishRequest, which must call end()', async () => {
    const seen: unknown[] = [];
    const finishRequest = (request: ClientRequest, websocket: unknown): void => {
      seen.push(websocket);
      request.setHeader('X-Late', 'yes');
      setImmediate(() => request.end());
    };
    const { ws, request } = connect(HERE, { finishRequest });
    expect((await request()).all('x-late')).toEqual(['yes']);
    expect(seen).toEqual([ws]);
  });

  test('is not sent before finishRequest ends it', async () => {
    const { connections } = connect(HERE, { finishRequest: () => {} });
    await turns();
    expect(connections[0]?.inbox.peek() ?? Buffer.alloc(0)).toHaveLength(0);
  });
});

describe('the answer', () => {
  test("is shown by 'upgrade' before 'open'", async () => {
    const { ws, events, answer } = connect(HERE);
    const responses: IncomingMessage[] = [];
    ws.on('upgrade', (response: IncomingMessage) => {
      expect(ws.readyState).toBe(WebSocket.CONNECTING);
      expect(events).toEqual([]);
      responses.push(response);
    });
    await answer((key) => upgradeResponse(key, 'Set-Cookie: a=b'));
    expect(await settled(events)).toEqual(['open']);
    expect(responses.map(({ statusCode, headers }) => [statusCode, headers['set-cookie']])).toEqual(
      [[101, ['a=b']]],
    );
  });

  test("may have frames right behind it: 'open', then 'message'", async () => {
    const { events, connections, request } = connect(HERE);
    const key = keyOf(await request());
    const bytes = [
      Buffer.from(upgradeResponse(key)),
      frame({ payload: 'a' }),
      frame({ payload: 'b' }),
    ];
    connections[0]?.wire.write(Buffer.concat(bytes));
    expect(await settled(events, 3)).toEqual(['open', 'message a', 'message b']);
  });

  test('chooses the subprotocol', async () => {
    const { ws, events, answer } = connect(HERE, {}, ['a', 'b']);
    await answer((key) => upgradeResponse(key, 'Sec-WebSocket-Protocol: b'));
    await settled(events);
    expect(ws.protocol).toBe('b');
  });

  const without = (name: string) => (key: string) =>
    upgradeResponse(key).replace(new RegExp(`${name}: .*\r\n`), '');
  test.each<[string, (key: string) => string, string[] | undefined]>([
    [
      'Invalid Upgrade header',
      (key) => upgradeResponse(key).replace('websocket', 'other'),
      undefined,
    ],
    ['Invalid Sec-WebSocket-Accept header', without('Sec-WebSocket-Accept'), undefined],
    ['Invalid Sec-WebSocket-Accept header', () => upgradeResponse('x'), undefined],
    [
      'Server sent a subprotocol but none was requested',
      (key) => upgradeResponse(key, 'Sec-WebSocket-Protocol: a'),
      undefined,
    ],
    [
      'Server sent an invalid subprotocol',
      (key) => upgradeResponse(key, 'Sec-WebSocket-Protocol: b'),
      ['a'],
    ],
    ['Server sent no subprotocol', (key) => upgradeResponse(key), ['a']],
    [
      'Server sent a Sec-WebSocket-Extensions header but no extension was requested',
      (key) => upgradeResponse(key, 'Sec-WebSocket-Extensions: foo'),
      undefined,
    ],
    [
      'Unexpected server response: 200',
      () => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      undefined,
    ],
    [
      'Unexpected server response: 302',
      () => 'HTTP/1.1 302 Found\r\nLocation: ws://a/\r\nContent-Length: 0\r\n\r\n',
      undefined,
    ],
  ])("%s: 'error', then 'close' 1006", async (message, make, protocols) => {
    const { ws, events, connections, answer } = connect(HERE, {}, protocols);
    const errors: Error[] = [];
    ws.on('error', (error) => errors.push(error));
    await answer(make);
    expect(await settled(events, 2)).toEqual([`error ${message}`, 'close 1006']);
    expect(ws.readyState).toBe(WebSocket.CLOSED);
    await until(() => connections[0]?.inbox.ended === true, 'the client to close the connection');
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors[0]).toMatchObject({ message });
  });

  test.each([
    [401, 'WS_ERR_UNEXPECTED_RESPONSE', 401],
    [101, 'WS_ERR_INVALID_ACCEPT', 101],
  ])('%i: its error has a code and a status', async (status, code, expected) => {
    const { ws, events, answer } = connect(HERE);
    const errors: Error[] = [];
    ws.on('error', (error) => errors.push(error));
    const refusal = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n';
    await answer(() => (status === 401 ? refusal : upgradeResponse('x')));
    await settled(events, 2);
    expect(errors).toEqual([expect.any(WebSocket.HandshakeError)]);
    expect(errors[0]).toMatchObject({ code, status: expected });
  });

  test('that never comes: the error of the wire, then 1006', async () => {
    const { ws, events, connections, request } = connect(HERE);
    const errors: NodeJS.ErrnoException[] = [];
    ws.on('error', (error) => errors.push(error));
    await request();
    connections[0]?.wire.destroy();
    await settled(events, 2);
    expect(errors.map(({ code }) => code)).toEqual(['ECONNRESET']);
    expect(events[1]).toBe('close 1006');
  });

  test('of a port where nobody listens: ECONNREFUSED, then 1006', async () => {
    const tcp = createTcpServer();
    const port = await scope().listen(tcp);
    await new Promise((done) => tcp.close(done));
    const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    const events = recordEvents(ws);
    const errors: NodeJS.ErrnoException[] = [];
    ws.on('error', (error) => errors.push(error));
    await settled(events, 2);
    expect(errors.map(({ code }) => code)).toEqual(['ECONNREFUSED']);
    expect(events[1]).toBe('close 1006');
    ws.send('x', () => {});
    expect(ws.bufferedAmount).toBe(1);
  });

  test('a signal that is aborted ends it', async () => {
    const controller = new AbortController();
    const { ws, events, request } = connect(HERE, { signal: controller.signal });
    await request();
    controller.abort();
    await settled(events, 2);
    expect(events[1]).toBe('close 1006');
    expect(ws.readyState).toBe(WebSocket.CLOSED);
  });

  test("an 'unexpected-response' listener has the response, and no 'error' comes", async () => {
    const { ws, events, answer } = connect(HERE);
    const bodies: string[] = [];
    ws.on('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
      expect(response.statusCode).toBe(403);
      expect(typeof request.destroy).toBe('function');
      response.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
    });
    await answer(() => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    await until(() => bodies.length > 0, 'the body');
    await turns();
    expect(bodies).toEqual(['no']);
    expect(events).toEqual([]);
    expect(ws.readyState).toBe(WebSocket.CONNECTING);
    ws.close();
    expect(await settled(events, 2)).toEqual([
      'error WebSocket was closed before the connection was established',
      'close 1006',
    ]);
  });

  test("an 'unexpected-response' listener may destroy the request", async () => {
    const { ws, events, answer } = connect(HERE);
    ws.on('unexpected-response', (request: ClientRequest) => request.destroy(new Error('no')));
    await answer(() => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\n');
    await turns();
    ws.terminate();
    expect((await settled(events, 2)).at(-1)).toBe('close 1006');
    expect(events).toHaveLength(2);
  });
});

describe('handshakeTimeout', () => {
  test('is one deadline, whatever comes meanwhile', async () => {
    clock.stop();
    const { events, connections, request } = connect(HERE, { handshakeTimeout: 1000 });
    await request();
    for (let i = 0; i < 9; i++) {
      clock.advance(100);
      connections[0]?.wire.write('HTTP/1.1 '.charAt(i));
      await turns(2);
    }
    expect(events).toEqual([]);
    clock.advance(100);
    expect(await settled(events, 2)).toEqual([
      'error Opening handshake has timed out',
      'close 1006',
    ]);
    expect(clock.timerCount).toBe(0);
  });

  test('is over with the handshake', async () => {
    clock.stop();
    const { events, answer } = connect(HERE, { handshakeTimeout: 1000 });
    await answer(upgradeResponse);
    await settled(events);
    clock.advance(10_000);
    await turns();
    expect(events).toEqual(['open']);
  });
});

describe('a listener of the handshake that throws', () => {
  const mine = new Error('mine');
  const thrower = () => {
    throw mine;
  };

  test("of 'upgrade': it surfaces, 'error' and 'close' come, TCP is closed", async () => {
    const { ws, events, connections, answer } = connect(HERE);
    ws.on('upgrade', thrower);
    await expect(answer(upgradeResponse)).rejects.toBe(mine);
    await settled(events, 2);
    expect(events).toEqual([expect.stringMatching(/^error .*closed before/), 'close 1006']);
    await until(() => connections[0]?.wire.readableEnded === true, 'the end of TCP');
  });

  test("of 'redirect': it is not taken for the server's fault", async () => {
    const { ws, events, answer } = connect(HERE, { followRedirects: true });
    ws.on('redirect', thrower);
    const redirect = () => 'HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n';
    await expect(answer(redirect)).rejects.toBe(mine);
    await settled(events, 2);
    expect(events).toEqual([expect.stringMatching(/^error .*closed before/), 'close 1006']);
  });

  test('finishRequest of the first request: the constructor throws it, nothing is left', async () => {
    const wires: WireEnd[] = [];
    const createConnection = () => {
      const [near, far] = scope().wire();
      wires.push(far.resume());
      return near;
    };
    const options = { createConnection, finishRequest: thrower } as ClientOptions;
    expect(() => new WebSocket(HERE, options)).toThrow(mine);
    await turns();
    expect(wires.every((wire) => wire.readableEnded || wire.destroyed)).toBe(true);
  });
});

test('a time that no timer can hold is as long as one can hold', async () => {
  const { events, answer } = connect(HERE, { handshakeTimeout: Number.POSITIVE_INFINITY });
  await answer(upgradeResponse);
  expect(await settled(events)).toEqual(['open']);
});
