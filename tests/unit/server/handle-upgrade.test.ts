/** `handleUpgrade`, and requests that do not come from node:http. */

import type { IncomingMessage } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { SAMPLE_ACCEPT, SAMPLE_KEY } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import { frameFor, recordEvents, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const { detached, upgrade } = useServers(scope);

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
      setImmediate(() => args.length === 2 && (args[0] as WebSocketInstance).terminate());
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
    const given: WebSocketInstance[] = [];
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
    const given: WebSocketInstance[] = [];
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
    const given: WebSocketInstance[] = [];
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
    const events = [recordEvents(client), recordEvents(ws)] as const;
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
