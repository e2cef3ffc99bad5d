/** Floods through `toStream()`, to a reader that is slow and from a writer that is not: bounded memory. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { MIB, memoryInUse } from '../../support/memory.js';
import { useScope } from '../../support/scope.js';
import { serve, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();

const SIZE = 64 * 1024;
const COUNT = 1024; // 64 MiB

async function pair(): Promise<{ ws: WebSocketInstance; client: WebSocketInstance }> {
  const server = serve(scope(), { port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connected = once(server, 'connection');
  const client = scope().track(await WebSocket.connect(`ws://127.0.0.1:${port}`));
  const [ws] = (await connected) as [WebSocketInstance];
  return { ws, client };
}

/** Writes all, as fast as the stream lets it. @returns how much was written by now */
function flood(writable: WritableStream): { count: number; done: Promise<void> } {
  const state = { count: 0, done: Promise.resolve() };
  const writer = writable.getWriter();
  const write = async (): Promise<void> => {
    for (; state.count < COUNT; state.count++) {
      const payload = Buffer.alloc(SIZE);
      payload.writeUInt32BE(state.count);
      await writer.write(payload);
    }
    await writer.close();
  };
  state.done = write();
  return state;
}

test.each(['server', 'client'] as const)('a flood of a %s waits at its writer', async (sender) => {
  const { ws, client } = await pair();
  const [from, to] = sender === 'server' ? [ws, client] : [client, ws];
  const before = await memoryInUse();
  const reader = to.toStream().readable.getReader();
  const sent = flood(from.toStream().writable as WritableStream);
  await turns(200); // the kernel is full: everything else waits at the writer
  expect(sent.count).toBeLessThan(COUNT / 2);
  let peak = 0;
  for (let count = 0; count < COUNT; count++) {
    const { value } = await reader.read();
    expect(Buffer.from(value as Uint8Array).readUInt32BE()).toBe(count);
    if (count % 128 !== 0) continue;
    await turns(20);
    peak = Math.max(peak, (await memoryInUse()) - before);
  }
  expect((await reader.read()).done).toBe(true);
  await sent.done;
  await until(() => ws.closeInfo !== undefined && client.closeInfo !== undefined, 'the end');
  expect([ws.closeInfo?.wasClean, client.closeInfo?.wasClean]).toEqual([true, true]);
  expect(peak / MIB).toBeLessThan(8);
});
