/** Nothing that a server or a single callback does ends the process, hangs a client or leaks. */

import { Agent, type ClientRequest } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import type { WireEnd } from '../../support/duplex-pair.js';
import { turns, until } from '../../support/inbox.js';
import { clientsIn, settled } from '../../support/memory-client.js';
import { uncaught } from '../../support/process-events.js';
import { upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { type ClientOptions, type Loose, recordEvents } from '../../support/websockets.js';

const scope = useScope();
const connect = clientsIn(scope);

const HERE = 'ws://server.example.com/chat';
const mine = new Error('mine');
const CLOSED_EARLY = [
  'error WebSocket was closed before the connection was established',
  'close 1006',
];

/** The errors and events of a client until it is closed; no exception is left to the process. */
async function outcome(options: Loose, url = HERE) {
  const exceptions = uncaught(scope());
  const ws = scope().track(new WebSocket(url, options as ClientOptions));
  const errors: Error[] = [];
  ws.on('error', (error) => errors.push(error));
  const events = await settled(recordEvents(ws), 2);
  expect(exceptions).toEqual([]);
  expect(events.at(-1)).toBe('close 1006');
  return { error: errors[0], count: errors.length };
}

type Callback = (error: Error | null, socket?: unknown) => void;

describe('createConnection', () => {
  test("that throws, rejects or calls back with an error: 'error' has that error", async () => {
    for (const createConnection of [
      () => {
        throw mine;
      },
      () => Promise.reject(mine),
      (_: unknown, callback: Callback) => void setImmediate(callback, mine),
      (_: unknown, callback: Callback) => callback(mine),
    ]) {
      expect(await outcome({ createConnection })).toEqual({ error: mine, count: 1 });
    }
  });

  test.each<[string, (callback: Callback) => unknown]>([
    ['{} was given', () => ({})],
    ['42 was given', () => 42],
    ['EventEmitter', () => process],
    ['{} was given', () => Promise.resolve({})],
    ['null was given', () => Promise.resolve(null)],
    ['undefined was given', (callback) => callback(null)],
    ['[] was given', (callback) => callback(null, [])],
  ])('that makes no Duplex: %s', async (given, make) => {
    const createConnection = (_: unknown, callback: Callback): unknown => make(callback);
    const { error } = await outcome({ createConnection });
    expect(error).toBeInstanceOf(TypeError);
    expect(error?.message).toMatch(/^createConnection must make a Duplex: /);
    if (given.endsWith('given')) expect(error?.message).toContain(given);
  });

  test.each([undefined, null])('that returns %p and calls back later', async (nothing) => {
    const [near, far] = scope().wire();
    const createConnection = (_: unknown, callback: Callback) => {
      setImmediate(callback, null, near);
      return nothing;
    };
    const { events } = connect(HERE, { createConnection });
    await respond(far, upgradeResponse);
    expect(await settled(events)).toEqual(['open']);
  });

  test('that returns a promise of a Duplex', async () => {
    const [near, far] = scope().wire();
    const { events } = connect(HERE, { createConnection: async () => near });
    await respond(far, upgradeResponse);
    expect(await settled(events)).toEqual(['open']);
  });

  test.each([undefined, null])('that returns %p and never calls back times out', async (none) => {
    const { error } = await outcome({ createConnection: () => none, handshakeTimeout: 10 });
    expect(error?.message).toBe('Opening handshake has timed out');
  });

  test.each<[string, (near: Duplex) => unknown]>([
    ['a callback', () => undefined],
    ['a promise', (near) => new Promise((done) => setImmediate(done, near))],
  ])('whose connection comes by %s after close(): it is dropped', async (_, make) => {
    const [near, far] = scope().wire();
    let late: Callback = () => {};
    const createConnection = (__: unknown, callback: Callback): unknown => {
      late = callback;
      return make(near);
    };
    const { ws, events } = connect(HERE, { createConnection });
    await turns(0);
    ws.close();
    expect(await settled(events, 2)).toEqual(CLOSED_EARLY);
    late(null, near);
    await until(() => near.destroyed && (far.resume().readableEnded || far.destroyed), 'the end');
  });

  test('that returns a stream which is destroyed, or which sends back what it gets', async () => {
    const destroyed = new Duplex({ read() {} });
    destroyed.destroy();
    const { events, ws } = connect(HERE, { createConnection: () => destroyed });
    await turns();
    ws.terminate();
    expect((await settled(events, 2)).at(-1)).toBe('close 1006');
    const { error } = await outcome({ createConnection: () => new PassThrough() });
    expect(error?.message).toMatch(/^Parse Error/);
  });
});

/** Responds to a request that arrives here. */
async function respond(far: WireEnd, make: (key: string) => string): Promise<void> {
  let text = '';
  far.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  await until(() => text.includes('\r\n\r\n'), 'a request');
  far.write(make(/Sec-WebSocket-Key: (.*)\r\n/.exec(text)?.[1] ?? ''));
}

describe('finishRequest', () => {
  test("whose promise is rejected: 'error' has that error", async () => {
    const [near, far] = scope().wire();
    const options = {
      createConnection: () => near,
      finishRequest: async () => Promise.reject(mine),
    };
    expect(await outcome(options)).toEqual({ error: mine, count: 1 });
    await until(() => far.resume().readableEnded || far.destroyed, 'the end of TCP');
  });

  test('whose promise is rejected with something else', async () => {
    const [near] = scope().wire();
    const finishRequest = async (): Promise<void> => Promise.reject('no token');
    const { error } = await outcome({ createConnection: () => near, finishRequest });
    expect(error).toBeInstanceOf(Error);
    expect(error?.cause).toBe('no token');
  });

  test('that waits before it ends the request', async () => {
    const finishRequest = async (request: ClientRequest): Promise<void> => {
      await turns(2);
      request.setHeader('X-Token', 'abc').end();
    };
    expect((await connect(HERE, { finishRequest }).request()).all('x-token')).toEqual(['abc']);
  });

  test.each(['close', 'terminate'] as const)('that calls %s()', async (method) => {
    const [near] = scope().wire();
    const finishRequest = (request: ClientRequest, ws: WebSocket.WebSocket): void => {
      ws[method]();
      request.end();
    };
    const { error, count } = await outcome({ createConnection: () => near, finishRequest });
    expect([error?.message, count]).toEqual([CLOSED_EARLY[0]?.slice('error '.length), 1]);
  });
});

describe('an agent', () => {
  class Failing extends Agent {
    override createConnection(...[, callback]: Parameters<Agent['createConnection']>): undefined {
      setImmediate(() => callback?.(mine, new Duplex()));
    }
  }

  test("that fails late: 'error' has it", async () => {
    expect(await outcome({ agent: new Failing() })).toEqual({ error: mine, count: 1 });
  });

  test.each([{}, 'agent', 5])('%p is refused by node:http, and nothing is left', (agent) => {
    expect(() => new WebSocket(HERE, { agent })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});

describe('names and signals', () => {
  test("a lookup that gives an error: 'error' has that error", async () => {
    const lookup = (_: string, __: unknown, callback: (error: Error) => void) => callback(mine);
    expect(await outcome({ lookup })).toEqual({ error: mine, count: 1 });
  });

  test('a signal that was aborted before, or is while connecting', async () => {
    const before = await outcome({ signal: AbortSignal.abort() });
    expect([before.error?.name, before.count]).toEqual(['AbortError', 1]);
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const during = await outcome({
      signal: controller.signal,
      createConnection: () => scope().wire()[0],
    });
    expect([during.error?.name, during.count]).toEqual(['AbortError', 1]);
  });

  test('a signal that is aborted when it is open has no effect', async () => {
    const controller = new AbortController();
    const { events, answer } = connect(HERE, { signal: controller.signal });
    await answer(upgradeResponse);
    await settled(events);
    controller.abort();
    await turns();
    expect(events).toEqual(['open']);
  });
});
