/** Ends, resets and closes at every point of the handshake: C13 of THREATS.md. */

import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { closePayload, frame, OPCODE } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { type Arrival, Dialer } from '../../support/memory-client.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { attend, type Face, type FaceOptions } from '../../support/websockets.js';
import { hello, redirectTo, URL_OF_SERVER } from './scene.js';

const scope = useScope();

describe('C13: timing', () => {
  const CLOSED = 'WebSocket was closed before the connection was established';
  const gone = (ws: Face, how: 'close' | 'terminate'): void => ws[how]();

  describe.each(['close', 'terminate'] as const)('%s()', (how) => {
    test(`C13: ${how}() right after the constructor`, async () => {
      const dialer = new Dialer(scope());
      gone(dialer.ws, how);
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() when the connection is asked for`, async () => {
      const dialer: Dialer = new Dialer(scope());
      await dialer.arrival();
      gone(dialer.ws, how);
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() while the request waits for its response`, async () => {
      const dialer = new Dialer(scope());
      const { inbox } = await dialer.arrival();
      await inbox.message();
      gone(dialer.ws, how);
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() while no connection is made`, async () => {
      const ws = scope().track(new WebSocket(URL_OF_SERVER, { lookup: () => {} } as FaceOptions));
      const events = attend(ws);
      await turns();
      gone(ws, how);
      await until(() => events.length === 2, 'the end');
      expect(events).toEqual([`error ${CLOSED}`, 'close 1006']);
    });

    test(`C13: ${how}() in the middle of the response`, async () => {
      const dialer = new Dialer(scope());
      const { wire } = await dialer.answer((key) => upgradeResponse(key).slice(0, 60));
      await turns();
      gone(dialer.ws, how);
      if (wire.writable) wire.write('x');
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'upgrade'`, async () => {
      const dialer = new Dialer(scope());
      dialer.ws.on('upgrade', () => gone(dialer.ws, how));
      await dialer.answer((key) => Buffer.concat([Buffer.from(upgradeResponse(key)), hello]));
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'redirect'`, async () => {
      const dialer = new Dialer(scope(), URL_OF_SERVER, { followRedirects: true });
      dialer.ws.on('redirect', () => gone(dialer.ws, how));
      await dialer.answer(() => redirectTo('/new'));
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'unexpected-response'`, async () => {
      const dialer = new Dialer(scope());
      dialer.ws.on('unexpected-response', () => gone(dialer.ws, how));
      await dialer.answer(() => 'HTTP/1.1 404 X\r\nContent-Length: 1\r\n\r\nx');
      expect(await dialer.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() twice, and the other one behind it`, async () => {
      const dialer = new Dialer(scope());
      await dialer.arrival();
      gone(dialer.ws, how);
      gone(dialer.ws, how);
      dialer.ws.close();
      dialer.ws.terminate();
      expect(await dialer.failed()).toBe(CLOSED);
      await turns();
      expect(dialer.events).toHaveLength(2);
    });
  });

  test("C13: terminate() in a listener of 'open': nothing more is delivered", async () => {
    const dialer = new Dialer(scope());
    dialer.ws.on('open', () => dialer.ws.terminate());
    await dialer.answer((key) => Buffer.concat([Buffer.from(upgradeResponse(key)), hello]));
    await dialer.closed();
    expect(dialer.events).toEqual(['open', 'close 1006']);
  });

  /** What a client is told when the server sends this much and then is gone. */
  async function told(
    length: number,
    end: (arrival: Arrival, near: Dialer) => void,
  ): Promise<string[]> {
    const dialer = new Dialer(scope());
    const arrival = await dialer.arrival();
    const key = keyOf(await arrival.inbox.message());
    const bytes = Buffer.concat([Buffer.from(upgradeResponse(key)), hello]);
    if (length > 0) arrival.wire.write(bytes.subarray(0, length));
    if (length % 2 === 0) await turns(1);
    end(arrival, dialer);
    await dialer.closed();
    arrival.wire.destroy();
    return dialer.events;
  }

  const head = upgradeResponse('dGhlIHNhbXBsZSBub25jZQ==').length;
  const whole = head + hello.length;
  const ends: [string, (arrival: Arrival) => void][] = [
    ['FIN', ({ wire }) => wire.end()],
    ['FIN and gone', ({ wire }) => wire.destroy()],
  ];
  test.each(ends)('C13: %s after every byte of the response', async (_name, end) => {
    for (let length = 0; length <= whole; length++) {
      const events = await told(length, end);
      if (length < head) expect(events).toEqual([expect.stringMatching(/^error /), 'close 1006']);
      else if (length < whole) expect(events).toEqual(['open', 'close 1006']);
      else expect(events).toEqual(['open', 'message Hello', 'close 1006']);
    }
  });

  test('C13: RST over TCP after every byte of the response', async () => {
    let length = 0;
    const server = createServer((socket: Socket) => {
      const inbox = new Inbox(socket);
      void inbox.message().then((request) => {
        const bytes = Buffer.concat([Buffer.from(upgradeResponse(keyOf(request))), hello]);
        if (length === 0) socket.resetAndDestroy();
        else socket.write(bytes.subarray(0, length), () => socket.resetAndDestroy());
      });
    });
    const port = await scope().listen(server);
    for (length = 0; length <= whole; length++) {
      const events = attend(scope().track(new WebSocket(`ws://127.0.0.1:${port}/`)));
      await until(
        () => events.at(-1) === 'close 1006',
        () => `the end; told: ${events}`,
      );
      // A reset may overtake bytes that were sent before it: then the client never saw them.
      const errors = events.filter((event) => event.startsWith('error'));
      if (events[0] === 'open') expect(errors).toEqual([]);
      else expect([events.length, errors.length]).toEqual([2, 1]);
      expect(events.filter((event) => event.startsWith('close'))).toHaveLength(1);
    }
  });

  test('C13: the response and a frame, cut in two at every byte', async () => {
    for (let at = 1; at < whole; at++) {
      const dialer = new Dialer(scope());
      const { wire, inbox } = await dialer.arrival();
      const key = keyOf(await inbox.message());
      const bytes = Buffer.concat([Buffer.from(upgradeResponse(key)), hello]);
      wire.write(bytes.subarray(0, at));
      await turns(1);
      wire.write(bytes.subarray(at));
      await until(
        () => dialer.events.length === 2,
        () => `cut at ${at}: ${dialer.events}`,
      );
      expect(dialer.events).toEqual(['open', 'message Hello']);
      dialer.ws.terminate();
    }
  });

  test("C13: 500 frames in the packet of the 101 come behind 'open', in order", async () => {
    const dialer = new Dialer(scope());
    const names = Array.from({ length: 500 }, (_, i) => String(i));
    const frames = names.map((payload) => frame({ payload }));
    await dialer.answer((key) => Buffer.concat([Buffer.from(upgradeResponse(key)), ...frames]));
    await until(() => dialer.events.length === 501, 'every message');
    expect(dialer.events).toEqual(['open', ...names.map((name) => `message ${name}`)]);
  });

  test('C13: a Close in the packet of the 101', async () => {
    const dialer = new Dialer(scope());
    const payload = closePayload(1001, 'bye');
    const close = frame({ opcode: OPCODE.CLOSE, payload });
    const { wire, inbox } = await dialer.answer((key) =>
      Buffer.concat([Buffer.from(upgradeResponse(key)), hello, close, hello]),
    );
    expect(await inbox.frame()).toMatchObject({ opcode: OPCODE.CLOSE, masked: true, payload });
    wire.end();
    await dialer.closed();
    expect(dialer.events).toEqual(['open', 'message Hello', 'close 1001 bye']);
  });

  test('C13: an illegal frame in the packet of the 101', async () => {
    const dialer = new Dialer(scope());
    const illegal = frame({ payload: 'x', mask: Buffer.from([1, 2, 3, 4]) });
    const { wire, inbox } = await dialer.answer((key) =>
      Buffer.concat([Buffer.from(upgradeResponse(key)), hello, illegal, hello]),
    );
    const { opcode, payload } = await inbox.frame();
    expect([opcode, payload.readUInt16BE()]).toEqual([OPCODE.CLOSE, 1002]);
    wire.end();
    await dialer.closed();
    expect(dialer.events).toEqual([
      'open',
      'message Hello',
      expect.stringMatching(/^error /),
      'close 1006',
    ]);
  });
});
