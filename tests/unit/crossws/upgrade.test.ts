/** What the hook upgrade decides about a request. */

import { describe, expect, test } from '@jest/globals';
import { crosswsAdapter, fromNodeUpgradeHandler, type Peer } from '../../../src/crossws.js';
import WebSocket from '../../../src/index.js';
import { crosswsServer } from '../../support/crossws-server.js';
import { turns, until } from '../../support/inbox.js';
import { uncaughtOrRejected, useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { memoryServer, next } from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

const refusal = () =>
  new Response('no entry', {
    status: 401,
    statusText: 'Not You',
    headers: [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['transfer-encoding', 'chunked'],
    ],
  });

describe('a Response refuses the request', () => {
  test.each<[string, () => Response]>([
    ['returned', refusal],
    [
      'thrown',
      () => {
        throw refusal();
      },
    ],
    [
      'of a thrown object',
      () => {
        throw Object.assign(new Error('no'), { response: refusal() });
      },
    ],
  ])('%s', async (_, upgrade) => {
    const { ask } = crosswsServer(scope(), { hooks: { upgrade } });
    const response = await ask().inbox.message();
    expect(response.startLine).toBe('HTTP/1.1 401 Not You');
    expect(response.all('set-cookie')).toEqual(['a=1', 'b=2']);
    expect(response.all('connection')).toEqual(['close']);
    expect(response.all('content-length')).toEqual(['8']);
    expect(response.all('transfer-encoding')).toEqual([]);
    expect(String(response.body)).toBe('no entry');
  });

  test('of the adapter, whatever the hooks of the request say', async () => {
    const { ask } = crosswsServer(scope(), {
      hooks: { upgrade: () => new Response('', { status: 403 }) },
      resolve: () => ({ upgrade: () => ({ headers: { 'x-let': 'in' } }) }),
    });
    expect((await ask().inbox.message()).status).toBe(403);
  });

  test.each([
    ['Response.error()', Response.error(), 500],
    ['204', new Response(null, { status: 204 }), 204],
  ])('%s', async (_, given, status) => {
    const { ask } = crosswsServer(scope(), { hooks: { upgrade: () => given } });
    expect((await ask().inbox.message()).status).toBe(status);
  });
});

describe('another exception', () => {
  test.each<[string, object]>([
    ['of upgrade', { hooks: { upgrade: () => Promise.reject(new Error('broken')) } }],
    [
      'of resolve',
      {
        resolve: () => {
          throw new Error('broken');
        },
      },
    ],
    [
      'of getNamespace',
      {
        getNamespace: () => {
          throw new Error('broken');
        },
      },
    ],
  ])('%s is answered 500 and reported', async (_, options) => {
    const { adapter, answered, ask } = crosswsServer(scope(), options);
    const errors: string[] = [];
    adapter.server.on('callbackError', ({ message }) => errors.push(message));
    expect((await ask().inbox.message()).status).toBe(500);
    await Promise.all(answered);
    expect(errors).toEqual(['broken']);
  });

  test('without a listener it is a warning', async () => {
    const { ask } = crosswsServer(scope(), { getNamespace: () => '' });
    expect((await ask().inbox.message()).status).toBe(500);
    await turns();
    expect(warnings('WS6455_CALLBACK_ERROR')).toEqual([
      expect.stringContaining('getNamespace must return a string that is not empty'),
    ]);
  });
});

test('a client that resets while the hook decides ends nothing', async () => {
  const lost = uncaughtOrRejected(scope());
  let decide = (): void => {};
  const { adapter, answered, ask } = crosswsServer(scope(), {
    hooks: {
      upgrade: () =>
        new Promise<void>((resolve) => {
          decide = resolve;
        }),
    },
  });
  const { far } = ask();
  await until(() => answered.length === 1, 'the request');
  far.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  await turns();
  decide();
  await Promise.all(answered);
  expect(adapter.peers.size).toBe(0);
  expect(lost).toEqual([]);
});

describe('an answer', () => {
  test('adds header fields, but none of the handshake itself', async () => {
    const { ask } = crosswsServer(scope(), {
      hooks: {
        upgrade: () => ({
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
            ['x-own', 'yes'],
            ['connection', 'close'],
            ['sec-websocket-accept', 'wrong'],
          ] as [string, string][],
        }),
      },
    });
    const response = await ask().inbox.message();
    expect(response.status).toBe(101);
    expect(response.all('set-cookie')).toEqual(['a=1', 'b=2']);
    expect(response.all('x-own')).toEqual(['yes']);
    expect(response.all('connection')).toEqual(['Upgrade']);
    expect(response.all('sec-websocket-accept')).toHaveLength(1);
  });

  test('gives namespace and context', async () => {
    const peers: Peer[] = [];
    const { join } = crosswsServer(scope(), {
      hooks: {
        upgrade: () => ({ namespace: 'room', context: { user: 'ada' } }),
        open: (peer) => void peers.push(peer),
      },
    });
    await join('/any');
    expect(peers[0]).toMatchObject({ namespace: 'room', context: { user: 'ada' } });
  });

  test.each([
    ['protocol', { hooks: { upgrade: () => ({ protocol: 'b' }) } }, 'b'],
    ['header', { hooks: { upgrade: () => ({ headers: { 'Sec-WebSocket-Protocol': 'b' } }) } }, 'b'],
    ['handleProtocols', { handleProtocols: async (all: Set<string>) => [...all][1] }, 'b'],
  ])('chooses the subprotocol: %s', async (_, options, protocol) => {
    const { join } = crosswsServer(scope(), options);
    const { client } = await join('/', {}, ['a', 'b']);
    expect(client.protocol).toBe(protocol);
  });

  test('chooses no subprotocol by default', async () => {
    const { ask } = crosswsServer(scope(), {});
    const response = await ask({ add: [['Sec-WebSocket-Protocol', 'a, b']] }).inbox.message();
    expect([response.status, response.all('sec-websocket-protocol')]).toEqual([101, []]);
  });

  test('decides about compression, for this connection', async () => {
    const { join } = crosswsServer(scope(), {
      hooks: { upgrade: ({ url }) => ({ perMessageDeflate: url.endsWith('/small') }) },
    });
    const compressed = await join('/small', { perMessageDeflate: true });
    const plain = await join('/', { perMessageDeflate: true });
    expect(compressed.client.extensions).toBe('permessage-deflate');
    expect(plain.client.extensions).toBe('');
  });

  test('handled leaves the socket alone', async () => {
    const { http } = crosswsServer(scope(), {});
    http.removeAllListeners('upgrade');
    const other = new WebSocket.WebSocketServer({ noServer: true });
    const hooks = fromNodeUpgradeHandler((request, socket, head) => {
      other.handleUpgrade(request, socket, head, (ws) => ws.send('from the other'));
    });
    const { connect } = memoryServer(scope(), http);
    const adapter = crosswsAdapter({ hooks });
    http.on('upgrade', (req, socket, head) => {
      const request = new Request('http://server.example.com/');
      Object.assign(request, { runtime: { node: { req, upgrade: { socket, head } } } });
      void adapter.handleUpgrade(req, socket, head, request);
    });
    const client = connect();
    const [data] = await next<[Buffer]>(client, 'message');
    expect(String(data)).toBe('from the other');
    expect(adapter.peers.size).toBe(0);
  });
});

