/** Servers that answer late or never: C5 and C6 of THREATS.md. */

import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { Dialer } from '../../support/memory-client.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { attend, type FaceOptions } from '../../support/websockets.js';
import { URL_OF_SERVER, useFailures } from './scene.js';

const scope = useScope();
const clock = useClock();
const expectFailure = useFailures(scope);

describe('C5, C6: deadlines', () => {
  const TIMED_OUT = 'Opening handshake has timed out';

  test('C5: silence is refused at the deadline', async () => {
    const begun = performance.now();
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 50 });
    expect(await dialer.failed()).toBe(TIMED_OUT);
    expect(performance.now() - begun).toBeGreaterThan(45);
  });

  test('C5: half a response is refused at the deadline', async () => {
    const half = (key: string): string => upgradeResponse(key).slice(0, -2);
    expect(await expectFailure(half, { handshakeTimeout: 50 })).toBe(TIMED_OUT);
  });

  test('C5: no connection at all is refused at the deadline', async () => {
    const options = { handshakeTimeout: 50, lookup: () => {} } as unknown as FaceOptions;
    const ws = new WebSocket('ws://server.example.com/', options);
    const events = attend(scope().track(ws));
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
      const events = attend(scope().track(ws));
      await until(() => events.length === 2, 'the end');
      expect(events).toEqual([`error ${TIMED_OUT}`, 'close 1006']);
      await until(() => closed === 1, 'the client to hang up');
    },
  );

  test('C5: once open, the deadline is over', async () => {
    clock.stop();
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 60 });
    await dialer.answer((key) => upgradeResponse(key));
    await until(() => dialer.events.length > 0, 'an event');
    clock.advance(1_000);
    await turns();
    expect(dialer.events).toEqual(['open']);
  });

  test('C6: a response that drips is refused at the deadline', async () => {
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 100 });
    const { wire, inbox } = await dialer.arrival();
    const request = await inbox.message();
    const drops = Array.from(upgradeResponse(keyOf(request), `X: ${'a'.repeat(9_000)}`));
    const drip = setInterval(() => {
      const drop = drops.shift();
      if (drop !== undefined && wire.writable) wire.write(drop);
    }, 5);
    const message = await dialer.failed().finally(() => clearInterval(drip));
    expect(message).toBe(TIMED_OUT);
    expect(drops.length).toBeGreaterThan(0);
  });

  test('C6: interim responses without end are refused at the deadline', async () => {
    const dialer = new Dialer(scope(), URL_OF_SERVER, { handshakeTimeout: 100 });
    const { wire, inbox } = await dialer.arrival();
    await inbox.message();
    const flood = setInterval(() => {
      if (wire.writable) wire.write('HTTP/1.1 100 Continue\r\n\r\n');
    }, 5);
    expect(await dialer.failed().finally(() => clearInterval(flood))).toBe(TIMED_OUT);
  });

  test('C6: each redirect has a deadline of its own', async () => {
    clock.stop();
    const options = { handshakeTimeout: 2_000, followRedirects: true };
    const dialer = new Dialer(scope(), URL_OF_SERVER, options);
    await dialer.arrival();
    clock.advance(1_200);
    await dialer.answer(() => 'HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n');
    await dialer.arrival(1);
    clock.advance(1_200);
    await dialer.answer((key) => upgradeResponse(key), 1);
    await until(() => dialer.events.length > 0, 'an event');
    expect(dialer.events).toEqual(['open']);
  });
});
