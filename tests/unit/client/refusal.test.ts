/** A refused client: what the error carries, and when it is emitted. */

import { Agent } from 'node:http';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import WebSocket, { HandshakeError } from '../../../src/index.js';
import { EPOCH, useClock } from '../../support/clock.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { clientsIn, settled } from '../../support/memory-client.js';
import { useScope } from '../../support/scope.js';
import { type Loose, next } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const connect = clientsIn(scope);

const HERE = 'ws://server.example.com/chat';

/** A client whose server answers so. */
async function refused(response: string, options: Loose = {}) {
  const dialled = connect(HERE, options);
  const error = next<[HandshakeError]>(dialled.ws, 'error').then(([one]) => one);
  error.catch(() => {}); // a test may not wait for it
  await dialled.answer(() => response);
  return { ...dialled, error };
}

const head = (...fields: string[]): string =>
  `${['HTTP/1.1 429 Too Many Requests', ...fields].join('\r\n')}\r\n\r\n`;

test('the error has the status, the header fields, the body and Retry-After', async () => {
  const { error, events, ws } = await refused(
    `${head('Content-Length: 9', 'Retry-After: 7', 'Set-Cookie: a=1', 'Set-Cookie: b=2')}slow down`,
  );
  const one = await error;
  expect(one).toBeInstanceOf(HandshakeError);
  expect(one.message).toBe('Unexpected server response: 429');
  expect([one.code, one.status, one.retryAfter]).toEqual(['WS_ERR_UNEXPECTED_RESPONSE', 429, 7000]);
  expect(one.headers).toMatchObject({ 'retry-after': '7', 'set-cookie': ['a=1', 'b=2'] });
  expect(one.body).toEqual(Buffer.from('slow down'));
  await settled(events, 2);
  expect(events).toEqual(['error Unexpected server response: 429', 'close 1006']);
  expect(ws.closeInfo).toMatchObject({ by: 'peer', cause: 'handshake', error: one });
});

test('a log of the error has neither header fields nor body', async () => {
  const { error } = await refused(`${head('Content-Length: 6', 'Set-Cookie: a=1')}secret`);
  const one = await error;
  expect(inspect(one)).not.toMatch(/a=1|secret|retryAfter:/);
  expect(JSON.stringify(one)).not.toMatch(/a=1|headers|body|retryAfter/);
});

test('errors without a response have none of these', async () => {
  const { ws } = connect(HERE);
  const error = next<[HandshakeError]>(ws, 'error');
  ws.close();
  const [{ headers, body, retryAfter }] = await error;
  expect([headers, body, retryAfter]).toEqual([undefined, undefined, undefined]);
});

test('a Retry-After that is a date counts from now, if the response has no Date', async () => {
  clock.stop();
  const date = new Date(EPOCH + 5000).toUTCString();
  const { error } = await refused(head('Content-Length: 0', `Retry-After: ${date}`));
  expect((await error).retryAfter).toBe(5000);
});

describe('the body', () => {
  test.each([0, 1, 4095, 4096, 4097, 100_000])('of %i bytes: the first 4096', async (length) => {
    const { error } = await refused(`${head(`Content-Length: ${length}`)}${'x'.repeat(length)}`);
    expect((await error).body).toHaveLength(Math.min(length, 4096));
  });

  test('that is chunked', async () => {
    const { error } = await refused(
      `${head('Transfer-Encoding: chunked')}2\r\nno\r\n3\r\npe!\r\n0\r\n\r\n`,
    );
    expect(String((await error).body)).toBe('nope!');
  });

  test('that the server cuts off: what arrived', async () => {
    const { error, connections } = await refused(`${head('Content-Length: 9')}slow`);
    await turns();
    connections[0]?.wire.destroy();
    expect(String((await error).body)).toBe('slow');
  });

  test('that never ends: what arrived within a second, and TCP is closed', async () => {
    clock.stop();
    const { error, connections, events, ws } = await refused(`${head()}wait`);
    await turns();
    expect([ws.readyState, events]).toEqual([WebSocket.CLOSING, []]);
    clock.advance(999);
    await turns();
    expect(events).toEqual([]);
    clock.advance(1);
    expect(String((await error).body)).toBe('wait');
    await until(() => connections[0]?.inbox.ended === true, 'the client to close TCP');
    expect(clock.timerCount).toBe(0);
  });

  test('that never ends: no longer than handshakeTimeout, and the error is the refusal', async () => {
    clock.stop();
    const { error, events } = await refused(head(), { handshakeTimeout: 50 });
    await turns();
    clock.advance(49);
    await turns();
    expect(events).toEqual([]);
    clock.advance(1);
    expect((await error).status).toBe(429);
  });
});

test('a small refusal is emitted without a wait', async () => {
  clock.stop();
  const { error } = await refused(`${head('Content-Length: 2')}no`);
  expect((await error).status).toBe(429);
  expect(clock.timerCount).toBe(0);
});

test.each(['close', 'terminate'] as const)(
  '%s() while the body is read leaves the refusal as the error',
  async (method) => {
    clock.stop();
    const { error, ws, events } = await refused(`${head('Content-Length: 9')}slow`);
    await turns();
    ws[method]();
    clock.advance(1000);
    expect((await error).status).toBe(429);
    await settled(events, 2);
    expect(events).toEqual(['error Unexpected server response: 429', 'close 1006']);
  },
);

test('an agent that keeps connections alive reuses the socket after the body', async () => {
  const agent = new Agent({ keepAlive: true });
  scope().later(() => agent.destroy());
  const server = createServer((socket) => {
    void new Inbox(socket).message().then(() => socket.write(`${head('Content-Length: 2')}no`));
  });
  const port = await scope().listen(server);
  const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}`, { agent }));
  const [{ body }] = await next<[HandshakeError]>(ws, 'error');
  expect(String(body)).toBe('no');
  await turns();
  expect(Object.keys(agent.freeSockets)).toHaveLength(1);
});

test('with a listener of unexpected-response the body is left to it', async () => {
  const dialled = connect(HERE);
  dialled.ws.on('unexpected-response', () => {});
  await dialled.answer(() => `${head('Content-Length: 2')}no`);
  await turns();
  expect(dialled.events).toEqual([]);
});
