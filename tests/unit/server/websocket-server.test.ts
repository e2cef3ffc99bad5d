/** The server: options, opening handshakes, `clients`, and how it closes. */

import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import type { WireEnd } from '../../support/duplex-pair.js';
import {
  attend,
  type Face,
  type FaceServer,
  type FaceServerOptions,
  frameFor,
  hall,
  type Loose,
  meet,
  next,
  serve,
  uncaught,
} from '../../support/faces.js';
import { OPCODE, readFrames } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import {
  type RequestParts,
  SAMPLE_ACCEPT,
  SAMPLE_KEY,
  upgradeRequest,
} from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const { WebSocketServer } = WebSocket;

type Upgrade = [request: IncomingMessage, socket: Duplex, head: Buffer];

/** A WebSocketServer that nothing is attached to. */
const detached = (options: Loose = {}): FaceServer =>
  serve(scope(), { noServer: true, ...options });

/** A caller of an http server in memory: the wire and what comes out of it. */
function call(http: HttpServer, bytes: string): { wire: WireEnd; far: WireEnd; inbox: Inbox } {
  const [wire, far] = scope().wire();
  const inbox = new Inbox(wire);
  http.emit('connection', far);
  wire.write(bytes);
  return { wire, far, inbox };
}

/** A server in memory and what callers are answered. */
function house(options: Loose = {}) {
  const http = createServer();
  const wss = serve(scope(), { server: http, ...options });
  const connections: [Face, IncomingMessage][] = [];
  wss.on('connection', (ws: Face, request: IncomingMessage) => connections.push([ws, request]));
  const ask = (parts: RequestParts = {}) => call(http, upgradeRequest(parts));
  const answer = async (parts: RequestParts = {}) => ask(parts).inbox.message();
  return { http, wss, connections, ask, answer };
}

/** An opening handshake request as node's http server hands it out. */
async function upgrade(parts: RequestParts = {}): Promise<Upgrade & { inbox?: Inbox }> {
  const http = createServer();
  const upgrades: Upgrade[] = [];
  http.on('upgrade', (...args: Upgrade) => upgrades.push(args));
  const { inbox } = call(http, upgradeRequest(parts));
  await until(() => upgrades.length > 0, "'upgrade'");
  const [args] = upgrades;
  if (args === undefined) throw new Error('no upgrade');
  return Object.assign(args, { inbox });
}

async function closing(wss: FaceServer): Promise<(Error | undefined)[]> {
  const given: (Error | undefined)[] = [];
  wss.close((error) => given.push(error));
  await until(() => given.length > 0, 'the callback of close()');
  return given;
}

describe('the constructor', () => {
  const http = createServer();
  test.each([
    [undefined],
    [{}],
    [{ port: undefined, server: undefined, noServer: undefined }],
    [{ port: null, server: null, noServer: false }],
    [{ port: 0, server: http }],
    [{ port: 0, noServer: true }],
    [{ server: http, noServer: true }],
    [{ port: 0, server: http, noServer: true }],
  ])('refuses %p with a TypeError', (options) => {
    const message =
      'One and only one of the "port", "server", or "noServer" options must be specified';
    expect(() => new WebSocketServer(options as FaceServerOptions)).toThrow(new TypeError(message));
    expect(http.listenerCount('upgrade')).toBe(0);
  });

  test('fills in the defaults', () => {
    expect(detached().options).toMatchObject({
      allowSynchronousEvents: true,
      autoPong: true,
      maxPayload: 104_857_600,
      skipUTF8Validation: false,
      perMessageDeflate: false,
      handleProtocols: null,
      verifyClient: null,
      clientTracking: true,
      noServer: true,
      closeTimeout: 30_000,
      server: null,
      host: null,
      path: null,
      port: null,
      backlog: null,
      WebSocket,
    });
  });

  test('keeps options of others, and takes undefined for the default', () => {
    const wss = detached({ mine: 1, maxPayload: undefined, clientTracking: undefined });
    expect(wss.options).toMatchObject({ mine: 1, maxPayload: 104_857_600 });
    expect(wss.clients).toBeInstanceOf(Set);
  });

  test("leaves the caller's options as they are", () => {
    const options = Object.freeze({ noServer: true, path: '/a' });
    expect(detached(options).options).not.toBe(options);
  });

  test('has no clients with clientTracking: false', () => {
    expect(detached({ clientTracking: false }).clients).toBeUndefined();
    expect('clients' in detached({ clientTracking: false })).toBe(false);
  });
});

