/** Frames that come with the request, and requests in pieces: H13 and H14 of THREATS.md. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { EchoServer } from '../../support/echo-server.js';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import { Inbox, show, turns } from '../../support/inbox.js';
import { byteByByte } from '../../support/random.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { echo, expectAccepted, text, useServer } from './scene.js';

const scope = useScope();
const { ownServer } = useServer(scope);

describe('H13, H14: frames with the request, and cuts', () => {
  const later = {
    verifyClient: (_info: unknown, answer: (ok: boolean) => void) => {
      void turns(5).then(() => answer(true));
    },
  };
  describe.each([
    ['at once', {}],
    ['while verifyClient is pending', later],
  ])('%s', (when, options) => {
    test.each([1, 2, 10, 500])(`H13: %d frames in the request's packet, ${when}`, async (count) => {
      const server = new EchoServer(scope(), options);
      const names = Array.from({ length: count }, (_, i) => `message ${i}`);
      const frames = names.map((name) => text(name.slice(8)));
      const client = server.connect(Buffer.concat([Buffer.from(upgradeRequest()), ...frames]));
      await expectAccepted(client);
      const expected = Buffer.concat(names.map((name) => echo(name.slice(8))));
      expect(show(await client.inbox.take(expected.length))).toBe(show(expected));
      expect(server.accepted[0]?.events).toEqual(names);
    });

    test(`H13: half a frame, and its rest before and behind the 101, ${when}`, async () => {
      const server = new EchoServer(scope(), options);
      const whole = text('Hello');
      const head = Buffer.from(upgradeRequest());
      const client = server.connect(Buffer.concat([head, whole.subarray(0, 3)]));
      client.wire.write(whole.subarray(3, 4));
      await expectAccepted(client);
      await turns();
      expect(show(client.inbox.peek())).toBe('');
      client.wire.write(whole.subarray(4));
      expect(show(await client.inbox.take(7))).toBe(show(echo('Hello')));
    });

    test(`H13: a Close in the request's packet, ${when}`, async () => {
      const server = new EchoServer(scope(), options);
      const payload = closePayload(1000);
      const close = frame({ opcode: OPCODE.CLOSE, payload, mask: KEY });
      const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('a'), close, text('b')]);
      const client = server.connect(bytes);
      await expectAccepted(client);
      const answer = Buffer.concat([echo('a'), frame({ opcode: OPCODE.CLOSE, payload })]);
      expect(show(await client.inbox.rest())).toBe(show(answer));
      client.wire.end();
      await server.empty();
      expect(server.accepted[0]?.events).toEqual(['message a', 'close 1000']);
    });

    test(`H13: an illegal frame in the request's packet, ${when}`, async () => {
      const server = new EchoServer(scope(), options);
      const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('a'), echo('b'), text('c')]);
      const client = server.connect(bytes);
      await expectAccepted(client);
      expect(await client.inbox.frame()).toMatchObject({ opcode: OPCODE.TEXT, masked: false });
      const close = await client.inbox.frame();
      expect([close.opcode, close.payload.readUInt16BE()]).toEqual([OPCODE.CLOSE, 1002]);
      expect(show(await client.inbox.rest())).toBe('');
      client.wire.end();
      await server.empty();
      expect(server.accepted[0]?.events).toEqual([
        'message a',
        expect.stringContaining('error'),
        'close 1006',
      ]);
    });
  });

  test('H13: an upgrade that the application hands over later', async () => {
    const server = new EchoServer(scope(), { noServer: true });
    const handed = new Promise<[IncomingMessage, Duplex, Buffer]>((resolve) => {
      server.http.on('upgrade', (...upgrade) => resolve(upgrade));
    });
    const head = Buffer.from(upgradeRequest());
    const client = server.connect(Buffer.concat([head, text('one'), text('two').subarray(0, 4)]));
    const upgrade = await handed;
    client.wire.write(Buffer.concat([text('two').subarray(4), text('three')]));
    await turns();
    server.wss.handleUpgrade(...upgrade, (ws, request) =>
      server.wss.emit('connection', ws, request),
    );
    await expectAccepted(client);
    const expected = Buffer.concat([echo('one'), echo('two'), echo('three')]);
    expect(show(await client.inbox.take(expected.length))).toBe(show(expected));
  });

  test('H14: the request cut in two at every byte', async () => {
    const server = new EchoServer(scope());
    const bytes = Buffer.concat([Buffer.from(upgradeRequest()), text('Hello')]);
    for (let at = 1; at < bytes.length; at++) {
      const client = server.connect(bytes.subarray(0, at));
      await turns(1);
      client.wire.write(bytes.subarray(at));
      await expectAccepted(client);
      expect(show(await client.inbox.take(7))).toBe(show(echo('Hello')));
      client.wire.destroy();
    }
    expect(server.accepted).toHaveLength(bytes.length - 1);
  });

  test('H14: one byte per packet over TCP', async () => {
    const { port } = await ownServer();
    const socket = await scope().connect(port);
    const inbox = new Inbox(socket);
    for (const byte of byteByByte(Buffer.concat([Buffer.from(upgradeRequest()), text('Hello')]))) {
      await new Promise((written) => socket.write(byte, written));
    }
    await expectAccepted({ inbox });
    expect(show(await inbox.take(7))).toBe(show(echo('Hello')));
  });
});
