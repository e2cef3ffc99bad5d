/** What a program gives wrongly, and callbacks of it that fail. */

import { inspect } from 'node:util';
import { expect, test } from '@jest/globals';
import type { Hooks, Message, Peer, SyncMessage } from '../../../src/crossws.js';
import WebSocket from '../../../src/index.js';
import { crosswsServer } from '../../support/crossws-server.js';
import { turns, until } from '../../support/inbox.js';
import { uncaughtOrRejected, useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const warnings = useWarnings(scope);

test('a driver of sync gets the bytes that the connections get', async () => {
  const published: SyncMessage[] = [];
  const sync = () => ({ subscribe() {}, publish: (one: SyncMessage) => void published.push(one) });
  const { adapter } = crosswsServer(scope(), { sync });
  const bytes = Uint8Array.of(1, 2, 3, 4);
  for (const data of [
    new Uint16Array(bytes.buffer),
    new DataView(bytes.buffer),
    bytes.buffer,
    WebSocket.prepareMessage(bytes),
  ]) {
    adapter.publish('news', data);
  }
  expect(published.map(({ data }) => [...Buffer.from(data)])).toEqual(
    Array.from({ length: 4 }, () => [1, 2, 3, 4]),
  );
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('by onError');
    },
  ],
  ['rejects', () => Promise.reject(new Error('by onError'))],
])('an onError that %s is a warning', async (_, onError) => {
  const lost = uncaughtOrRejected(scope());
  const publish = () => Promise.reject(new Error('broken'));
  const { adapter } = crosswsServer(scope(), {
    sync: () => ({ subscribe() {}, publish }),
    onError: onError as () => void,
  });
  adapter.publish('news', 'x');
  await turns();
  expect(lost).toEqual([]);
  expect(warnings('WS6455_CALLBACK_ERROR')).toEqual([expect.stringContaining('by onError')]);
});

test('a topic that cannot be one is not among the topics of the peer', async () => {
  const topics: unknown[] = [];
  const { join } = crosswsServer(scope(), {
    hooks: {
      open(peer) {
        expect(() => peer.subscribe('\ud800')).toThrow(TypeError);
        topics.push([...peer.topics]);
      },
    },
  });
  await join();
  await until(() => topics.length === 1, 'the hook open');
  expect(topics).toEqual([[]]);
});

test('a message with the binaryType blob can be inspected', async () => {
  const messages: Message[] = [];
  const { join } = crosswsServer(scope(), {
    hooks: {
      open: (peer) => Object.assign(peer.websocket, { binaryType: 'blob' }) && undefined,
      message: (_, message) => void messages.push(message),
    },
  });
  const { client } = await join();
  client.send(Buffer.from('x'));
  await until(() => messages.length === 1, 'a message');
  expect(inspect(messages[0])).toContain('Blob');
});

test('the hooks of resolve may use this', async () => {
  const log: string[] = [];
  class Room implements Partial<Hooks> {
    private readonly name = 'lobby';
    open(_: Peer): void {
      log.push(this.name);
    }
  }
  const { join } = crosswsServer(scope(), { resolve: () => new Room() });
  await join();
  await until(() => log.length === 1, 'the hook open');
  expect(log).toEqual(['lobby']);
});

test('any number of calls of waitForDrain have one listener, and leave none', async () => {
  const peers: Peer[] = [];
  const { join } = crosswsServer(scope(), { hooks: { open: (peer) => void peers.push(peer) } });
  const { client } = await join();
  await until(() => peers.length === 1, 'a peer');
  const [peer] = peers as [Peer];
  const counts = () => ['drain', 'close'].map((name) => peer.websocket.listenerCount(name));
  const before = counts();
  client.pause();
  for (let i = 0; i < 100; i++) peer.send(Buffer.alloc(100_000));
  const aborted = new AbortController();
  const first = peer.waitForDrain({ signal: aborted.signal });
  const waits = Array.from({ length: 20 }, () => peer.waitForDrain());
  expect(counts()).toEqual(before.map((count) => count + 1));
  aborted.abort(new Error('over'));
  await expect(first).rejects.toThrow('over');
  client.resume();
  await Promise.all(waits);
  expect(counts()).toEqual(before);
  await peer.waitForDrain();
  client.terminate();
});
