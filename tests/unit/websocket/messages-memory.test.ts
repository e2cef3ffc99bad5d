/** A flood into a loop that takes 10 ms for each message: bounded memory, all in order. */

import { expect, test } from '@jest/globals';
import { time } from '../../../src/connection/time.js';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';
import { MIB, memoryInUse } from '../../support/memory.js';
import { useScope } from '../../support/scope.js';
import { serve } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

const SIZE = 64 * 1024;
const COUNT = 1024; // 64 MiB

test('a flood of 64 MiB waits at the sender', async () => {
  const server = serve(scope(), { port: 0 });
  await new Promise((listening) => server.on('listening', listening));
  const { port } = server.address() as { port: number };
  const flooded = new Promise<void>((resolve, reject) => {
    server.on('connection', async (socket) => {
      const payload = Buffer.alloc(SIZE);
      for (let i = 0; i < COUNT; i++) {
        payload.writeUInt32BE(i);
        await socket.sent(Buffer.from(payload)).catch(reject);
      }
      socket.close(1000);
      resolve();
    });
  });
  clock.stop();
  const before = await memoryInUse();
  const client = scope().track(await WebSocket.connect(`ws://127.0.0.1:${port}`));
  let peak = 0;
  let count = 0;
  for await (const data of client) {
    expect((data as Buffer).readUInt32BE()).toBe(count++);
    const pause = new Promise<void>((over) => time.setTimeout(over, 10));
    if (count % 128 === 0) {
      await turns(20); // the kernel is full: everything else waits at the sender
      peak = Math.max(peak, (await memoryInUse()) - before);
    }
    clock.advance(10);
    await pause;
  }
  await flooded;
  expect(count).toBe(COUNT);
  expect(client.closeInfo).toMatchObject({ wasClean: true });
  expect(peak / MIB).toBeLessThan(8);
});
