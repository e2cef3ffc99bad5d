/** Frames are laid in memory that is used again: nobody may ever see it change. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { readFrames } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { ManualWire } from '../support/manual-wire.js';
import { upgradeRequest } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import {
  frameFor,
  next,
  onWire,
  ROLES,
  serve,
  type WebSocketInstance,
} from '../support/websockets.js';

const scope = useScope();

interface AcceptedClient {
  ws: WebSocketInstance;
  /** The client's end of the connection: nothing is read from it before it is resumed. */
  wire: Socket;
}

/** A server, and a way to get clients on real sockets. */
async function startServer(): Promise<() => Promise<AcceptedClient>> {
  const http = createServer();
  const server = serve(scope(), { server: http });
  const port = await scope().listen(http);
  return async () => {
    const wire = await scope().connect(port);
    const came = next<[WebSocketInstance]>(server, 'connection');
    wire.write(upgradeRequest());
    const [ws] = await came;
    return { ws, wire };
  };
}

/** What comes on a wire behind the response, until there are so many frames. */
async function payloads(wire: Socket, count: number): Promise<string[]> {
  const chunks: Buffer[] = [];
  let fresh = false;
  wire.on('data', (chunk) => {
    chunks.push(chunk);
    fresh = true;
  });
  let frames = framesIn(Buffer.alloc(0));
  await until(() => {
    if (fresh) frames = framesIn(Buffer.concat(chunks));
    fresh = false;
    return frames.length >= count;
  }, `${count} frames`);
  return frames.map(({ payload }) => payload.toString());
}

function framesIn(bytes: Buffer) {
  const end = bytes.indexOf('\r\n\r\n');
  return end < 0 ? [] : readFrames(bytes.subarray(end + 4)).frames;
}

describe('a real socket', () => {
  test('frames that wait for a slow reader are not overwritten by what others are sent', async () => {
    const invite = await startServer();
    const slow = await invite();
    const others = [await invite(), await invite()];
    const sent: string[] = [];
    while (slow.ws.bufferedAmount < 2 ** 20) {
      const message = `${sent.length}:${'s'.repeat(3000)}`;
      slow.ws.send(message);
      sent.push(message);
      for (const { ws } of others) ws.send('o'.repeat(2000));
      if (sent.length % 8 === 0) await turns(1);
    }
    for (let i = 0; i < 50; i++) {
      for (const { ws } of others) ws.send('p'.repeat(2000));
      await turns(1);
    }
    expect(await payloads(slow.wire, sent.length)).toEqual(sent);
  });

  test('a program that watches `write` may keep what it sees', async () => {
    const { ws } = await (await startServer())();
    const { _socket: socket } = ws as unknown as { _socket: Duplex };
    const write = socket.write.bind(socket) as Duplex['write'];
    const seen: Buffer[] = [];
    socket.write = ((chunk: Buffer, ...rest: []) => {
      seen.push(chunk);
      return write(chunk, ...rest);
    }) as Duplex['write'];
    for (const text of ['one', 'two', 'three']) {
      ws.send(text);
      await turns(1);
    }
    expect(readFrames(Buffer.concat(seen)).frames.map(({ payload }) => `${payload}`)).toEqual([
      'one',
      'two',
      'three',
    ]);
  });
});

describe.each(ROLES)('as a %s', (role) => {
  test('a stream in memory may keep what it is given', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    for (let i = 0; i < 100; i++) {
      ws.send(`message ${i}`);
      await turns(1);
    }
    expect(wire.writes).toHaveLength(100);
    expect(Buffer.concat(wire.writes.flat()).equals(wire.sent)).toBe(true);
  });

  test('a short message has memory of its own: who keeps it keeps no chunk', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    const messages: Buffer[] = [];
    ws.on('message', (data) => messages.push(data as Buffer));
    const payload = Buffer.from('short');
    wire.arrive(frameFor(role, { payload }), frameFor(role, { payload: Buffer.alloc(5000, 'x') }));
    wire.arrive(frameFor(role, { payload }));
    await until(() => messages.length === 3, 'the messages');
    expect(messages[0]?.equals(payload)).toBe(true);
    expect(messages.map((one) => one.buffer.byteLength < 100)).toEqual([true, false, true]);
  });
});

test('the limits of one connection may be changed; those of its neighbours stay', async () => {
  const [one, other] = [new ManualWire(), new ManualWire()];
  const tightened = onWire(one, 'server', { maxPayload: 100 });
  const neighbour = onWire(other, 'server', { maxPayload: 100 });
  const { _receiver: receiver } = tightened as unknown as { _receiver: { _maxPayload: number } };
  receiver._maxPayload = 3;
  const heard: string[] = [];
  neighbour.on('message', (data) => heard.push(`${data}`));
  const failed = once(tightened, 'error');
  for (const wire of [one, other]) wire.arrive(frameFor('server', { payload: 'four' }));
  await failed;
  expect(heard).toEqual(['four']);
  for (const ws of [tightened, neighbour]) ws.terminate();
  await until(() => tightened.readyState === 3 && neighbour.readyState === 3, 'both to close');
});
