/** Ends, resets and closes at every point of the handshake: C13 of THREATS.md. */

import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { closePayload, frame, OPCODE } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { type ClientConnection, MemoryClient } from '../../support/memory-client.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import {
  type ClientOptions,
  recordEvents,
  type WebSocketInstance,
} from '../../support/websockets.js';
import { hello, redirectTo, URL_OF_SERVER } from './scene.js';

const scope = useScope();

describe('C13: timing', () => {
  const CLOSED = 'WebSocket was closed before the connection was established';
  const gone = (ws: WebSocketInstance, how: 'close' | 'terminate'): void => ws[how]();

  describe.each(['close', 'terminate'] as const)('%s()', (how) => {
    test(`C13: ${how}() right after the constructor`, async () => {
      const client = new MemoryClient(scope());
      gone(client.ws, how);
      expect(await client.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() when the connection is asked for`, async () => {
      const client: MemoryClient = new MemoryClient(scope());
      await client.connection();
      gone(client.ws, how);
      expect(await client.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() while the request waits for its response`, async () => {
      const client = new MemoryClient(scope());
      const { inbox } = await client.connection();
      await inbox.message();
      gone(client.ws, how);
      expect(await client.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() while no connection is made`, async () => {
      const ws = scope().track(new WebSocket(URL_OF_SERVER, { lookup: () => {} } as ClientOptions));
      const events = recordEvents(ws);
      await turns();
      gone(ws, how);
      await until(() => events.length === 2, 'the end');
      expect(events).toEqual([`error ${CLOSED}`, 'close 1006']);
    });

    test(`C13: ${how}() in the middle of the response`, async () => {
      const client = new MemoryClient(scope());
      const { wire } = await client.answer((key) => upgradeResponse(key).slice(0, 60));
      await turns();
      gone(client.ws, how);
      if (wire.writable) wire.write('x');
      expect(await client.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'upgrade'`, async () => {
      const client = new MemoryClient(scope());
      client.ws.on('upgrade', () => gone(client.ws, how));
      await client.answer((key) => Buffer.concat([Buffer.from(upgradeResponse(key)), hello]));
      expect(await client.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'redirect'`, async () => {
      const client = new MemoryClient(scope(), URL_OF_SERVER, { followRedirects: true });
      client.ws.on('redirect', () => gone(client.ws, how));
      await client.answer(() => redirectTo('/new'));
      expect(await client.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() in a listener of 'unexpected-response'`, async () => {
      const client = new MemoryClient(scope());
      client.ws.on('unexpected-response', () => gone(client.ws, how));
      await client.answer(() => 'HTTP/1.1 404 X\r\nContent-Length: 1\r\n\r\nx');
      expect(await client.failed()).toBe(CLOSED);
    });

    test(`C13: ${how}() twice, and the other one behind it`, async () => {
      const client = new MemoryClient(scope());
      await client.connection();
      gone(client.ws, how);
      gone(client.ws, how);
      client.ws.close();
      client.ws.terminate();
      expect(await client.failed()).toBe(CLOSED);
      await turns();
      expect(client.events).toHaveLength(2);
    });
  });

  test("C13: terminate() in a listener of 'open': nothing more is delivered", async () => {
    const client = new MemoryClient(scope());
    client.ws.on('open', () => client.ws.terminate());
    await client.answer((key) => Buffer.concat([Buffer.from(upgradeResponse(key)), hello]));
    await client.closed();
    expect(client.events).toEqual(['open', 'close 1006']);
  });

  /** The events of a client when the server sends this much and then is gone. */
  async function delivered(
    length: number,
    end: (connection: ClientConnection, near: MemoryClient) => void,
  ): Promise<string[]> {
    const client = new MemoryClient(scope());
    const connection = await client.connection();
    const key = keyOf(await connection.inbox.message());
    const bytes = Buffer.concat([Buffer.from(upgradeResponse(key)), hello]);
    if (length > 0) connection.wire.write(bytes.subarray(0, length));
    if (length % 2 === 0) await turns(1);
    end(connection, client);
    await client.closed();
    connection.wire.destroy();
    return client.events;
  }

  const head = upgradeResponse('dGhlIHNhbXBsZSBub25jZQ==').length;
  const whole = head + hello.length;
  const ends: [string, (connection: ClientConnection) => void][] = [
    ['FIN', ({ wire }) => wire.end()],
    ['FIN and gone', ({ wire }) => wire.destroy()],
  ];
  test.each(ends)('C13: %s after every byte of the response', async (_name, end) => {
    for (let length = 0; length <= whole; length++) {
      const events = await delivered(length, end);
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
      const events = recordEvents(scope().track(new WebSocket(`ws://127.0.0.1:${port}/`)));
      await until(
        () => events.at(-1) === 'close 1006',
        () => `the end; events: ${events}`,
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
      const client = new MemoryClient(scope());
      const { wire, inbox } = await client.connection();
      const key = keyOf(await inbox.message());
      const bytes = Buffer.concat([Buffer.from(upgradeResponse(key)), hello]);
      wire.write(bytes.subarray(0, at));
      await turns(1);
      wire.write(bytes.subarray(at));
      await until(
        () => client.events.length === 2,
        () => `cut at ${at}: ${client.events}`,
      );
      expect(client.events).toEqual(['open', 'message Hello']);
      client.ws.terminate();
    }
  });

  test("C13: 500 frames in the packet of the 101 come behind 'open', in order", async () => {
    const client = new MemoryClient(scope());
    const names = Array.from({ length: 500 }, (_, i) => String(i));
    const frames = names.map((payload) => frame({ payload }));
    await client.answer((key) => Buffer.concat([Buffer.from(upgradeResponse(key)), ...frames]));
    await until(() => client.events.length === 501, 'every message');
    expect(client.events).toEqual(['open', ...names.map((name) => `message ${name}`)]);
  });

  test('C13: a Close in the packet of the 101', async () => {
    const client = new MemoryClient(scope());
    const payload = closePayload(1001, 'bye');
    const close = frame({ opcode: OPCODE.CLOSE, payload });
    const { wire, inbox } = await client.answer((key) =>
      Buffer.concat([Buffer.from(upgradeResponse(key)), hello, close, hello]),
    );
    expect(await inbox.frame()).toMatchObject({ opcode: OPCODE.CLOSE, masked: true, payload });
    wire.end();
    await client.closed();
    expect(client.events).toEqual(['open', 'message Hello', 'close 1001 bye']);
  });

  test('C13: an illegal frame in the packet of the 101', async () => {
    const client = new MemoryClient(scope());
    const illegal = frame({ payload: 'x', mask: Buffer.from([1, 2, 3, 4]) });
    const { wire, inbox } = await client.answer((key) =>
      Buffer.concat([Buffer.from(upgradeResponse(key)), hello, illegal, hello]),
    );
    const { opcode, payload } = await inbox.frame();
    expect([opcode, payload.readUInt16BE()]).toEqual([OPCODE.CLOSE, 1002]);
    wire.end();
    await client.closed();
    expect(client.events).toEqual([
      'open',
      'message Hello',
      expect.stringMatching(/^error /),
      'close 1006',
    ]);
  });
});
