/** Callbacks of a server's program: they may be asynchronous, and they may fail. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { type HttpMessage, turns, until } from '../../support/inbox.js';
import { uncaughtOrRejected, useWarnings } from '../../support/process-events.js';
import { type RequestParts, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { SharedServer } from '../../support/shared-server.js';
import {
  frameFor,
  type Loose,
  next,
  type ServerInstance,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

const mine = new Error('mine');
const fail = (): never => {
  throw mine;
};
const reject = () => Promise.reject(mine);

type Answer = (welcome: unknown, ...rest: unknown[]) => void;

/** A server with these options, and what a client of it is answered. */
function arrange(options: Loose = {}, change: (wss: ServerInstance) => void = () => {}) {
  const escaped = uncaughtOrRejected(scope());
  const shared = new SharedServer(scope());
  const wss = shared.add('a', options);
  change(wss);
  const call = (parts: RequestParts = {}) => shared.connect(upgradeRequest(parts));
  const answer = (parts: RequestParts = {}): Promise<HttpMessage> => call(parts).inbox.message();
  return { shared, wss, escaped, call, answer };
}

const twoParameters = (act: (answer: Answer) => unknown) => (_info: unknown, answer: Answer) =>
  act(answer);

describe('verifyClient', () => {
  test.each<[string, unknown, number]>([
    ['a Promise of true', async () => true, 101],
    ['a Promise of false', async () => false, 401],
    ['a Promise of undefined', async () => undefined, 401],
    ['a Promise of a Promise', () => Promise.resolve(Promise.resolve(1)), 101],
    // biome-ignore lint/suspicious/noThenProperty: promises of other libraries
    ['a thenable', () => ({ then: (settle: (value: unknown) => void) => settle(true) }), 101],
  ])('may return %s', async (_name, verifyClient, status) => {
    const { answer, shared, escaped } = arrange({ verifyClient });
    expect((await answer()).status).toBe(status);
    await turns();
    expect(shared.taken).toEqual(status === 101 ? ['a /chat'] : []);
    expect([shared.errors, escaped]).toEqual([[], []]);
  });

  test.each<[string, (answer: Answer) => unknown, number]>([
    ['answers in time', async (answer) => answer(true), 101],
    ['answers later', (answer) => turns(2).then(() => answer(true)), 101],
    ['refuses', async (answer) => answer(false, 403), 403],
    ['has another opinion than its callback', async (answer) => [answer(true), false][1], 101],
    ['answers twice', async (answer) => [answer(false), answer(true)], 401],
  ])('with two parameters: the callback decides; the Promise %s', async (_name, act, status) => {
    const { answer, shared, escaped } = arrange({ verifyClient: twoParameters(act) });
    expect((await answer()).status).toBe(status);
    await turns();
    expect(shared.taken).toHaveLength(status === 101 ? 1 : 0);
    expect([shared.errors, escaped]).toEqual([[], []]);
  });

  test('that answered and fails then: callbackError, and the answer stays', async () => {
    for (const after of [fail, reject]) {
      const verifyClient = twoParameters((answer) => [answer(true), after()][1]);
      const { answer, shared, escaped } = arrange({ verifyClient });
      expect((await answer()).status).toBe(101);
      await until(() => shared.errors.length > 0, "'callbackError'");
      await turns();
      expect([shared.taken, shared.errors, escaped]).toEqual([['a /chat'], ['a mine'], []]);
    }
  });
});

test.each<[string, () => unknown, number]>([
  ['a Promise of true', async () => true, 101],
  ['a Promise of false', async () => false, 400],
])('shouldHandle may return %s', async (_name, shouldHandle, status) => {
  const { answer, escaped } = arrange({}, (wss) => Object.assign(wss, { shouldHandle }));
  expect((await answer()).status).toBe(status);
  expect(escaped).toEqual([]);
});

test('a Promise of false for another path is answered 404', async () => {
  const change = (wss: ServerInstance) => Object.assign(wss, { shouldHandle: async () => false });
  const { answer } = arrange({ path: '/a' }, change);
  expect((await answer({ target: '/b' })).status).toBe(404);
});

