/** Rows R of what peers and programs do to an open connection; each was found by attack once. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { OPCODE, readFrames } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { ManualWire } from '../support/manual-wire.js';
import { uncaught } from '../support/process-events.js';
import { useScope } from '../support/scope.js';
import {
  frameFor,
  memoryServer,
  next,
  onWire,
  ROLES,
  recordEvents,
  serve,
} from '../support/websockets.js';

const scope = useScope();

/** A Duplex that goes away without ever saying so. */
class SilentDuplex extends Duplex {
  constructor() {
    super({ autoDestroy: false });
  }
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
  override _destroy(): void {}
}

describe.each(ROLES)('R6: as a %s, what waited while paused', (role) => {
  test('is delivered once, and whole, when the wire breaks', async () => {
    const wire = new SilentDuplex();
    const ws = onWire(wire, role);
    const events = recordEvents(ws);
    await turns();
    ws.pause();
    wire.push(frameFor(role, { payload: 'one' }));
    wire.push(frameFor(role, { payload: 'two' }));
    await turns();
    wire.emit('error', new Error('broken'));
    await until(() => events.includes('close 1006'), "'close'");
    await turns();
    expect(events).toEqual(['message one', 'message two', 'close 1006']);
  });
});

describe('R5: callbacks of a slow reader', () => {
  /** CPU time, in µs, for the callbacks of so many messages, each written on its own. */
  async function cost(messages: number): Promise<number> {
    const wire = new ManualWire({ hold: true });
    const ws = onWire(wire, 'server');
    let called = 0;
    for (let i = 0; i < messages; i++) {
      ws.send('x', () => called++);
      await turns(1);
    }
    const before = process.cpuUsage();
    wire.hold = false;
    wire.release();
    await until(() => called === messages, 'all callbacks');
    const { user, system } = process.cpuUsage(before);
    ws.terminate();
    return user + system;
  }

  test('cost the same each, however many there are', async () => {
    await cost(2_000);
    // Linear: about 15 ms. A queue that moved its rest with each callback took 400 ms and more.
    expect(await cost(20_000)).toBeLessThan(200_000);
  });

  test('are all called with an error when the connection is dropped', async () => {
    const wire = new ManualWire({ hold: true });
    const ws = onWire(wire, 'server');
    const errors: unknown[] = [];
    for (let i = 0; i < 100; i++) {
      ws.send('x', (error) => errors.push(error));
      await turns(1);
    }
    ws.terminate();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    await turns();
    expect(errors).toHaveLength(100);
    expect(errors.every((error) => error !== undefined)).toBe(true);
  });
});

test('R2: a fragment of 4 KiB does not hold the 64 KiB that it came with', async () => {
  const wire = new ManualWire();
  const ws = onWire(wire, 'client');
  ws.binaryType = 'fragments';
  const messages: Buffer[][] = [];
  ws.on('message', (data) => messages.push(data as Buffer[]));
  const fragment = frameFor('client', { opcode: 2, fin: false, payload: Buffer.alloc(4_096, 1) });
  const ballast = frameFor('client', { opcode: OPCODE.PONG, payload: Buffer.alloc(125) });
  const rest = Array<Buffer>(470).fill(ballast);
  wire.arrive(fragment, ...rest);
  wire.arrive(frameFor('client', { opcode: 0, payload: Buffer.alloc(4_096, 2) }), ...rest);
  await until(() => messages.length > 0, 'the message');
  const held = messages.flat().map((piece) => piece.buffer.byteLength);
  expect(held).toEqual([4_096, 4_096]);
  ws.terminate();
});

test('a callback runs in the asynchronous context of its send', async () => {
  const storage = new AsyncLocalStorage<string>();
  const wires = [new ManualWire(), new ManualWire()];
  const seen: (string | undefined)[] = [];
  for (const [i, wire] of wires.entries()) {
    const ws = onWire(wire, 'server');
    storage.run(`user ${i}`, () => ws.send('x', () => seen.push(storage.getStore())));
  }
  await until(() => seen.length === 2, 'both callbacks');
  expect(seen).toEqual(['user 0', 'user 1']);
  for (const wire of wires) wire.destroy();
});

