/** Servers that answer late or never: C5 and C6 of THREATS.md. */

import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { MemoryClient } from '../../support/memory-client.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { type ClientOptions, recordEvents } from '../../support/websockets.js';
import { URL_OF_SERVER, useFailingClients } from './scene.js';

const scope = useScope();
const clock = useClock();
const expectFailure = useFailingClients(scope);

describe('C5, C6: deadlines', () => {
  const TIMED_OUT = 'Opening handshake has timed out';

  test('C5: silence is refused at the deadline', async () => {
    const begun = performance.now();
    const client = new MemoryClient(scope(), URL_OF_SERVER, { handshakeTimeout: 50 });
    expect(await client.failed()).toBe(TIMED_OUT);
    expect(performance.now() - begun).toBeGreaterThan(45);
  });

  test('C5: half a response is refused at the deadline', async () => {
    const half = (key: string): string => upgradeResponse(key).slice(0, -2);
    expect(await expectFailure(half, { handshakeTimeout: 50 })).toBe(TIMED_OUT);
  });

  test('C5: no connection at all is refused at the deadline', async () => {
    const options = { handshakeTimeout: 50, lookup: () => {} } as unknown as ClientOptions;
    const ws = new WebSocket('ws://server.example.com/', options);
    const events = recordEvents(scope().track(ws));
    await until(() => events.length === 2, 'the end');
    expect(events).toEqual([`error ${TIMED_OUT}`, 'close 1006']);
  });

  test.each(['ws', 'wss'])(
    'C5: silence over TCP is refused at the deadline, %s',
    async (scheme) => {
      let closed = 0;
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', () => {});
        socket.on('close', () => (closed += 1));
      });
      const port = await scope().listen(server);
      const ws = new WebSocket(`${scheme}://127.0.0.1:${port}/`, { handshakeTimeout: 80 });
      const events = recordEvents(scope().track(ws));
      await until(() => events.length === 2, 'the end');
      expect(events).toEqual([`error ${TIMED_OUT}`, 'close 1006']);
      await until(() => closed === 1, 'the client to close the connection');
    },
  );

  test('C5: once open, the deadline is over', async () => {
    clock.stop();
    const client = new MemoryClient(scope(), URL_OF_SERVER, { handshakeTimeout: 60 });
    await client.answer((key) => upgradeResponse(key));
    await until(() => client.events.length > 0, 'an event');
    clock.advance(1_000);
    await turns();
    expect(client.events).toEqual(['open']);
  });

  test('C6: a response that drips is refused at the deadline', async () => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, { handshakeTimeout: 100 });
    const { wire, inbox } = await client.connection();
    const request = await inbox.message();
    const drops = Array.from(upgradeResponse(keyOf(request), `X: ${'a'.repeat(9_000)}`));
    const drip = setInterval(() => {
      const drop = drops.shift();
      if (drop !== undefined && wire.writable) wire.write(drop);
    }, 5);
    const message = await client.failed().finally(() => clearInterval(drip));
    expect(message).toBe(TIMED_OUT);
    expect(drops.length).toBeGreaterThan(0);
  });

  test('C6: interim responses without end are refused at the deadline', async () => {
    const client = new MemoryClient(scope(), URL_OF_SERVER, { handshakeTimeout: 100 });
    const { wire, inbox } = await client.connection();
    await inbox.message();
    const flood = setInterval(() => {
      if (wire.writable) wire.write('HTTP/1.1 100 Continue\r\n\r\n');
    }, 5);
    expect(await client.failed().finally(() => clearInterval(flood))).toBe(TIMED_OUT);
  });

  test('C6: each redirect has a deadline of its own', async () => {
    clock.stop();
    const options = { handshakeTimeout: 2_000, followRedirects: true };
    const client = new MemoryClient(scope(), URL_OF_SERVER, options);
    await client.connection();
    clock.advance(1_200);
    await client.answer(() => 'HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n');
    await client.connection(1);
    clock.advance(1_200);
    await client.answer((key) => upgradeResponse(key), 1);
    await until(() => client.events.length > 0, 'an event');
    expect(client.events).toEqual(['open']);
  });
});