describe('a failure of', () => {
  const responseTo: RequestParts = { add: [['Sec-WebSocket-Protocol', 'a, b']] };
  const broken: RequestParts = { set: { 'Sec-WebSocket-Key': 'x' } };
  class Throwing extends WebSocket {
    constructor() {
      super(null);
      fail();
    }
  }
  const nothing = (): void => {};
  const assign = (members: object) => (wss: ServerInstance) => void Object.assign(wss, members);
  const listen = (event: string, listener: () => unknown) => (wss: ServerInstance) =>
    void wss.on(event, listener);

  const failures: [string, Loose, (wss: ServerInstance) => void, RequestParts?, RegExp?][] = [
    ['verifyClient: throws', { verifyClient: fail }, nothing],
    ['verifyClient: rejects', { verifyClient: reject }, nothing],
    ['verifyClient with a callback: throws', { verifyClient: twoParameters(fail) }, nothing],
    ['verifyClient with a callback: rejects', { verifyClient: twoParameters(reject) }, nothing],
    [
      'verifyClient: is no function any more',
      {},
      (wss) => Object.assign(wss.options, { verifyClient: 1 }),
      {},
      /./,
    ],
    [
      'verifyClient: a status that accepts',
      { verifyClient: twoParameters((no) => no(false, 101)) },
      nothing,
      {},
      /200 to 599.*101/,
    ],
    [
      'verifyClient: a field with a line break',
      { verifyClient: twoParameters((no) => no(false, 401, 'x', { A: 'b\r\nC: d' })) },
      nothing,
      {},
      /line break/,
    ],
    ['shouldHandle: throws', {}, assign({ shouldHandle: fail })],
    ['shouldHandle: rejects', {}, assign({ shouldHandle: reject })],
    ['handleProtocols: throws', { handleProtocols: fail }, nothing, responseTo],
    [
      'handleProtocols: a Promise',
      { handleProtocols: async () => 'a' },
      nothing,
      responseTo,
      /a Promise, and is not awaited/,
    ],
    ['handleProtocols: not asked for', { handleProtocols: () => 'c' }, nothing, responseTo, /'c'/],
    ["a 'headers' listener: throws", {}, listen('headers', fail)],
    [
      "a 'headers' listener: a line break",
      {},
      (wss) => wss.on('headers', (lines: string[]) => lines.push('A: b\r\nC: d')),
      {},
      /line break/,
    ],
    ["a 'wsClientError' listener: throws", {}, listen('wsClientError', fail), broken],
    [
      'perMessageDeflate: changed to what there cannot be',
      {},
      (wss) => Object.assign(wss.options, { perMessageDeflate: { serverMaxWindowBits: 99 } }),
      {},
      /from 8 to 15/,
    ],
    ['the class of connections: throws', { WebSocket: Throwing }, nothing],
    [
      'the class of connections: is another',
      { WebSocket: Date },
      nothing,
      {},
      /must be a class that extends WebSocket/,
    ],
  ];

  test.each(failures)(
    '%s: a whole 500, and callbackError',
    async (_n, options, change, parts = {}, message = /^mine$/) => {
      const { answer, wss, shared, escaped } = arrange(options, change);
      const settled: [Error, string | undefined][] = [];
      wss.on('callbackError', (error: Error, { url }: IncomingMessage) =>
        settled.push([error, url]),
      );
      const { status, all, body } = await answer(parts);
      expect([status, all('connection'), all('c'), String(body)]).toEqual([
        500,
        ['close'],
        [],
        'Internal Server Error',
      ]);
      await turns();
      expect(settled).toEqual([[expect.any(Error), '/chat']]);
      expect(settled[0]?.[0].message).toMatch(message);
      expect([shared.taken, wss.clients.size, escaped]).toEqual([[], 0, []]);
    },
  );

  test.each(failures)(
    '%s: without a listener a warning with the stack',
    async (_n, options, change, parts = {}, message) => {
      const { answer, wss, escaped } = arrange(options, change);
      wss.removeAllListeners('callbackError');
      expect((await answer(parts)).status).toBe(500);
      await turns();
      const [warning = '', ...more] = warnings('WS6455_CALLBACK_ERROR');
      expect(warning).toMatch(message ?? /mine/);
      expect(warning).toMatch(/\n {4}at /);
      expect([more, escaped]).toEqual([[], []]);
    },
  );

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'mine'],
    ['an object', { code: 1 }],
  ])('a callback that throws %s: callbackError has an Error', async (_name, thrown) => {
    const verifyClient = () => Promise.reject(thrown);
    const { answer, wss } = arrange({ verifyClient });
    const settled = next<[Error]>(wss, 'callbackError');
    expect((await answer()).status).toBe(500);
    expect((await settled)[0]).toMatchObject({
      message: expect.stringContaining('threw'),
      cause: thrown,
    });
  });

  test('handleProtocols: callbackError for a rejected Promise too', async () => {
    const { answer, shared, escaped } = arrange({ handleProtocols: reject });
    expect((await answer(responseTo)).status).toBe(500);
    await turns();
    expect(shared.errors).toEqual([expect.stringContaining('a Promise'), 'a mine']);
    expect(escaped).toEqual([]);
  });

  test("a 'wsClientError' listener that ended the socket first is not answered over", async () => {
    const { answer, shared } = arrange({}, (wss) => {
      wss.on('wsClientError', (_error: Error, socket: Duplex) => {
        socket.end('HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n');
        fail();
      });
    });
    expect((await answer(broken)).status).toBe(418);
    expect(shared.errors).toEqual(['a mine']);
  });

  test("a 'callbackError' listener: an exception, as of every listener; the client has its answer", async () => {
    for (const verifyClient of [fail, reject]) {
      const { answer, escaped } = arrange({ verifyClient }, listen('callbackError', fail));
      expect((await answer()).status).toBe(500);
      await turns();
      expect(escaped).toEqual(['uncaughtException mine']);
    }
  });
});

