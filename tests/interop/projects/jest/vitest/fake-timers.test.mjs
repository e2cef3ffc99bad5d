/** Vitest's fake timers, switched on before and after the package was loaded. */
import { afterEach, expect, test, vi } from 'vitest';
import { closed, pair } from '../support.js';

afterEach(() => vi.useRealTimers());

const TEXTS = ['a', 'b', 'c'];

async function works(WebSocket) {
  const connection = await pair({ WebSocket });
  for (const text of TEXTS) connection.client.send(text);
  for (const text of TEXTS) expect(await connection.received.next()).toBe(text);
  connection.server.pause();
  connection.client.send('d');
  connection.server.resume();
  expect(await connection.received.next()).toBe('d');
  expect(await closed(connection)).toEqual([4001, 4001]);
}

test('loaded under real timers, used under fake ones', async () => {
  const { default: WebSocket } = await import('ws6455');
  vi.useFakeTimers();
  await works(WebSocket);
});

test('loaded anew under fake timers', async () => {
  vi.resetModules();
  vi.useFakeTimers();
  const { default: WebSocket } = await import('ws6455');
  await works(WebSocket);
});

// Node's own sockets need `nextTick`, so that it can be a fake one for a moment only.
test.each([undefined, { toFake: ['nextTick', 'setImmediate', 'setTimeout'] }])(
  'sent under fake timers and under real ones: %j',
  async (options) => {
    const connection = await pair();
    vi.useFakeTimers(options);
    connection.client.send('a');
    connection.client.send('b');
    vi.useRealTimers();
    connection.client.send('c');
    for (const text of TEXTS) expect(await connection.received.next()).toBe(text);
    await closed(connection);
  },
);
