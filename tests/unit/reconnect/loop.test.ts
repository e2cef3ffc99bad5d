/** The loop of `reconnect`, with real connections. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { beforeEach, describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { type Reconnected, type ReconnectOptions, reconnect } from '../../../src/reconnect.js';
import { useClock } from '../../support/clock.js';
import { settle, watch } from '../../support/fake-connections.js';
import { until } from '../../support/inbox.js';
import { QuoteServer } from '../../support/quote-server.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();

beforeEach(() => {
  clock.stop();
  clock.useRandom(() => 0);
});

async function setUp(options: ReconnectOptions<Reconnected> = {}) {
  const server = await QuoteServer.start(scope());
  const loop = reconnect(`ws://127.0.0.1:${server.port}/`, options);
  return { server, loop };
}

/** The next connection. Delays pass at once. */
async function nextOf(loop: AsyncIterator<Reconnected, undefined>): Promise<Reconnected> {
  const outcome = watch(loop.next());
  await until(() => {
    clock.advance(1);
    return outcome.state !== 'pending';
  }, 'the next connection');
  if (outcome.value?.value === undefined) throw outcome.error ?? new Error('the loop has ended');
  return outcome.value.value;
}

describe('the loop', () => {
  test('a loop over messages ends without an error, and the next connection comes', async () => {
    const { server, loop } = await setUp({ resume: (socket) => socket.send('hello') });
    const codes: (number | undefined)[] = [];
    const messages: unknown[] = [];
    const run = async (): Promise<void> => {
      for await (const socket of loop) {
        for await (const message of socket) messages.push(message);
        codes.push(socket.closeInfo?.received?.code);
      }
    };
    const outcome = watch(run());
    const greeted = (n: number) =>
      until(() => {
        clock.advance(1);
        return server.subscriptions.length === n;
      }, `connection ${n}`);
    await greeted(1);
    server.send('one');
    await until(() => messages.length === 1, 'a message');
    for (const socket of server.sockets) socket.resetAndDestroy();
    await greeted(2);
    server.close(1011);
    await greeted(3);
    server.send('three');
    server.close(1000);
    await until(() => outcome.state !== 'pending', 'the end');
    expect(outcome).toEqual({ state: 'resolved', value: undefined });
    expect(codes).toEqual([undefined, 1011, 1000]);
    expect(messages).toEqual(['one', 'three']);
  });

  test('a connection that the body leaves open is closed with 1000', async () => {
    const { server, loop } = await setUp();
    const first = await nextOf(loop);
    const second = await nextOf(loop);
    expect(first.closeInfo).toMatchObject({ by: 'us', sent: { code: 1000 }, wasClean: true });
    expect(second.readyState).toBe(WebSocket.OPEN);
    expect(server.tokens).toHaveLength(2);
    await loop.return?.();
    await until(() => server.sockets.size === 0, 'the end');
  });

  test.each(['break', 'throw'])('%s closes the connection with 1000', async (how) => {
    const { server, loop } = await setUp();
    let socket: Reconnected | undefined;
    const run = async (): Promise<void> => {
      for await (socket of loop) {
        if (how === 'break') break;
        throw new Error('of the body');
      }
    };
    const outcome = watch(run());
    await until(() => outcome.state !== 'pending', 'the end');
    expect(outcome.error?.message).toBe(how === 'break' ? undefined : 'of the body');
    expect(socket?.closeInfo).toMatchObject({ by: 'us', received: { code: 1000 } });
    expect(await loop.next()).toEqual({ value: undefined, done: true });
    await until(() => server.sockets.size === 0, 'the end');
    expect(clock.timerCount).toBe(0);
  });

  test('calls of next wait for each other', async () => {
    const { server, loop } = await setUp();
    const outcomes = [loop.next(), loop.next(), loop.next()].map(watch);
    await until(() => {
      clock.advance(1);
      return outcomes.every(({ state }) => state === 'resolved');
    }, 'all three');
    const sockets = outcomes.map(({ value }) => value?.value?.readyState);
    expect(sockets).toEqual([WebSocket.CLOSED, WebSocket.CLOSED, WebSocket.OPEN]);
    expect(server.tokens).toHaveLength(3);
    await loop.return?.();
  });

  test('return while an attempt is in progress ends it', async () => {
    const { server, loop } = await setUp();
    server.refuse = () => ({ status: 503 });
    const outcome = watch(loop.next());
    await until(() => server.tokens.length === 1, 'an attempt');
    await loop.return?.();
    await settle();
    expect(outcome).toEqual({ state: 'resolved', value: { value: undefined, done: true } });
    await until(() => server.sockets.size === 0, 'the end');
    expect(clock.timerCount).toBe(0);
  });

  test('a fatal status is thrown as a HandshakeError', async () => {
    const { server, loop } = await setUp();
    server.refuse = () => ({ status: 403 });
    await expect(loop.next()).rejects.toMatchObject({ status: 403 });
    expect(await loop.next()).toEqual({ value: undefined, done: true });
  });

  test('connectTimeout fails an attempt that a server does not answer', async () => {
    const silent = createServer();
    const port = await scope().listen(silent);
    const attempt = reconnect(`ws://127.0.0.1:${port}/`, { connectTimeout: 700, maxAttempts: 1 });
    const outcome = watch(attempt.next());
    await once(silent, 'connection');
    clock.advance(699);
    await settle();
    expect(outcome.state).toBe('pending');
    clock.advance(1);
    await settle();
    expect(outcome.error).toMatchObject({ code: 'WS_ERR_HANDSHAKE_TIMEOUT' });
  });
});