describe("a 'connection' listener that throws is an uncaught exception, once,", () => {
  test.each<[string, unknown]>([
    ['without verifyClient', undefined],
    ['behind one that returns', () => true],
    ['behind a Promise', async () => true],
    ['behind a callback', twoParameters((answer) => answer(true))],
    ['behind a callback in a Promise', twoParameters(async (answer) => answer(true))],
    [
      'behind a callback later in a Promise',
      twoParameters((answer) => turns(1).then(() => answer(true))),
    ],
    ['behind a callback later', twoParameters((answer) => void setImmediate(answer, true))],
  ])('%s', async (_name, verifyClient) => {
    const { answer, wss, shared, escaped } = arrange({ verifyClient });
    wss.on('connection', fail);
    expect((await answer()).status).toBe(101);
    await turns();
    expect(escaped).toEqual(['uncaughtException mine']);
    expect([shared.errors, wss.clients.size]).toEqual([[], 1]);
  });
});

describe('while an answer is awaited', () => {
  /** Options and members whose answer comes when the test says so. */
  function pending() {
    let settle: (welcome: unknown) => void = () => {};
    let rejectLater: (error: Error) => void = () => {};
    const answers = () =>
      new Promise((resolve, no) => {
        [settle, rejectLater] = [resolve, no];
      });
    const callback = twoParameters((answer) => {
      settle = answer;
    });
    return {
      answers,
      callback,
      settle: (welcome: unknown) => settle(welcome),
      reject: () => rejectLater(mine),
    };
  }
  const ways = ['shouldHandle', 'verifyClient', 'verifyClient with a callback'];

  function arrangePending(way: string) {
    const question = pending();
    const verifyClient = way === 'verifyClient' ? question.answers : question.callback;
    const options = way === 'shouldHandle' ? {} : { verifyClient };
    const change = (wss: ServerInstance) => {
      if (way === 'shouldHandle') Object.assign(wss, { shouldHandle: question.answers });
    };
    return { ...question, ...arrange(options, change) };
  }

  test.each(ways)('of %s: what the client sends meanwhile is delivered afterwards', async (way) => {
    const { call, wss, settle } = arrangePending(way);
    const seen: string[] = [];
    wss.on('connection', (ws: WebSocketInstance) =>
      ws.on('message', (data) => seen.push(String(data))),
    );
    const { wire, inbox } = call();
    wire.write(frameFor('server', { payload: 'a' }));
    await turns();
    wire.write(frameFor('server', { payload: 'b' }));
    await turns();
    expect([seen, inbox.peek().length]).toEqual([[], 0]);
    settle(true);
    await until(() => seen.length === 2, 'the messages');
    expect(seen).toEqual(['a', 'b']);
  });

  test.each(ways)('of %s: a client that is gone leaves nothing behind', async (way) => {
    for (const welcome of [true, false]) {
      const { call, wss, shared, settle, escaped } = arrangePending(way);
      const { far } = call();
      await turns();
      far.destroy(new Error('read ECONNRESET'));
      await turns();
      settle(welcome);
      await turns();
      expect([shared.taken, shared.errors, wss.clients.size, escaped]).toEqual([[], [], 0, []]);
    }
  });

  test.each(ways)('of %s: close() answers 503 at once, later answers are ignored', async (way) => {
    const { call, wss, shared, settle, escaped } = arrangePending(way);
    const { inbox } = call();
    await turns();
    const closed = next(wss, 'close');
    wss.close();
    expect((await inbox.message()).status).toBe(503);
    await closed;
    settle(true);
    await turns();
    expect([shared.taken, shared.errors, escaped]).toEqual([[], [], []]);
    expect(inbox.peek()).toHaveLength(0);
  });

  test.each(ways.slice(0, 2))(
    'of %s: callbackError for a rejection, also when the client is gone',
    async (way) => {
      const { call, shared, reject: rejectNow, escaped } = arrangePending(way);
      const { far } = call();
      await turns();
      far.destroy();
      await turns();
      rejectNow();
      await turns();
      expect([shared.errors, escaped]).toEqual([['a mine'], []]);
    },
  );

  test('handleUpgrade returns, and calls back later', async () => {
    const { shared, wss } = arrange({
      server: undefined,
      noServer: true,
      verifyClient: async () => true,
    });
    const seen: string[] = [];
    shared.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      wss.handleUpgrade(request, socket, head, (ws) => {
        seen.push('connected');
        scope().track(ws);
      });
      seen.push('returned');
    });
    shared.connect(upgradeRequest());
    await until(() => seen.length === 2, 'the connection');
    expect(seen).toEqual(['returned', 'connected']);
  });
});