test('a large buffer that is filled again behind send() is sent as it was', async () => {
  const wire = new ManualWire();
  const ws = onWire(wire, 'server');
  const scratch = Buffer.alloc(8_192);
  for (let i = 0; i < 10; i++) ws.send(scratch.fill(i));
  await turns();
  const { frames } = readFrames(wire.sent);
  expect(frames.map(({ payload }) => payload[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  ws.terminate();
});

test('R14: listeners that a program removes do not keep the server from closing', async () => {
  const { http, connect } = memoryServer(scope());
  const wss = new WebSocket.WebSocketServer({ server: http });
  const connection = next<[InstanceType<typeof WebSocket>]>(wss, 'connection');
  recordEvents(connect());
  const [ws] = await connection;
  ws.removeAllListeners();
  ws.terminate();
  const closed = next(wss, 'close');
  wss.close();
  await closed;
  expect(wss.clients.size).toBe(0);
});

test('R11: a class of clients whose constructor throws leaves no socket behind, and no 101', async () => {
  const mine = new Error('mine');
  class Throwing extends WebSocket {
    constructor() {
      super(null);
      throw mine;
    }
  }
  const caught = uncaught(scope());
  const { http, wires, connect } = memoryServer(scope());
  serve(scope(), { server: http, WebSocket: Throwing });
  const events = recordEvents(connect());
  await until(() => events.length === 2, "'close'");
  expect(events[0]).toMatch(/^error /);
  expect(events[1]).toBe('close 1006');
  expect(wires[0]?.[1].destroyed).toBe(true);
  expect(caught.length).toBeLessThanOrEqual(1);
});

test("R11: a listener of 'open' that throws leaves no socket and no client behind", async () => {
  const mine = new Error('mine');
  class Throwing extends WebSocket {
    constructor() {
      super(null);
      this.on('open', () => {
        throw mine;
      });
    }
  }
  const caught = uncaught(scope());
  const http = createServer();
  const wss = serve(scope(), { server: http, WebSocket: Throwing });
  const port = await scope().listen(http);
  const events = recordEvents(scope().track(new WebSocket(`ws://127.0.0.1:${port}/`)));
  await until(() => events.includes('close 1006'), "'close'");
  expect(caught).toEqual([mine]);
  expect(wss.clients.size).toBe(0);
});

test('R11: terminate() drops the wire although the peer of a wire in memory throws', async () => {
  const mine = new Error('mine');
  const wire = new ManualWire();
  const ws = onWire(wire, 'server');
  const events = recordEvents(ws);
  ws.send('written at once');
  wire.write = () => {
    throw mine;
  };
  ws.send('written at the end of the tick');
  expect(() => ws.terminate()).toThrow(mine);
  await until(() => events.includes('close 1006'), "'close'");
  expect(wire.destroyed).toBe(true);
});

describe.each(ROLES)('R17: as a %s, a flood of tiny frames', (role) => {
  const FRAMES = 10_000;

  test('leaves room for other connections, and nothing of it is lost', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    const delivered: string[] = [];
    let count = 0;
    ws.on('message', () => {
      count++;
      if (count === FRAMES) delivered.push('the last of the flood');
    });
    await turns();
    wire.arrive(Buffer.concat(Array<Buffer>(FRAMES).fill(frameFor(role, { payload: 'x' }))));
    expect(count).toBeLessThan(FRAMES / 2);
    expect(wire.isPaused()).toBe(true);
    const other = new ManualWire();
    onWire(other, role).on('message', () => delivered.push('another connection'));
    other.arrive(frameFor(role, { payload: 'y' }));
    await until(() => delivered.length === 2, 'both');
    expect(delivered).toEqual(['another connection', 'the last of the flood']);
    expect(wire.isPaused()).toBe(false);
    for (const one of [wire, other]) one.destroy();
  });

  test('that a Close ends is delivered whole', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    let count = 0;
    ws.on('message', () => count++);
    const events: number[] = [];
    ws.on('close', (code) => events.push(code, count));
    const flood = Array<Buffer>(FRAMES).fill(frameFor(role, { opcode: OPCODE.BINARY }));
    const end = frameFor(role, { opcode: OPCODE.CLOSE, payload: Buffer.from([3, 232]) });
    wire.arrive(Buffer.concat([...flood, end]));
    wire.finish();
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual([1000, FRAMES]);
  });
});

test('a wire whose end was read before closes the connection', async () => {
  const wire = new ManualWire();
  wire.resume();
  wire.finish();
  await until(() => wire.readableEnded, 'the end');
  const events = recordEvents(onWire(wire, 'server', { closeTimeout: 100 }));
  await until(() => events.includes('close 1006'), "'close'");
});