describe('the server', () => {
  test('may be one of the program: its listeners see the connections', async () => {
    const wss = new WebSocket.WebSocketServer({ noServer: true });
    const urls: (string | undefined)[] = [];
    wss.on('connection', (_, request) => urls.push(request.url));
    const { adapter, join } = crosswsServer(scope(), { wss });
    await join('/a');
    expect(adapter.server).toBe(wss);
    expect(urls).toEqual(['/a']);
    expect(wss.clients.size).toBe(1);
  });

  test('must have topics', () => {
    const wss = { handleUpgrade() {}, on() {} } as never;
    expect(() => crosswsAdapter({ wss })).toThrow(/must be a WebSocketServer of ws6455/);
  });

  test('has no broker beside sync', () => {
    const driver = { subscribe() {}, publish() {} };
    const broker = { start() {}, subscribe() {}, unsubscribe() {}, publish() {}, close() {} };
    expect(() =>
      crosswsAdapter({ sync: () => driver, serverOptions: { broker: broker as never } }),
    ).toThrow(/not both/);
  });

  test('refuses requests after close()', async () => {
    const { adapter, ask, join } = crosswsServer(scope(), {});
    const { client } = await join();
    const closed = next<[number, Buffer]>(client, 'close');
    await adapter.close(1001, 'bye');
    expect((await closed).map(String)).toEqual(['1001', 'bye']);
    expect((await ask().inbox.message()).status).toBe(503);
  });
});
