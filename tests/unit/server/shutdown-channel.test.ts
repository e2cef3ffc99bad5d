/** What is published of a shutdown. */

import { expect, test } from '@jest/globals';
import { record } from '../../support/channels.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import { connectPair } from '../../support/websockets.js';

const scope = useScope();
const { startServer } = useServers(scope);

test('its beginning, before the event, and its end', async () => {
  const seen = record(scope(), 'shutdown');
  const { wss } = await connectPair(scope());
  const before: number[] = [];
  wss.on('draining', () => before.push(seen.length));
  await Promise.all([wss.shutdown(), wss.shutdown()]);
  expect(seen).toEqual([
    ['shutdown', { server: wss, state: 'draining', open: 1 }],
    ['shutdown', { server: wss, state: 'closed', open: 0 }],
  ]);
  expect(before).toEqual([1]);
});

test('a client that it refuses', async () => {
  const seen = record(scope(), 'refusal');
  const { wss, ask, answer } = startServer();
  const { inbox } = ask();
  expect((await inbox.message()).status).toBe(101);
  const done = wss.shutdown({ timeout: 50 });
  expect((await answer()).status).toBe(503);
  inbox.stream.destroy();
  await done;
  expect(seen).toMatchObject([['refusal', { server: wss, reason: 'closing', status: 503 }]]);
});
