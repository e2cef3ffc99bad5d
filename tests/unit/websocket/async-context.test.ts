/** Listeners and callbacks run in the asynchronous context of their own connection. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { next, serve } from '../../support/websockets.js';

const scope = useScope();
const storage = new AsyncLocalStorage<string>();
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

test.each([
  ['small', 10],
  ['large compressed', 300_000],
])('%s messages of many connections at once', async (_name, size) => {
  const perMessageDeflate = { threshold: 0 };
  const wss = serve(scope(), { port: 0, host: '127.0.0.1', perMessageDeflate });
  wss.on('connection', (ws) => ws.on('message', (data) => ws.send(data, { binary: false })));
  await next(wss, 'listening');
  const { port } = wss.address() as { port: number };
  const seen: string[] = [];
  for (const name of NAMES) {
    storage.run(name, () => {
      const options = { perMessageDeflate };
      const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`, options));
      client.on('open', () => {
        const callback = (): unknown => seen.push(`${name} sent in ${storage.getStore()}`);
        client.send(name.repeat(size), callback);
      });
      client.on('message', () => seen.push(`${name} came in ${storage.getStore()}`));
    });
  }
  await until(() => seen.length === 2 * NAMES.length, 'all messages');
  const expected = NAMES.flatMap((name) => [`${name} came in ${name}`, `${name} sent in ${name}`]);
  expect(seen.sort()).toEqual(expected);
});
