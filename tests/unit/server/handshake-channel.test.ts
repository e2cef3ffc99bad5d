/** The tracing channel of opening handshakes, and what is published of refusals. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Channel, channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket, { HandshakeError } from '../../../src/index.js';
import { type Published, record, recordHandshakes } from '../../support/channels.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import { connectPair, memoryServer, next, serve } from '../../support/websockets.js';

const scope = useScope();
const { startServer } = useServers(scope);

/** The events of one role, without those of the other end. */
function of(role: string, seen: [string, Published][]): [string, Published][] {
  return seen.filter(([, context]) => context['role'] === role);
}

const names = (seen: [string, Published][]): string[] => seen.map(([event]) => event);
const last = (seen: [string, Published][]): Published => seen.at(-1)?.[1] ?? {};

describe('of a server', () => {
  test('an accepted one', async () => {
    const seen = recordHandshakes(scope());
    const { wss, ws, request } = await connectPair(scope());
    const own = of('server', seen);
    expect(names(own)).toEqual(['start', 'asyncStart', 'asyncEnd', 'end']);
    expect(own[0]?.[1]).toEqual({ role: 'server', server: wss, request });
    expect(last(own)).toEqual({
      role: 'server',
      server: wss,
      request,
      verdict: 'accepted',
      status: 101,
      websocket: ws,
    });
  });

  test("'connection' is emitted between asyncStart and asyncEnd", async () => {
    const seen = recordHandshakes(scope());
    const { http, connect } = memoryServer(scope());
    const wss = serve(scope(), { server: http });
    const before: string[][] = [];
    wss.on('connection', () => before.push(names(of('server', seen))));
    await next(connect(), 'open');
    expect(before).toEqual([['start', 'asyncStart']]);
  });

  test('one that waits for the program ends before its verdict', async () => {
    const seen = recordHandshakes(scope());
    await connectPair(scope(), { authenticate: async () => ({ name: 'Ada' }) });
    expect(names(of('server', seen))).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
  });

  test.each([
    ['path', { path: '/other' }, {}, 404],
    [
      'origins',
      { origins: ['https://example.com'] },
      { add: [['Origin', 'https://evil.example']] },
      403,
    ],
    ['authenticate', { authenticate: () => false }, {}, 401],
    ['verifyClient', { verifyClient: () => false }, {}, 401],
    ['blockList', { blockList: { check: () => true }, address: () => '192.0.2.1' }, {}, 403],
  ] as [string, object, object, number][])(
    'refused by %s',
    async (reason, options, parts, status) => {
      const seen = recordHandshakes(scope());
      const refusals = record(scope(), 'refusal');
      const { wss, answer } = startServer({ ...options });
      expect((await answer(parts)).status).toBe(status);
      expect(names(seen)).toEqual(['start', 'asyncStart', 'asyncEnd', 'end']);
      expect(last(seen)).toMatchObject({ verdict: 'refused', reason, status, server: wss });
      const { request } = last(seen);
      expect(refusals).toEqual([
        ['refusal', { server: wss, request, reason, status, error: undefined }],
      ]);
      expect(wss.stats().refused).toMatchObject({ [reason]: 1 });
    },
  );

  test('a malformed one has its error', async () => {
    const seen = recordHandshakes(scope());
    const refusals = record(scope(), 'refusal');
    const { answer } = startServer();
    expect((await answer({ set: { 'Sec-WebSocket-Key': 'short' } })).status).toBe(400);
    expect(names(seen)).toEqual(['start', 'error', 'asyncStart', 'asyncEnd', 'end']);
    const { error } = last(seen);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(last(seen)).toMatchObject({ verdict: 'refused', reason: 'malformed', status: 400 });
    expect(refusals[0]?.[1]).toMatchObject({ reason: 'malformed', error });
  });

  test('a callback that throws is an error', async () => {
    const seen = recordHandshakes(scope());
    const thrown = new Error('database');
    const { wss, answer } = startServer({ authenticate: async () => Promise.reject(thrown) });
    wss.on('callbackError', () => {});
    expect((await answer()).status).toBe(500);
    expect(names(seen)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(last(seen)).toMatchObject({
      verdict: 'refused',
      reason: 'callbackError',
      error: thrown,
    });
  });

  test('a client that leaves before the answer has failed', async () => {
    const seen = recordHandshakes(scope());
    const { ask } = startServer({ authenticate: () => new Promise(() => {}) });
    ask();
    await until(() => seen.length === 2, 'the start');
    (last(seen)['request'] as IncomingMessage).socket.destroy();
    await until(() => seen.length === 4, 'the verdict');
    expect(names(seen)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(last(seen)).toMatchObject({ verdict: 'failed' });
  });

  test('a subscriber that comes after the start sees nothing of it', async () => {
    const answers: ((isWelcome: boolean) => void)[] = [];
    const authenticate = () => new Promise((done) => answers.push(done));
    const { ask, connections } = startServer({ authenticate });
    ask();
    await until(() => answers.length === 1, 'the question');
    const seen = recordHandshakes(scope());
    answers[0]?.(true);
    await until(() => connections.length === 1, 'the connection');
    expect(seen).toEqual([]);
  });
});

describe('of a client', () => {
  test('an accepted one', async () => {
    const seen = recordHandshakes(scope());
    const { client } = await connectPair(scope());
    const own = of('client', seen);
    expect(names(own)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(last(own)).toEqual({
      role: 'client',
      websocket: client,
      url: 'ws://server.example.com/',
      verdict: 'accepted',
      status: 101,
    });
  });

  test('a refused one', async () => {
    const seen = recordHandshakes(scope());
    const { http, connect } = memoryServer(scope());
    serve(scope(), { server: http, path: '/chat' });
    const client = connect();
    const [error] = await next<[Error]>(client, 'error');
    const own = of('client', seen);
    expect(names(own)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(last(own)).toMatchObject({ verdict: 'refused', status: 404, error });
  });

  test('one that the program aborts has failed', async () => {
    const seen = recordHandshakes(scope());
    const { connect } = memoryServer(scope());
    const client = connect();
    client.on('error', () => {});
    client.close();
    await next(client, 'close');
    expect(last(of('client', seen))).toMatchObject({
      verdict: 'failed',
      error: { code: 'WS_ERR_CLOSED_EARLY' },
    });
  });

  test.each([
    ['ws://user:secret@server.example.com/a@b', 'ws://server.example.com/a@b'],
    ['ws:user:secret@server.example.com', 'ws:server.example.com'],
  ])('%s is published without user name and password', (address, url) => {
    const seen = recordHandshakes(scope());
    const createConnection = () => scope().wire()[0] as never;
    const client = new WebSocket(address, { createConnection });
    client.on('error', () => {});
    client.terminate();
    expect(seen[0]).toMatchObject(['start', { url }]);
    expect(JSON.stringify(seen.map(([, { url: published }]) => published))).not.toContain('secret');
  });

  test('one whose constructor throws has failed', () => {
    const seen = recordHandshakes(scope());
    const finishRequest = () => {
      throw new Error('own');
    };
    const createConnection = () => scope().wire()[0] as never;
    expect(
      () => new WebSocket('ws://server.example.com', { finishRequest, createConnection }),
    ).toThrow('own');
    expect(names(seen)).toEqual(['start', 'error', 'asyncStart', 'asyncEnd', 'end']);
    expect(last(seen)).toMatchObject({ verdict: 'failed', error: { message: 'own' } });
  });
});

test('stores that are bound to the events apply: a span is the active one', async () => {
  const active = new AsyncLocalStorage<string>();
  const channels = ['start', 'asyncStart'].map(
    (event) => channel(`tracing:ws6455:handshake:${event}`) as Channel<unknown, unknown>,
  );
  for (const one of channels) {
    one.bindStore(active, () => 'span');
    scope().later(() => one.unbindStore(active));
  }
  const seen: unknown[] = [];
  const { http, connect } = memoryServer(scope());
  const authenticate = () => {
    seen.push(active.getStore());
    return {};
  };
  const wss = serve(scope(), { server: http, authenticate });
  wss.on('connection', () => seen.push(active.getStore()));
  await next(connect(), 'open');
  await turns();
  expect(seen).toEqual(['span', 'span']);
});