describe('resume', () => {
  test('messages that arrive meanwhile are given to the loop', async () => {
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { server, loop } = await setUp({
      resume: async (socket) => {
        socket.send('ready');
        await gate;
      },
    });
    const outcome = watch(loop.next());
    await until(() => server.subscriptions.length === 1, 'the subscription');
    for (const text of ['a', 'b', 'c']) server.send(text);
    server.close(1001);
    await settle();
    go();
    await until(() => outcome.state === 'resolved', 'the connection');
    const received: unknown[] = [];
    for await (const message of outcome.value?.value ?? []) received.push(message);
    expect(received).toEqual(['a', 'b', 'c']);
    await loop.return?.();
  });

  test('it may read the first messages itself, and the loop gets the others', async () => {
    const { server, loop } = await setUp({
      resume: async (socket) => {
        socket.send('login');
        for await (const answer of socket) if (answer === 'welcome') break;
      },
    });
    const outcome = watch(loop.next());
    await until(() => server.subscriptions.length === 1, 'the login');
    for (const text of ['wait', 'welcome', 'a', 'b']) server.send(text);
    server.close(1001);
    await until(() => outcome.state === 'resolved', 'the connection');
    const received: unknown[] = [];
    for await (const message of outcome.value?.value ?? []) received.push(message);
    expect(received).toEqual(['a', 'b']);
    await loop.return?.();
  });

  test('a stalled server during resume does not delay the next attempt by closeTimeout', async () => {
    const { server, loop } = await setUp({
      connectTimeout: 1000,
      resume: () => {
        if (server.tokens.length > 1) return undefined;
        server.stall();
        return new Promise(() => {});
      },
    });
    const outcome = watch(loop.next());
    await until(() => server.sockets.size === 1 && server.tokens.length === 1, 'a connection');
    await until(() => {
      clock.advance(10);
      return outcome.state !== 'pending';
    }, 'the next connection');
    expect(clock.elapsed).toBeLessThan(30_000);
    await loop.return?.();
  });
});

describe('the class', () => {
  class Named extends WebSocket {
    label = 'mine';
  }

  test('the option WebSocket gives connections of a subclass', async () => {
    const server = await QuoteServer.start(scope());
    const loop = reconnect(`ws://127.0.0.1:${server.port}/`, { WebSocket: Named });
    const { value: socket } = await loop.next();
    expect(socket).toBeInstanceOf(Named);
    expect([socket?.label, socket?.constructor.name]).toEqual(['mine', 'Named']);
    await loop.return?.();
  });

  test('a token is not sent to another host by a redirect', async () => {
    const other = await QuoteServer.start(scope());
    const { server } = await setUp();
    server.refuse = () => ({
      status: 302,
      fields: [`Location: ws://localhost:${other.port}/`],
    });
    const url = `ws://127.0.0.1:${server.port}/`;
    const loop = reconnect(url, { token: 'abc', followRedirects: true });
    await loop.next();
    expect([server.tokens, other.tokens]).toEqual([['Bearer abc'], [undefined]]);
    await loop.return?.();
  });
});