describe('with a port', () => {
  test("listens; the callback and 'listening' are called, in a later tick", async () => {
    const seen: string[] = [];
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => seen.push('callback'));
    scope().later(() => wss.close());
    wss.on('listening', () => seen.push('listening'));
    expect(seen).toEqual([]);
    await until(() => seen.length === 2, "'listening'");
    expect(seen.sort()).toEqual(['callback', 'listening']);
    expect(wss.address()).toMatchObject({ address: '127.0.0.1', port: expect.any(Number) });
    await closing(wss);
    expect(wss.address()).toBeNull();
  });

  test('accepts clients, and answers other requests with 426', async () => {
    const wss = serve(scope(), { port: 0, host: '127.0.0.1' });
    await next(wss, 'listening');
    const { port } = wss.address() as AddressInfo;
    const connection = next<[Face, IncomingMessage]>(wss, 'connection');
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}/a`));
    const [ws, request] = await connection;
    expect(request.url).toBe('/a');
    expect(wss.clients.has(ws)).toBe(true);
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([response.status, await response.text()]).toEqual([426, 'Upgrade Required']);
    client.terminate();
    await until(() => wss.clients.size === 0, 'the client to be forgotten');
  });

  test("tells a port that is taken by 'error': EADDRINUSE", async () => {
    const tcp = createTcpServer();
    const port = await scope().listen(tcp);
    const seen: string[] = [];
    const options = { port, host: '127.0.0.1' };
    const wss = new WebSocketServer(options, () => seen.push('callback'));
    wss.on('listening', () => seen.push('listening'));
    const [error] = await next<[NodeJS.ErrnoException]>(wss, 'error');
    expect(error.code).toBe('EADDRINUSE');
    expect(seen).toEqual([]);
    expect(wss.address()).toBeNull();
    expect(await closing(wss)).toEqual([undefined]);
  });

  test('accepts every address by default', async () => {
    const wss = serve(scope(), { port: 0 });
    await next(wss, 'listening');
    const { port, address } = wss.address() as AddressInfo;
    expect(['::', '0.0.0.0']).toContain(address);
    const client = scope().track(new WebSocket(`ws://localhost:${port}`));
    await next(client, 'open');
  });
});

describe('with a server', () => {
  test('uses it: three listeners, no others', async () => {
    const http = createServer();
    const names = [
      'listening',
      'error',
      'upgrade',
      'connection',
      'request',
      'close',
      'clientError',
    ];
    const count = () => names.map((name) => http.listenerCount(name));
    const before = count();
    const wss = new WebSocketServer({ server: http });
    expect(count().map((now, i) => now - (before[i] ?? 0))).toEqual([1, 1, 1, 0, 0, 0, 0]);
    await closing(wss);
    expect(count()).toEqual(before);
  });

  test("passes 'listening' and 'error' on, and its address", async () => {
    const { http, wss } = house();
    const events: string[] = [];
    wss.on('listening', () => events.push('listening'));
    wss.on('error', (error: Error) => events.push(error.message));
    expect(wss.address()).toBeNull();
    await scope().listen(http);
    expect(wss.address()).toEqual(http.address());
    http.emit('error', new Error('mine'));
    expect(events).toEqual(['listening', 'mine']);
  });

  test('does not use the callback, which belongs to a port', async () => {
    const http = createServer();
    let called = false;
    const wss = new WebSocketServer({ server: http }, () => {
      called = true;
    });
    await scope().listen(http);
    await closing(wss);
    expect(called).toBe(false);
  });

  test('leaves other requests to it', async () => {
    const { http } = house();
    http.on('request', (_request, response) => response.end('mine'));
    const port = await scope().listen(http);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('mine');
  });
});

