/** A response that does not open the WebSocket, and a program that listens to 'unexpected-response'. */

import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { clientsIn, settled } from '../../support/memory-client.js';
import { uncaught } from '../../support/process-events.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import {
  type ClientOptions,
  type Loose,
  next,
  recordEvents,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const connect = clientsIn(scope);

const HERE = 'ws://server.example.com/chat';
const CLOSED_EARLY = [
  'error WebSocket was closed before the connection was established',
  'close 1006',
];
const TIMED_OUT = ['error Opening handshake has timed out', 'close 1006'];

const response = (length: number, body: string) =>
  `HTTP/1.1 401 Unauthorized\r\nConnection: keep-alive\r\nContent-Length: ${length}\r\n\r\n${body}`;

/** A client over TCP whose server answers so, and keeps the connection open. */
async function refused(text: string, options: Loose = {}) {
  let far: Socket | undefined;
  const server = createServer((socket) => {
    far = socket;
    const inbox = new Inbox(socket);
    void inbox.message().then(() => socket.write(text));
  });
  const port = await scope().listen(server);
  const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}`, options as ClientOptions));
  const hungUp = () => until(() => far?.destroyed === true, 'the client to close the connection');
  return { ws, events: recordEvents(ws), hungUp, isConnected: () => far?.destroyed === false };
}

/** What a listener does with the response. */
const READERS: [string, (response: IncomingMessage) => unknown][] = [
  ['reads it', (response) => response.resume()],
  ['ignores it', () => undefined],
  ['pauses it', (response) => response.resume().pause()],
];

const BODIES: [string, string][] = [
  ['whole', response(4, 'Who?')],
  ['empty', response(0, '')],
  ['stalls', response(4, 'Wh')],
  ['is never begun', response(4, '')],
  ['never ends', 'HTTP/1.1 401 Unauthorized\r\n\r\nWho?'],
  ['is chunked and stalls', 'HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nWh\r\n'],
];

const CASES = BODIES.flatMap(([body, text]) =>
  READERS.map(([how, read]): [string, string, string, typeof read] => [body, how, text, read]),
);

describe.each(['close', 'terminate'] as const)('%s()', (method) => {
  test.each(CASES)('closes TCP when the body %s and the listener %s', async (...row) => {
    const [, , text, read] = row;
    const { ws, events, hungUp } = await refused(text);
    const unexpected = next<[ClientRequest, IncomingMessage]>(ws, 'unexpected-response');
    ws.on('unexpected-response', (_request: ClientRequest, response: IncomingMessage) => {
      read(response);
    });
    const [, response] = await unexpected;
    await turns();
    expect([ws.readyState, events]).toEqual([WebSocket.CONNECTING, []]);
    response.on('error', () => {});
    ws[method]();
    expect(ws.readyState).toBe(WebSocket.CLOSING);
    expect(await settled(events, 2)).toEqual(CLOSED_EARLY);
    await hungUp();
  });

  test('in the listener itself', async () => {
    const { ws, events, hungUp } = await refused(response(4, 'Who?'));
    ws.on('unexpected-response', () => ws[method]());
    expect(await settled(events, 2)).toEqual(CLOSED_EARLY);
    await hungUp();
  });
});

test('TCP is closed when the whole response was read, though nobody closes the WebSocket', async () => {
  const { ws, events, hungUp } = await refused(response(4, 'Who?'));
  const [, incoming] = await next<[ClientRequest, IncomingMessage]>(
    ws.on('unexpected-response', (_request: ClientRequest, { socket }: IncomingMessage) => {
      expect(socket.remoteAddress).toBe('127.0.0.1');
    }),
    'unexpected-response',
  );
  const { socket } = incoming;
  let body = '';
  for await (const chunk of incoming) body += chunk;
  expect([body, socket.remoteAddress]).toEqual(['Who?', '127.0.0.1']);
  await hungUp();
  expect([ws.readyState, events]).toEqual([WebSocket.CONNECTING, []]);
});

test('the socket of an agent that keeps connections alive goes back to the agent', async () => {
  const agent = new Agent({ keepAlive: true });
  scope().later(() => agent.destroy());
  const { ws, events, isConnected } = await refused(response(4, 'Who?'), { agent });
  ws.on('unexpected-response', (_request: ClientRequest, response: IncomingMessage) => {
    response.resume();
  });
  await until(() => Object.keys(agent.freeSockets).length === 1, 'a free socket');
  ws.terminate();
  expect(await settled(events, 2)).toEqual(CLOSED_EARLY);
  expect(Object.keys(agent.freeSockets)).toHaveLength(1);
  expect(isConnected()).toBe(true);
});

describe('handshakeTimeout goes on with a listener', () => {
  test.each(CASES)('when the body %s and the listener %s', async (_body, _how, text, read) => {
    const { ws, events, hungUp } = await refused(text, { handshakeTimeout: 30 });
    ws.on('unexpected-response', (_request: ClientRequest, response: IncomingMessage) => {
      response.on('error', () => {});
      read(response);
    });
    expect(await settled(events, 2)).toEqual(TIMED_OUT);
    await hungUp();
  });

  test('until then no event comes', async () => {
    clock.stop();
    const { ws, events, answer } = connect(HERE, { handshakeTimeout: 1000 });
    const unexpected = next(ws, 'unexpected-response');
    await answer(() => response(4, 'Wh'));
    await unexpected;
    clock.advance(999);
    await turns();
    expect([ws.readyState, events]).toEqual([WebSocket.CONNECTING, []]);
    clock.advance(1);
    expect(await settled(events, 2)).toEqual(TIMED_OUT);
    expect(clock.timerCount).toBe(0);
  });
});

test('a listener that throws: the exception surfaces, the handshake fails, TCP is closed', async () => {
  const exceptions = uncaught(scope());
  const mine = new Error('mine');
  const { ws, events, hungUp } = await refused(response(4, 'Who?'));
  ws.on('unexpected-response', () => {
    throw mine;
  });
  expect(await settled(events, 2)).toEqual(CLOSED_EARLY);
  await hungUp();
  expect(exceptions).toEqual([mine]);
});

test('a response that breaks off half-way leaves nothing behind', async () => {
  const { ws, events, connections, answer } = connect(HERE);
  const [, response] = await Promise.all([
    answer(() => 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nWho?'),
    next<[ClientRequest, IncomingMessage]>(ws, 'unexpected-response'),
  ]).then(([, args]) => args);
  response.resume();
  connections[0]?.wire.end();
  await until(() => response.destroyed, 'the end of the response');
  ws.terminate();
  expect(await settled(events, 2)).toEqual(CLOSED_EARLY);
});

describe('a 101 that is no upgrade for node:http', () => {
  const without = (name: string) => (key: string) =>
    upgradeResponse(key).replace(new RegExp(`${name}: .*\r\n`), '');

  test.each(['Upgrade', 'Connection'])('without %s is offered to the listener', async (name) => {
    const { ws, events, answer } = connect(HERE);
    const unexpected = next<[ClientRequest, IncomingMessage]>(ws, 'unexpected-response');
    await answer(without(name));
    const [, { statusCode }] = await unexpected;
    expect([statusCode, ws.readyState, events]).toEqual([101, WebSocket.CONNECTING, []]);
    ws.terminate();
    expect(await settled(events, 2)).toEqual(CLOSED_EARLY);
  });

  test.each(['Upgrade', 'Connection'])('without %s fails where nobody listens', async (name) => {
    const { events, answer } = connect(HERE);
    await answer(without(name));
    expect(await settled(events, 2)).toEqual([`error Invalid ${name} header`, 'close 1006']);
  });
});

test.each<[string, (key: string) => string]>([
  ['a bad 101', () => upgradeResponse('x')],
  ['another status', () => response(0, '')],
])('%s: readyState is CLOSING at once', async (_, make) => {
  const { ws, events, connections, request } = connect(HERE);
  const key = keyOf(await request());
  const states: number[] = [];
  const note = (): void => {
    states.push(ws.readyState);
  };
  (ws as WebSocketInstance & { _req: ClientRequest })._req.on('response', note).on('upgrade', note);
  ws.on('error', note).on('close', note);
  connections[0]?.wire.write(make(key));
  await settled(events, 2);
  expect(states).toEqual([WebSocket.CLOSING, WebSocket.CLOSING, WebSocket.CLOSED]);
});
