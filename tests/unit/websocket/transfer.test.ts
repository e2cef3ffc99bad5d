/** A program that transfers the memory of a message loses nothing else. */

import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import { OPCODE } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { randomCuts, SeededRandom } from '../../support/random.js';
import { frameFor, onWire, ROLES, type WebSocketInstance } from '../../support/websockets.js';

/** Lets bytes come in memory of their own, as from a socket: Buffers of a pool are not transferable. */
function arrive(wire: ManualWire, bytes: Buffer): void {
  const chunk = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(chunk);
  wire.push(chunk);
}

/** Takes the memory of a message away, as `postMessage` to a worker does. */
function transfer(data: Buffer): void {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(data.buffer, [data.buffer as ArrayBuffer]);
  } catch (error) {
    // Since Node 21 memory that cannot be transferred is an error. Before, it was copied.
    if ((error as Error).name !== 'DataCloneError') throw error;
  }
  port2.close();
}

describe.each(ROLES)('a %s whose program transfers each message', (role) => {
  const random = new SeededRandom(77);
  const sizes = [100, 1_000, 64, 65, 9_000, 126, 20_000, 1_024, 70_000, 200];
  const messages = sizes.map((size) => random.bytes(size));
  const hex = messages.map((message) => message.toString('hex'));
  const bytes = Buffer.concat(messages.map((payload) => frameFor(role, { payload, opcode: 2 })));

  async function open(): Promise<{ ws: WebSocketInstance; wire: ManualWire; got: string[] }> {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    const got: string[] = [];
    ws.on('message', (data) => got.push((data as Buffer).toString('hex')));
    await turns(1);
    return { ws, wire, got };
  }

  test.each([1_000, 10_000, 65_536, 1_000_000])(
    'at once: chunks of at most %i bytes',
    async (longest) => {
      const { ws, wire, got } = await open();
      ws.on('message', (data) => transfer(data as Buffer));
      for (const chunk of randomCuts(bytes, random, longest)) arrive(wire, chunk);
      ws.terminate();
      expect(got).toEqual(hex);
    },
  );

  test('later: when the message behind it came in part', async () => {
    const { ws, wire, got } = await open();
    const kept: Buffer[] = [];
    ws.on('message', (data) => kept.push(data as Buffer));
    for (const chunk of randomCuts(bytes, random, 30_000)) {
      arrive(wire, chunk);
      for (const data of kept.splice(0)) if (data.length > 0) transfer(data);
    }
    ws.terminate();
    expect(got).toEqual(hex);
  });

  test('while it is paused: what is unread is delivered when it goes on', async () => {
    const { ws, wire, got } = await open();
    ws.on('message', (data) => {
      ws.pause();
      setImmediate(() => {
        transfer(data as Buffer);
        ws.resume();
      });
    });
    arrive(wire, bytes);
    await turns(60);
    ws.terminate();
    expect(got).toEqual(hex);
  });

  test('and throws: what is unread is delivered in the next turn', async () => {
    const { ws, wire, got } = await open();
    ws.on('message', (data) => {
      transfer(data as Buffer);
      throw new Error('mine');
    });
    const few = bytes.subarray(0, 5_000);
    expect(() => arrive(wire, few)).toThrow('mine');
    ws.removeAllListeners('message');
    ws.on('message', (data) => got.push((data as Buffer).toString('hex')));
    await turns();
    ws.terminate();
    expect(got).toEqual(hex.slice(0, 4));
  });

  test('of a Ping as well', async () => {
    const { ws, wire } = await open();
    const seen: string[] = [];
    ws.on('ping', (data) => {
      seen.push(data.toString());
      transfer(data);
    });
    const pings = ['a', 'b', 'c'].map((letter) => letter.repeat(120));
    const frames = pings.map((payload) => frameFor(role, { payload, opcode: OPCODE.PING }));
    arrive(wire, Buffer.concat(frames));
    ws.terminate();
    expect(seen).toEqual(pings);
  });
});

test('a receiver that reads inside of a listener of another loses nothing either', async () => {
  const [outer, inner] = [new ManualWire(), new ManualWire()];
  const [first, second] = [onWire(outer, 'server'), onWire(inner, 'server')];
  const got: string[] = [];
  const chunk = (letter: string): Buffer =>
    Buffer.concat([1, 2, 3].map((n) => frameFor('server', { payload: letter.repeat(100 + n) })));
  first.on('message', (data) => {
    got.push(String(data));
    arrive(inner, chunk('i'));
    transfer(data as Buffer);
  });
  second.on('message', (data) => {
    got.push(String(data).slice(0, 1));
    transfer(data as Buffer);
  });
  await turns(1);
  arrive(outer, chunk('o'));
  first.terminate();
  second.terminate();
  const lengths = got.map(({ length }) => length);
  expect(lengths).toEqual([101, 1, 1, 1, 102, 1, 1, 1, 103, 1, 1, 1]);
});