describe('without a server', () => {
  test('address() throws', () => {
    const error = new Error('The server is operating in "noServer" mode');
    expect(() => detached().address()).toThrow(error);
  });

  test("handleUpgrade hands out (ws, request) and emits no 'connection'", async () => {
    const wss = detached();
    const connections: unknown[] = [];
    wss.on('connection', (...args: unknown[]) => connections.push(args));
    const [request, socket, head] = await upgrade();
    const given: unknown[][] = [];
    wss.handleUpgrade(request, socket, head, (...args: unknown[]) => {
      given.push(args);
      setImmediate(() => args.length === 2 && (args[0] as Face).terminate());
    });
    expect(given).toEqual([[expect.any(WebSocket), request]]);
    expect(connections).toEqual([]);
    expect(wss.clients.size).toBe(1);
    await until(() => wss.clients.size === 0, 'the client to be forgotten');
  });

  test("a program emits 'connection' with what it likes", async () => {
    const wss = detached();
    const seen: unknown[][] = [];
    wss.on('connection', (...args: unknown[]) => seen.push(args));
    const [request, socket, head] = await upgrade();
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request, 'user'));
    expect(seen).toEqual([[expect.any(WebSocket), request, 'user']]);
  });

  test('the bytes behind the request are delivered after the callback', async () => {
    const wss = detached();
    const [request, socket] = await upgrade();
    const head = Buffer.concat(['a', 'b'].map((payload) => frameFor('server', { payload })));
    const events: string[] = [];
    wss.handleUpgrade(request, socket, head, (ws) => {
      wss.emit('connection', ws, request);
      events.push('callback');
      ws.on('message', (data) => events.push(String(data)));
    });
    expect(events).toEqual(['callback']);
    await until(() => events.length === 3, 'the messages');
    expect(events).toEqual(['callback', 'a', 'b']);
  });

  test('a socket that was given before is refused with an Error, the first one lives', async () => {
    const [wss, other] = [detached(), detached()];
    const [request, socket, head] = await upgrade();
    const given: Face[] = [];
    wss.handleUpgrade(request, socket, head, (ws) => {
      wss.emit('connection', ws, request);
      given.push(ws);
    });
    const message =
      'server.handleUpgrade() was called more than once with the same socket, ' +
      'possibly due to a misconfiguration';
    for (const again of [wss, other]) {
      expect(() => again.handleUpgrade(request, socket, head, (ws) => given.push(ws))).toThrow(
        new Error(message),
      );
    }
    await turns();
    expect(given).toHaveLength(1);
    expect(given[0]?.readyState).toBe(WebSocket.OPEN);
    expect(socket.destroyed).toBe(false);
  });

  test('a socket that is gone is dropped in silence', async () => {
    const wss = detached();
    const [request, socket, head] = await upgrade();
    socket.destroy();
    let called = false;
    wss.handleUpgrade(request, socket, head, () => {
      called = true;
    });
    await turns();
    expect(called).toBe(false);
    expect(wss.clients.size).toBe(0);
  });

  test('a socket whose client has ended is dropped', async () => {
    const wss = detached();
    const [request, socket, head] = await upgrade();
    socket.push(null);
    socket.resume();
    await turns();
    let called = false;
    wss.handleUpgrade(request, socket, head, () => {
      called = true;
    });
    expect(called).toBe(false);
    expect(socket.destroyed).toBe(true);
  });

  test('an error of the socket is no exception, before and after the handshake', async () => {
    const wss = detached();
    const [request, socket, head] = await upgrade();
    const given: Face[] = [];
    wss.options.verifyClient = (_info, callback) => {
      socket.emit('error', new Error('early'));
      callback(true);
    };
    wss.handleUpgrade(request, socket, head, (ws) => given.push(ws));
    for (const ws of given) wss.emit('connection', ws, request);
    socket.destroy(new Error('late'));
    await turns();
    expect(wss.clients.size).toBe(0);
  });
});

// What @fastify/websocket's injectWS does: a request made by hand, a stream of streams.
describe('a request that is a plain object, on any Duplex', () => {
  class Stream extends Duplex {
    constructor(
      readonly from: PassThrough,
      readonly to: PassThrough,
    ) {
      super();
      from.on('data', (chunk) => this.push(chunk));
      from.on('end', () => this.push(null));
    }
    override _read(): void {}
    override _write(chunk: Buffer, encoding: BufferEncoding, done: () => void): void {
      this.to.write(chunk, encoding);
      done();
    }
    override _final(done: () => void): void {
      this.to.end();
      done();
    }
  }

  test('becomes a connection, and both ends talk', async () => {
    const wss = detached();
    const [up, down] = [new PassThrough(), new PassThrough()];
    const [near, far] = [new Stream(down, up), new Stream(up, down)];
    const request = {
      method: 'GET',
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': 13,
        'sec-websocket-key': SAMPLE_KEY,
      },
      httpVersion: '1.1',
      url: '/',
      [Symbol('x')]: true,
    };
    const heads: string[] = [];
    near.once('data', (chunk: Buffer) => heads.push(String(chunk)));
    const given: Face[] = [];
    wss.handleUpgrade(request as unknown as IncomingMessage, far, Buffer.alloc(0), (ws, of) => {
      expect(of).toBe(request);
      wss.emit('connection', ws, of);
      given.push(ws);
    });
    const [ws] = given;
    if (ws === undefined) throw new Error('no connection');
    await until(() => heads.length > 0, 'the answer');
    expect(heads[0]).toContain(SAMPLE_ACCEPT);
    const client = new WebSocket(null, undefined, { isServer: false }) as WebSocket.Unconnected;
    if ('_isServer' in client) Object.assign(client, { _isServer: false });
    client.setSocket(near, Buffer.alloc(0), { maxPayload: 0 });
    const events = [attend(client), attend(ws)] as const;
    client.send('to the server');
    ws.send('to the client');
    client.ping('p');
    await until(() => events.flat().length >= 4, 'the messages');
    client.close(1000, 'bye');
    await until(() => ws.readyState + client.readyState === 6, "'close' on both sides");
    expect(events).toEqual([
      ['message to the client', 'pong p', 'close 1000 bye'],
      ['message to the server', 'ping p', 'close 1000 bye'],
    ]);
  });
});

