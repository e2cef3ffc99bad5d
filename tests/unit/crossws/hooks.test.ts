/** The hooks of a connection: their order, and what becomes of their errors. */

import { describe, expect, test } from '@jest/globals';
import type { AdapterOptions, Hooks, WSError } from '../../../src/crossws.js';
import { crosswsServer } from '../../support/crossws-server.js';
import { turns, until } from '../../support/inbox.js';
import { uncaughtOrRejected, useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { next } from '../../support/websockets.js';

const scope = useScope();
const warnings = useWarnings(scope);

/** A promise for each call, which the test settles. */
function gates() {
  const waiting: (() => void)[] = [];
  const wait = () => new Promise<void>((resolve) => waiting.push(resolve));
  const release = () => waiting.shift()?.();
  return { waiting, wait, release };
}

/** Hooks that note when they begin and end, and wait for the test. */
function slowHooks() {
  const log: string[] = [];
  const gate = gates();
  const slow = (name: string) => async (): Promise<void> => {
    log.push(name);
    await gate.wait();
    log.push(`${name} ended`);
  };
  const hooks: Partial<Hooks> = {
    open: slow('open'),
    message: (_, message) => slow(message.text())(),
    close: slow('close'),
  };
  return { hooks, log, ...gate };
}

describe('open, message and close', () => {
  test('each begins when the one before has ended', async () => {
    const { hooks, log, release, waiting } = slowHooks();
    const { join } = crosswsServer(scope(), { hooks });
    const { client } = await join();
    for (const text of ['one', 'two']) client.send(text);
    client.close();
    await turns();
    expect(log).toEqual(['open']);
    for (let i = 0; i < 4; i++) {
      release();
      await until(() => waiting.length === 1 || i === 3, 'the next hook');
    }
    await turns();
    const order = ['open', 'one', 'two', 'close'];
    expect(log).toEqual(order.flatMap((name) => [name, `${name} ended`]));
  });

  test('a hook that is slow stops reading, so that few messages wait', async () => {
    let isBlocked = true;
    const { wait, release } = gates();
    const received: string[] = [];
    const { adapter, join } = crosswsServer(scope(), {
      hooks: {
        message: (_, message) => {
          received.push(message.text().slice(0, 4));
          return isBlocked ? wait() : undefined;
        },
      },
    });
    const { client } = await join();
    const [socket] = adapter.server.clients;
    for (let i = 0; i < 200; i++) client.send(`${1000 + i}${'.'.repeat(20_000)}`);
    await turns(50);
    expect(received).toHaveLength(1);
    expect(socket?.stats().messages.received).toBeLessThan(40);
    isBlocked = false;
    release();
    await until(() => received.length === 200, 'all messages');
    expect(received).toEqual(Array.from({ length: 200 }, (_, i) => `${1000 + i}`));
  });

  test('concurrentMessages gives each message at once', async () => {
    const { hooks, log } = slowHooks();
    const { open: _, ...others } = hooks;
    const { join } = crosswsServer(scope(), { hooks: others, concurrentMessages: true });
    const { client } = await join();
    for (const text of ['one', 'two']) client.send(text);
    client.close();
    await until(() => log.length === 3, 'three hooks');
    expect(log).toEqual(['one', 'two', 'close']);
  });

  test('hooks that are not async run in the turn of the message', async () => {
    const log: string[] = [];
    const { join } = crosswsServer(scope(), {
      hooks: {
        open: () => void log.push('open'),
        message: (peer, message) => void log.push(`${message}`, String(peer.send(message.text()))),
        close: (_, { code, reason }) => void log.push(`close ${code} ${reason}`),
      },
    });
    const { client, received } = await join();
    client.send('one');
    client.send('two');
    client.close(4000, 'enough');
    await until(() => log.length === 6, 'the hooks');
    expect(log.filter((line) => !/^\d+$/.test(line))).toEqual([
      'open',
      'one',
      'two',
      'close 4000 enough',
    ]);
    expect(received).toEqual(['one', 'two']);
  });

  test('the peer is not among the others when close is called', async () => {
    const sizes: number[] = [];
    const { adapter, join } = crosswsServer(scope(), {
      hooks: { close: (peer) => void sizes.push(peer.peers.size) },
    });
    const members = [await join('/room'), await join('/room')];
    expect(adapter.peers.get('/room')?.size).toBe(2);
    for (const { client } of members) {
      client.close();
      await next(client, 'close');
    }
    await until(() => sizes.length === 2, 'two ends');
    expect(sizes).toEqual([1, 0]);
    expect([...adapter.peers.keys()]).toEqual([]); // a path that a client invents leaves no trace
  });

  test('a message hook may wait for drain, ping and pong', async () => {
    const log: string[] = [];
    let isPinged = (): void => {};
    const { join } = crosswsServer(scope(), {
      hooks: {
        message: async (peer) => {
          peer.ping('abc');
          await new Promise<void>((resolve) => {
            isPinged = resolve;
          });
          log.push('message ended');
        },
        pong: (_, data) => {
          log.push(`pong ${Buffer.from(data)}`);
          isPinged();
        },
        ping: (_, data) => void log.push(`ping ${Buffer.from(data)}`),
      },
    });
    const { client } = await join();
    client.ping('xyz');
    client.send('go');
    await until(() => log.length === 3, 'three lines');
    expect(log).toEqual(['ping xyz', 'pong abc', 'message ended']);
  });
});

test('drain is called when what waited has left, also after publish', async () => {
  let drains = 0;
  const { adapter, join } = crosswsServer(scope(), {
    hooks: { open: (peer) => void peer.subscribe('all'), drain: () => void drains++ },
  });
  const { client, received } = await join();
  client.pause();
  const large = 'x'.repeat(300_000);
  for (let i = 0; i < 5; i++) adapter.publish('all', large);
  await turns();
  expect(drains).toBe(0);
  client.resume();
  await until(() => received.length === 5, 'the messages');
  await until(() => drains === 1, 'drain');
});

describe('an error of a hook', () => {
  const failing: [string, () => never | Promise<never>][] = [
    [
      'thrown',
      () => {
        throw new Error('broken');
      },
    ],
    ['a rejection', () => Promise.reject(new Error('broken'))],
  ];

  test.each(failing)('%s goes to the hook error, and the connection stays', async (_, fail) => {
    const lost = uncaughtOrRejected(scope());
    const errors: WSError[] = [];
    const received: string[] = [];
    const { join } = crosswsServer(scope(), {
      hooks: {
        open: fail,
        message: (_, message) => {
          received.push(message.text());
          return fail();
        },
        error: (_, error) => void errors.push(error),
        close: fail,
      },
    });
    const { client } = await join();
    client.send('one');
    client.send('two');
    await until(() => errors.length === 3, 'three errors');
    client.close();
    await until(() => errors.length === 4, 'the error of close');
    expect(received).toEqual(['one', 'two']);
    expect(errors[0]?.name).toBe('WSError');
    expect(errors.map(({ message, cause }) => [message, (cause as Error).message])).toEqual(
      Array(4).fill(['broken', 'broken']),
    );
    expect(lost).toEqual([]);
  });

  test.each(failing)('%s without a hook error: a warning, and 1011', async (_, fail) => {
    const lost = uncaughtOrRejected(scope());
    const { join } = crosswsServer(scope(), { hooks: { message: fail } });
    const { client } = await join();
    client.send('one');
    const [code] = await next<[number]>(client, 'close');
    expect(code).toBe(1011);
    await turns();
    expect(warnings('WS6455_CALLBACK_ERROR')).toEqual([
      expect.stringContaining('there is no hook `error`: Error: broken'),
    ]);
    expect(lost).toEqual([]);
  });

  test.each(failing)('%s of the hook error is a warning', async (_, fail) => {
    const lost = uncaughtOrRejected(scope());
    const { join } = crosswsServer(scope(), { hooks: { message: fail, error: fail } });
    const { client } = await join();
    client.send('one');
    await until(() => warnings('WS6455_CALLBACK_ERROR').length === 1, 'a warning');
    expect(client.readyState).toBe(1);
    expect(lost).toEqual([]);
  });

  test('that of the connection goes there as well', async () => {
    const errors: string[] = [];
    const { join } = crosswsServer(scope(), {
      hooks: { error: (_, { message }) => void errors.push(message) },
      serverOptions: { maxPayload: 10 },
    });
    const { client } = await join();
    client.send('x'.repeat(11));
    await next(client, 'close');
    await until(() => errors.length === 1, 'an error');
    expect(errors[0]).toBe('Max payload size exceeded');
  });
});

test('the hooks of resolve are called after those of the adapter; it is called once', async () => {
  const log: string[] = [];
  const note = (name: string) => async () => void log.push(name);
  const options: AdapterOptions = {
    hooks: { open: note('own open'), message: note('own message') },
    resolve: async ({ url }) => {
      log.push(new URL(url).pathname);
      return { open: note('open'), message: note('message'), close: note('close') };
    },
  };
  const { join } = crosswsServer(scope(), options);
  const { client } = await join('/chat');
  client.send('hello');
  client.close();
  await until(() => log.length === 6, 'all hooks');
  expect(log).toEqual(['/chat', 'own open', 'open', 'own message', 'message', 'close']);
});
