/** ReconnectingWebSocket: `close()` and `signal` end it in every state, with one last 'close'. */

import { describe, expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { uncaughtOrRejected } from '../../support/process-events.js';
import { ReconnectingClient } from '../../support/reconnecting-client.js';
import { useScope } from '../../support/scope.js';
import type { Loose } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

/** Leads a client to a state. */
const STATES: Record<string, (options: Loose) => Promise<ReconnectingClient>> = {
  'before the first attempt': async (options) => new ReconnectingClient(scope(), options),
  'while a function of the options is called': async (options) => {
    let calls = 0;
    const token = () => {
      calls++;
      return new Promise(() => {});
    };
    const client = new ReconnectingClient(scope(), { token, ...options });
    await until(() => calls === 1, 'the call');
    return client;
  },
  'while connecting': async (options) => {
    const client = new ReconnectingClient(scope(), options);
    client.network = 'silent';
    await until(() => client.attempts === 1, 'the attempt');
    return client;
  },
  'in resume': async (options) => {
    let calls = 0;
    const resume = () => {
      calls++;
      return new Promise(() => {});
    };
    const client = new ReconnectingClient(scope(), { resume, ...options });
    await until(() => calls === 1, 'the call');
    return client;
  },
  'while waiting': async (options) => {
    const client = new ReconnectingClient(scope(), options);
    (await client.peer()).ws.close(1012);
    await client.seen('close');
    await until(() => clock.timerCount === 1, 'the delay');
    client.events.length = 0;
    return client;
  },
};

const WAYS: Record<string, (client: ReconnectingClient, controller: AbortController) => void> = {
  'close()': ({ ws }) => ws.close(),
  'close(4000)': ({ ws }) => ws.close(4000, 'enough'),
  signal: (_client, controller) => controller.abort(),
};

describe.each(Object.entries(WAYS))('%s', (_way, end) => {
  test.each(Object.entries(STATES))('%s', async (_state, reach) => {
    clock.stop();
    const controller = new AbortController();
    const client = await reach({ signal: controller.signal });
    const before = client.attempts;
    end(client, controller);
    expect(client.ws.readyState).toBe(2);
    await client.ended();
    clock.advance(100_000);
    await turns();
    expect(client.events).toEqual(["close 1006 '' unclean in 3"]);
    expect([client.attempts, clock.timerCount]).toEqual([before, 0]);
  });

  test('with a connection: its Close', async () => {
    clock.stop();
    const controller = new AbortController();
    const client = new ReconnectingClient(scope(), { signal: controller.signal });
    await client.seen('open');
    end(client, controller);
    expect(client.ws.readyState).toBe(2);
    (await client.peer()).ws.send('too late');
    await client.ended();
    clock.advance(100_000);
    await turns();
    const code = { 'close()': 1005, 'close(4000)': 4000, signal: 1000 }[_way];
    const reason = code === 4000 ? 'enough' : '';
    expect(client.events).toEqual(['open in 1', `close ${code} '${reason}' clean in 3`]);
    expect([client.attempts, clock.timerCount]).toEqual([1, 0]);
  });
});

test.each(['open', 'close', 'error', 'message'])("close() in a listener of '%s'", async (type) => {
  clock.stop();
  const client = new ReconnectingClient(scope());
  client.ws.addEventListener(type, () => client.ws.close());
  const { ws } = await client.peer();
  ws.send('one');
  if (type === 'close' || type === 'error') {
    await client.seen('open');
    ws.terminate();
  }
  await client.ended();
  clock.advance(100_000);
  await turns();
  expect(client.ws.readyState).toBe(3);
  expect(client.events.at(-1)).toMatch(/^close .* in 3$/);
  expect(client.events.filter((event) => event.endsWith('in 3')).length).toBe(1);
  expect([client.attempts, clock.timerCount]).toEqual([1, 0]);
});

test('a signal that is aborted before: nothing but close', async () => {
  const client = new ReconnectingClient(scope(), { signal: AbortSignal.abort() });
  expect(client.ws.readyState).toBe(2);
  await client.ended();
  expect([client.events, client.attempts]).toEqual([["close 1006 '' unclean in 3"], 0]);
});

test('a second close() changes nothing', async () => {
  const client = new ReconnectingClient(scope());
  await client.seen('open');
  client.ws.close(4000, 'first');
  client.ws.close(4001, 'second');
  await client.ended();
  client.ws.close();
  await turns();
  expect(client.events).toEqual(['open in 1', "close 4000 'first' clean in 3"]);
});

test.each([
  [[1001], 'InvalidAccessError'],
  [[1000, 'x'.repeat(124)], 'SyntaxError'],
])('close(%p) is refused, as in browsers', async (args, name) => {
  const client = new ReconnectingClient(scope());
  expect(() => client.ws.close(...(args as []))).toThrow(expect.objectContaining({ name }));
  await client.seen('open');
});

test('an exception of a listener does not stop it', async () => {
  clock.stop();
  const client = new ReconnectingClient(scope());
  client.ws.onclose = () => {
    if (client.ws.readyState === 0) throw new Error('of a listener');
  };
  await client.seen('open');
  const uncaught = uncaughtOrRejected(scope());
  (await client.peer()).ws.close(1012);
  await client.seen('close');
  await turns();
  clock.advance(100);
  await client.seen('open', 2);
  expect(uncaught).toEqual(['uncaughtException of a listener']);
});