describe('the answer', () => {
  // RFC 6455 §4.2.2 item 5: what accepts an opening handshake.
  test('has these lines, in this order', async () => {
    const { ask } = house();
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
    const { wss, answer } = house();
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
      const { wss, answer, connections } = house();
      wss.on('callbackError', () => {});
      wss.on('headers', (headers: string[]) => headers.push(line));
      expect((await answer()).status).toBe(500);
      expect(connections).toHaveLength(0);
    },
  );

  test('leaves before anything that is sent', async () => {
    const { wss, ask } = house();
    wss.on('connection', (ws: Face) => ws.send('welcome'));
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
    const { answer } = house({ path: '/a' });
    expect((await answer({ target })).status).toBe(status);
  });

  test('may be changed at any time', async () => {
    const { wss, answer } = house({ path: '/a' });
    wss.options.path = '/b';
    expect((await answer({ target: '/b' })).status).toBe(101);
    Object.assign(wss.options, { path: null });
    expect((await answer({ target: '/c' })).status).toBe(101);
  });

  test('shouldHandle may be assigned; false is answered 400', async () => {
    const { wss, answer } = house();
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

describe('subclasses and replaced methods', () => {
  test('a subclass may override shouldHandle, handleUpgrade and address', async () => {
    const calls: string[] = [];
    class Mine extends WebSocketServer {
      override shouldHandle(request: IncomingMessage): boolean | Promise<boolean> {
        calls.push('shouldHandle');
        return super.shouldHandle(request);
      }
      override handleUpgrade(...args: Parameters<FaceServer['handleUpgrade']>): void {
        calls.push('handleUpgrade');
        super.handleUpgrade(...args);
      }
      override address(): string {
        return 'mine';
      }
    }
    const http = createServer();
    const wss = new Mine({ server: http });
    const connection = next<[Face]>(wss, 'connection');
    const { inbox } = call(http, upgradeRequest());
    expect((await inbox.message()).status).toBe(101);
    const [ws] = await connection;
    expect(calls).toEqual(['handleUpgrade', 'shouldHandle']);
    expect(wss.address()).toBe('mine');
    ws.terminate();
    await closing(wss);
  });

  test('methods may be assigned', async () => {
    const { wss, answer, connections } = house();
    const own = wss.handleUpgrade.bind(wss);
    let calls = 0;
    wss.handleUpgrade = (...args) => {
      calls++;
      own?.(...args);
    };
    wss.address = () => 'mine';
    expect((await answer()).status).toBe(101);
    expect([calls, connections.length, wss.address()]).toEqual([1, 1, 'mine']);
  });

  test('completeUpgrade is called by handleUpgrade, with seven arguments', async () => {
    const { wss, answer } = house();
    const own = wss.completeUpgrade?.bind(wss);
    const seen: unknown[][] = [];
    wss.completeUpgrade = (...args) => {
      seen.push(args);
      own?.(...args);
    };
    expect((await answer({ add: [['Sec-WebSocket-Protocol', 'a']] })).status).toBe(101);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toHaveLength(7);
    expect(seen[0]?.slice(0, 3)).toEqual([expect.anything(), SAMPLE_KEY, new Set(['a'])]);
  });

  test('the option WebSocket says which class connections have', async () => {
    class Member extends WebSocket {
      room = 'lobby';
    }
    const { connections, answer } = house({ WebSocket: Member });
    await answer();
    expect(connections[0]?.[0]).toBeInstanceOf(Member);
    expect(connections[0]?.[0]).toMatchObject({ room: 'lobby', readyState: WebSocket.OPEN });
  });

  test('such a class is made with null, undefined and the options of the server', async () => {
    const seen: unknown[][] = [];
    class Member extends WebSocket {
      constructor(address: null, protocols: undefined, options: object) {
        super(address, protocols, options);
        seen.push([address, protocols, options]);
      }
    }
    const { wss, answer } = house({ WebSocket: Member });
    await answer();
    expect(seen).toEqual([[null, undefined, wss.options]]);
  });
});

describe('options', () => {
  test('are read at each handshake', async () => {
    const { wss, answer, connections } = house();
    const add: [string, string][] = [['Sec-WebSocket-Protocol', 'a, b']];
    wss.options.handleProtocols = () => 'b';
    expect((await answer({ add })).all('sec-websocket-protocol')).toEqual(['b']);
    wss.options.verifyClient = () => false;
    expect((await answer()).status).toBe(401);
    Object.assign(wss.options, { verifyClient: null });
    wss.options.maxPayload = 5;
    wss.options.autoPong = false;
    await answer();
    expect(connections).toHaveLength(2);
  });

  test.each([
    [5, 5, 1009],
    [5, 6, 1009],
    [0, 100_000, undefined],
    [Infinity, 100_000, undefined],
    [2 ** 32, 100_000, undefined],
  ])('maxPayload %i and a message of %i bytes', async (maxPayload, size, code) => {
    const { ws, client } = await meet(scope(), { maxPayload });
    const events = attend(ws);
    client.send('x'.repeat(size));
    await until(() => events.length > 0, 'an event');
    const fails = code !== undefined && size > maxPayload;
    const delivered = `message ${'x'.repeat(size)}`;
    expect(events[0]).toBe(fails ? 'error Max payload size exceeded' : delivered);
  });

  test('maxPayload may be changed between connections', async () => {
    const { http, dial } = hall(scope());
    const wss = serve(scope(), { server: http });
    wss.on('connection', (ws: Face) => ws.on('error', () => {}));
    const first = dial();
    await next(first, 'open');
    wss.options.maxPayload = 3;
    const second = dial();
    await next(second, 'open');
    const events = [attend(first), attend(second)] as const;
    for (const ws of [first, second]) {
      ws.send('abcd');
      ws.ping('p');
    }
    await until(() => events.flat().length > 1, 'the events');
    expect(events).toEqual([['pong p'], [expect.stringMatching(/^close 1009/)]]);
  });

  test('autoPong: false leaves Pings to the program', async () => {
    const { ws, client } = await meet(scope(), { autoPong: false });
    const events = [attend(ws), attend(client)] as const;
    client.ping('a');
    await until(() => events[0].length > 0, "'ping'");
    ws.pong('mine');
    await until(() => events[1].length > 0, "'pong'");
    expect(events).toEqual([['ping a'], ['pong mine']]);
  });

  test('skipUTF8Validation lets other bytes through as text', async () => {
    const { ws, client } = await meet(scope(), { skipUTF8Validation: true });
    const events = attend(ws);
    client.send(Buffer.from([0xff]), { binary: false });
    await until(() => events.length > 0, "'message'");
    expect(events).toEqual(['message \ufffd']);
  });

  test('closeTimeout is that of its connections', async () => {
    const { ask, connections } = house({ closeTimeout: 20 });
    ask();
    await until(() => connections.length > 0, "'connection'");
    const ws = connections[0]?.[0];
    if (ws === undefined) throw new Error('no connection');
    const events = attend(ws);
    ws.close();
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1006']);
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
    const { answer, connections } = house({ handleProtocols });
    expect((await answer({ add })).all('sec-websocket-protocol')).toEqual(['b']);
    expect(connections[0]?.[0].protocol).toBe('b');
    expect(seen).toEqual([[new Set(['a', 'b']), connections[0]?.[1]]]);
  });

  test.each([false, undefined, null, ''])('chooses none with %p', async (none) => {
    const { answer, connections } = house({ handleProtocols: () => none });
    const { status, all } = await answer({ add });
    expect([status, all('sec-websocket-protocol')]).toEqual([101, []]);
    expect(connections[0]?.[0].protocol).toBe('');
  });

  test('is not asked when the client asks for none', async () => {
    let calls = 0;
    const { answer, connections } = house({ handleProtocols: () => `${calls++}` });
    expect((await answer()).status).toBe(101);
    expect([calls, connections[0]?.[0].protocol]).toEqual([0, '']);
  });

  // RFC 6455 §4.2.2 item 5: the subprotocol is one of those that the client asked for.
  test.each(['c', 'a, b', 'a\r\nX: y', 'A'])('is answered 500 when it says %p', async (other) => {
    const { wss, answer, connections } = house({ handleProtocols: () => other });
    wss.on('callbackError', () => {});
    const { status, all } = await answer({ add });
    expect([status, all('x'), connections.length]).toEqual([500, [], 0]);
  });
});

describe('verifyClient', () => {
  type Answer = (result: unknown, code?: unknown, message?: unknown, headers?: unknown) => void;

  test('has origin, secure and req, in this order', async () => {
    const seen: Loose[] = [];
    const { answer } = house({ verifyClient: (info: Loose) => seen.push(info) });
    await answer({ add: [['Origin', 'http://example.com']] });
    await answer();
    expect(Object.keys(seen[0] ?? {})).toEqual(['origin', 'secure', 'req']);
    expect(seen[0]).toMatchObject({ origin: 'http://example.com', secure: false });
    expect(seen[0]?.['req']).toHaveProperty('url', '/chat');
    expect(seen[1]?.['origin']).toBeUndefined();
  });

  test.each([
    [true, 101],
    [1, 101],
    [false, 401],
    [undefined, 401],
    [0, 401],
  ])('that returns %p: %i', async (result, status) => {
    const { answer, connections } = house({ verifyClient: (_info: unknown) => result });
    const { status: answered, body } = await answer();
    expect(answered).toBe(status);
    if (status === 401) expect(String(body)).toBe('Unauthorized');
    expect(connections).toHaveLength(status === 101 ? 1 : 0);
  });

  test('with two parameters has a callback, to be called now or later', async () => {
    for (const later of [false, true]) {
      const { answer, connections } = house({
        verifyClient: (_info: unknown, callback: Answer) => {
          if (later) setImmediate(callback, true);
          else callback(true);
        },
      });
      expect((await answer()).status).toBe(101);
      expect(connections).toHaveLength(1);
    }
  });

  test.each<[string, unknown[], number, string]>([
    ['nothing more', [], 401, 'Unauthorized'],
    ['a code', [404], 404, 'Not Found'],
    ['a message', [403, 'go away'], 403, 'go away'],
    ['undefined for the code', [undefined, 'go away'], 401, 'go away'],
    ['null for everything', [null, null, null], 401, 'Unauthorized'],
    ['zero and an empty text', [0, ''], 401, 'Unauthorized'],
  ])('refuses with %s', async (_, rest, status, text) => {
    const { answer } = house({
      verifyClient: (_info: unknown, callback: Answer) => callback(false, ...rest),
    });
    const message = await answer();
    expect([message.status, String(message.body)]).toEqual([status, text]);
    expect(message.all('connection')).toEqual(['close']);
    expect(message.all('content-length')).toEqual([`${text.length}`]);
    expect(message.all('content-type')).toEqual(['text/html']);
  });

  test('refuses with header fields, which replace ours', async () => {
    const { ask } = house({
      verifyClient: (_info: unknown, callback: Answer) => {
        const fields = { 'Retry-After': 120, 'Content-Type': 'text/plain' };
        callback(false, 503, 'later', fields);
      },
    });
    const { status, all, body } = await ask().inbox.message();
    expect(status).toBe(503);
    expect(all('retry-after')).toEqual(['120']);
    expect(all('content-type')).toEqual(['text/plain']);
    expect(String(body)).toBe('later');
  });

  test.each<[string, unknown[]]>([
    ['a header value', [401, 'x', { A: 'b\r\nC: d' }]],
    ['a header name', [401, 'x', { 'A: b\r\nC': 'd' }]],
    ['a code that is none', [12345]],
  ])('cannot break the answer with %s: 500', async (_, rest) => {
    const { wss, answer } = house({
      verifyClient: (_info: unknown, callback: Answer) => callback(false, ...rest),
    });
    wss.on('callbackError', () => {});
    const { status, all } = await answer();
    expect([status, all('c')]).toEqual([500, []]);
  });

  test.each([true, false])('that answers twice is heard once (%p first)', async (first) => {
    const { ask, connections } = house({
      verifyClient: (_info: unknown, callback: Answer) => {
        callback(first);
        try {
          callback(!first);
        } catch {
          // `ws` throws here
        }
      },
    });
    const { inbox, wire } = ask();
    expect((await inbox.message()).status).toBe(first ? 101 : 401);
    await turns();
    expect(connections).toHaveLength(first ? 1 : 0);
    if (!first) return;
    const seen = next<[Buffer]>(connections[0]?.[0] as Face, 'message');
    wire.write(frameFor('server', { payload: 'alive' }));
    expect(String((await seen)[0])).toBe('alive');
    expect(inbox.peek()).toHaveLength(0);
    expect(inbox.ended).toBe(false);
  });

  test('that answers when the client is gone leaves nothing behind', async () => {
    for (const result of [true, false]) {
      const answers: Answer[] = [];
      const { ask, wss, connections } = house({
        verifyClient: (_info: unknown, callback: Answer) => answers.push(callback),
      });
      const { far } = ask();
      await until(() => answers.length > 0, 'verifyClient');
      far.destroy();
      await turns();
      const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      answers[0]?.(result);
      await turns();
      const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      expect([connections.length, wss.clients.size]).toEqual([0, 0]);
      expect(after).toBe(before);
    }
  });

  test('that answers when the server is closing: 503', async () => {
    const answers: Answer[] = [];
    const { ask, wss } = house({
      verifyClient: (_info: unknown, callback: Answer) => answers.push(callback),
    });
    const { inbox } = ask();
    await until(() => answers.length > 0, 'verifyClient');
    wss.close();
    answers[0]?.(true);
    expect((await inbox.message()).status).toBe(503);
  });

  test('that waits: bytes behind the request are delivered afterwards', async () => {
    const answers: Answer[] = [];
    const { ask, wss } = house({
      verifyClient: (_info: unknown, callback: Answer) => answers.push(callback),
    });
    const seen: string[] = [];
    wss.on('connection', (ws: Face) => ws.on('message', (data) => seen.push(String(data))));
    const { wire } = ask();
    wire.write(frameFor('server', { payload: 'a' }));
    await until(() => answers.length > 0, 'verifyClient');
    wire.write(frameFor('server', { payload: 'b' }));
    await turns();
    expect(seen).toEqual([]);
    answers[0]?.(true);
    await until(() => seen.length === 2, 'the messages');
    expect(seen).toEqual(['a', 'b']);
  });

  test('is not asked about a request that is refused anyway', async () => {
    let calls = 0;
    const { answer } = house({ path: '/a', verifyClient: () => ++calls > 0 });
    await answer({ target: '/b' });
    await answer({ target: '/a', set: { 'Sec-WebSocket-Key': 'x' } });
    expect(calls).toBe(0);
  });
});

describe("'wsClientError'", () => {
  test('has the error, the socket and the request, and answers itself', async () => {
    const { wss, ask } = house();
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
    const { wss, answer } = house({ path: '/a', verifyClient: () => false });
    let calls = 0;
    wss.on('wsClientError', () => calls++);
    expect((await answer({ target: '/b' })).status).toBe(404);
    expect((await answer({ target: '/a' })).status).toBe(401);
    expect(calls).toBe(0);
  });

  test('without a listener the client is answered', async () => {
    const { answer } = house();
    const { status, body, all } = await answer({ set: { 'Sec-WebSocket-Key': 'x' } });
    expect([status, String(body)]).toEqual([400, 'Missing or invalid Sec-WebSocket-Key header']);
    expect(all('connection')).toEqual(['close']);
  });
});

describe("a 'connection' listener that throws", () => {
  test('the exception surfaces, the connection is open and counted, the next one comes', async () => {
    const caught = uncaught(scope());
    const { wss, ask, connections } = house();
    const mine = new Error('mine');
    wss.once('connection', () => {
      throw mine;
    });
    const first = ask();
    expect((await first.inbox.message()).status).toBe(101);
    await turns();
    expect(caught).toEqual([mine]);
    expect(wss.clients.size).toBe(1);
    expect((await ask().inbox.message()).status).toBe(101);
    expect([wss.clients.size, connections.length]).toEqual([2, 2]);
    first.wire.end(frameFor('server', { opcode: OPCODE.CLOSE }));
    await until(() => wss.clients.size === 1, 'the client to be forgotten');
  });

  test("a 'close' listener that throws does not keep the client in `clients`", async () => {
    const caught = uncaught(scope());
    const { ws, wss, client } = await meet(scope());
    const mine = new Error('mine');
    ws.on('close', () => {
      throw mine;
    });
    client.terminate();
    await until(() => caught.length > 0, 'the exception');
    expect(caught).toEqual([mine]);
    expect(wss.clients.size).toBe(0);
  });
});

describe('clients', () => {
  test("holds the open ones; in their 'close' they are gone", async () => {
    const { ws, wss, client } = await meet(scope());
    expect([...wss.clients]).toEqual([ws]);
    const sizes: number[] = [];
    ws.on('close', () => sizes.push(wss.clients.size));
    client.close();
    await until(() => sizes.length > 0, "'close'");
    expect(sizes).toEqual([0]);
  });

  test('holds those that are closing', async () => {
    const { ask, connections, wss } = house();
    ask();
    await until(() => connections.length > 0, "'connection'");
    connections[0]?.[0].close();
    await turns();
    expect(wss.clients.size).toBe(1);
  });
});

describe('close()', () => {
  test('with a port: stops listening, tells the callback and "close" once, in a later tick', async () => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await next(wss, 'listening');
    const { port } = wss.address() as AddressInfo;
    const seen: unknown[] = [];
    wss.on('close', () => seen.push('close'));
    wss.close((error) => seen.push(error));
    expect(seen).toEqual([]);
    expect(wss.address()).toBeNull();
    await until(() => seen.length === 2, "'close'");
    expect(seen).toEqual(['close', undefined]);
    const late = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    const [error] = await next<[NodeJS.ErrnoException]>(late, 'error');
    expect(error.code).toBe('ECONNREFUSED');
  });

  test('with a port, before it listens', async () => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    expect(await closing(wss)).toEqual([undefined]);
  });

  test('with a port: leaves connections open, "close" comes after the last', async () => {
    const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await next(wss, 'listening');
    const connection = next<[Face]>(wss, 'connection');
    const { port } = wss.address() as AddressInfo;
    const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
    const [ws] = await connection;
    const seen: string[] = [];
    ws.on('close', () => seen.push('connection'));
    wss.close(() => seen.push('server'));
    await turns(20);
    expect(seen).toEqual([]);
    const echo = next<[Buffer]>(client, 'message');
    ws.send('still here');
    expect(String((await echo)[0])).toBe('still here');
    client.close();
    await until(() => seen.length === 2, "'close'");
    expect(seen.sort()).toEqual(['connection', 'server']);
  });

  test.each([{}, { noServer: true }])('%p: waits for the last client', async (mode) => {
    const http = createServer();
    const options = 'noServer' in mode ? mode : { server: http };
    const wss = new WebSocketServer(options);
    const seen: string[] = [];
    const clients: Face[] = [];
    for (let i = 0; i < 2; i++) {
      const [request, socket, head] = await upgrade();
      wss.handleUpgrade(request, socket, head, (ws) => clients.push(ws));
    }
    wss.on('close', () => seen.push('close'));
    wss.close(() => seen.push('callback'));
    await turns();
    clients[0]?.terminate();
    await turns();
    expect(seen).toEqual([]);
    clients[1]?.terminate();
    await until(() => seen.length === 2, "'close'");
    await turns();
    expect(seen).toEqual(['close', 'callback']);
  });

  test.each([{ clientTracking: false }, {}])(
    '%p, without clients that it knows of: tells so in the next tick',
    async (options) => {
      const wss = new WebSocketServer({ noServer: true, ...options });
      const clients: Face[] = [];
      if ('clientTracking' in options) {
        const [request, socket, head] = await upgrade();
        wss.handleUpgrade(request, socket, head, (ws) => clients.push(ws));
      }
      const seen: string[] = [];
      wss.close(() => seen.push('close'));
      expect(seen).toEqual([]);
      await turns(1);
      expect(seen).toEqual(['close']);
      for (const ws of clients) {
        expect(ws.readyState).toBe(WebSocket.OPEN);
        ws.terminate();
        await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
      }
    },
  );

  test('of a server on another http server leaves that one alone', async () => {
    const http = createServer((_request, response) => response.end('mine'));
    const port = await scope().listen(http);
    const wss = new WebSocketServer({ server: http });
    wss.close();
    expect(http.listenerCount('upgrade')).toBe(0);
    await next(wss, 'close');
    expect(http.listening).toBe(true);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('mine');
  });

  test('twice while it closes: both callbacks, one "close"', async () => {
    const wss = new WebSocketServer({ noServer: true });
    const seen: unknown[] = [];
    wss.on('close', () => seen.push('close'));
    wss.close((error) => seen.push(error));
    wss.close((error) => seen.push(error));
    await turns();
    expect(seen).toEqual(['close', undefined, undefined]);
  });

  test('when it is closed: an Error for the callback, "close" once more', async () => {
    for (const options of [{ noServer: true }, { port: 0 }]) {
      const wss = new WebSocketServer(options);
      await closing(wss);
      const seen: unknown[] = [];
      wss.on('close', () => seen.push('close'));
      wss.close((error) => seen.push(error));
      expect(seen).toEqual([]);
      await turns();
      expect(seen).toEqual(['close', new Error('The server is not running')]);
      wss.close();
      await turns();
      expect(seen).toHaveLength(3);
    }
  });

  test('answers handshakes that still come with 503', async () => {
    const wss = detached();
    const args = await upgrade();
    const [request, socket, head] = args;
    wss.close();
    let called = false;
    wss.handleUpgrade(request, socket, head, () => {
      called = true;
    });
    const answer = await args.inbox?.message();
    expect([answer?.status, String(answer?.body)]).toEqual([503, 'Service Unavailable']);
    await turns();
    const [late, lateSocket, lateHead] = await upgrade();
    wss.handleUpgrade(late, lateSocket, lateHead, () => {
      called = true;
    });
    expect(called).toBe(false);
  });

  test('a program that closed its clients first is told at once', async () => {
    const { wss, ws, client } = await meet(scope());
    for (const one of wss.clients) one.close(1001, 'going away');
    const events = attend(client);
    expect(await closing(wss)).toEqual([undefined]);
    expect(ws.readyState).toBe(WebSocket.CLOSED);
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1001 going away']);
  });

  test('a storm of terminate() leaves nothing', async () => {
    const { http, dial } = hall(scope());
    const wss = serve(scope(), { server: http });
    const dialled = Array.from({ length: 50 }, () => dial());
    await until(() => wss.clients.size === 50, 'fifty clients');
    for (const ws of wss.clients) ws.terminate();
    expect(await closing(wss)).toEqual([undefined]);
    expect(wss.clients.size).toBe(0);
    await until(() => dialled.every((ws) => ws.readyState === 3), 'the clients to close');
  });
});

test('removeAllListeners() breaks nothing', async () => {
  const { ws, wss, client } = await meet(scope());
  wss.removeAllListeners();
  client.close();
  await until(() => wss.clients.size === 0, 'the client to be forgotten');
  expect(ws.readyState).toBe(WebSocket.CLOSED);
});

test('two servers behind one http server, routed by path', async () => {
  const http = createServer();
  const [one, two] = [detached(), detached()];
  http.on('upgrade', (...args: Upgrade) => {
    const [request] = args;
    const wss = request.url === '/one' ? one : two;
    wss.handleUpgrade(...args, (ws) => wss.emit('connection', ws, request));
  });
  one.on('connection', (ws: Face) => ws.send('one'));
  two.on('connection', (ws: Face) => ws.send('two'));
  const { dial } = hall(scope(), http);
  const messages = ['/two', '/one'].map((path) =>
    next<[Buffer]>(dial({}, undefined, path), 'message'),
  );
  expect((await Promise.all(messages)).map(([data]) => String(data))).toEqual(['two', 'one']);
});
