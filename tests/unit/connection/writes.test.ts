/** Bytes out: when frames are written, and what the caller keeps. */

import { describe, expect, test } from '@jest/globals';
import {
  framesOf,
  ping,
  recordCalls,
  said,
  text,
  useConnections,
} from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { uncaught } from '../../support/process-events.js';
import { SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { onWire, ROLES } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);

describe.each(ROLES)('writes of a %s', (role) => {
  test('the first frame of a tick is written at once, the others in one write at its end', async () => {
    const { ws, wire } = await openConnection(role);
    for (const one of ['a', 'b', 'c']) ws.send(one);
    ws.ping('d');
    expect(said(wire)).toEqual(['text a']);
    await turns(1);
    expect(wire.writes).toHaveLength(2);
    expect(said(wire)).toEqual(['text a', 'text b', 'text c', 'ping d']);
  });

  test.each(['ping', 'pong'] as const)(
    'a %s that is sent first is written at once',
    async (name) => {
      const { ws, wire } = await openConnection(role);
      ws[name]('a');
      expect(said(wire)).toEqual([`${name} a`]);
    },
  );

  test('close() writes at once what was sent before it, and its Close', async () => {
    const { ws, wire } = await openConnection(role);
    for (const one of ['a', 'b', 'c']) ws.send(one);
    ws.close(1001);
    expect(said(wire)).toEqual(['text a', 'text b', 'text c', 'close 1001']);
  });

  test('close() in a listener writes at once what was sent before it, and its Close', async () => {
    const { ws, wire } = await openConnection(role);
    const seen: string[][] = [];
    ws.on('message', (data) => {
      ws.send(data as Buffer, { binary: false });
      ws.close(1001);
      seen.push(said(wire));
    });
    wire.arrive(text(role, 'a'));
    expect(seen).toEqual([['text a', 'close 1001']]);
  });

  test('terminate() writes at once what was sent before it', async () => {
    const { ws, wire } = await openConnection(role);
    for (const one of ['a', 'b', 'c']) ws.send(one);
    ws.terminate();
    expect(said(wire)).toEqual(['text a', 'text b', 'text c']);
  });

  test('what a chain of awaits sends behind the first frame leaves in one write', async () => {
    const { ws, wire } = await openConnection(role);
    const speak = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        ws.send(`${i}`);
        await null;
      }
    };
    void speak();
    await turns(1);
    expect(wire.writes).toHaveLength(2);
    expect(framesOf(wire)).toHaveLength(20);
  });

  test('each tick that sends has a write of its own', async () => {
    const { ws, wire } = await openConnection(role);
    for (const one of ['a', 'b', 'c']) {
      ws.send(one);
      await turns(1);
    }
    expect(wire.writes).toHaveLength(3);
    expect(said(wire)).toEqual(['text a', 'text b', 'text c']);
  });

  test('what listeners send while a chunk is read leaves in one write at its end', async () => {
    const { ws, wire } = await openConnection(role);
    ws.on('message', (data) => {
      ws.send(data as Buffer, { binary: false });
      expect(wire.writes).toHaveLength(0);
    });
    wire.arrive(text(role, 'a'), ping(role, 'b'), text(role, 'c'));
    expect(wire.writes).toHaveLength(1);
    expect(said(wire)).toEqual(['text a', 'pong b', 'text c']);
  });

  test('at 16 KiB it leaves at once', async () => {
    const { ws, wire } = await openConnection(role);
    for (let i = 0; i < 16; i++) ws.send(Buffer.alloc(1024));
    expect(wire.writes).toHaveLength(1);
    ws.send(Buffer.alloc(1024));
    expect(wire.writes).toHaveLength(2);
    ws.send('more');
    await turns(1);
    expect(wire.writes).toHaveLength(3);
    expect(framesOf(wire)).toHaveLength(18);
  });

  test('connections that take turns have two writes each', async () => {
    const opened = await Promise.all([
      openConnection(role),
      openConnection(role),
      openConnection(role),
    ]);
    for (let i = 0; i < 50; i++) for (const { ws } of opened) ws.send(`message ${i}`);
    await turns(1);
    for (const { wire } of opened) {
      expect(wire.writes).toHaveLength(2);
      const expected = Array.from({ length: 50 }, (_, i) => `text message ${i}`);
      expect(said(wire)).toEqual(expected);
    }
  });

  test('a region that was written is never written again', async () => {
    const random = new SeededRandom(20);
    const opened = await Promise.all(
      [0, 1, 2].map(() => openConnection(role, {}, { hold: true, highWaterMark: 1 })),
    );
    const sent: Buffer[][] = opened.map(() => []);
    for (let round = 0; round < 60; round++) {
      for (const [i, { ws, wire }] of opened.entries()) {
        for (let n = random.integer(0, 4); n > 0; n--) {
          const size = random.pick([0, 5, 120, 900, 4000, 5000]);
          const message = Buffer.alloc(size, `${round} ${i} ${n}`);
          sent[i]?.push(message);
          ws.send(Buffer.from(message));
        }
        if (random.integer(0, 3) === 0) wire.release();
      }
      if (random.integer(0, 1) === 0) await turns(1);
    }
    for (const [i, { wire }] of opened.entries()) {
      while (wire.held > 0 || wire.writableLength > 0) {
        wire.release();
        await turns(1);
      }
      expect(Buffer.concat(wire.writes.flat()).equals(wire.sent)).toBe(true);
      const payloads = framesOf(wire).map(({ payload }) => payload);
      expect(Buffer.concat(payloads).equals(Buffer.concat(sent[i] ?? []))).toBe(true);
      expect(payloads).toHaveLength(sent[i]?.length ?? 0);
    }
  });

  test.each([1, 125, 126, 4096, 4097, 70_000])('%i bytes of the caller stay', async (size) => {
    const { ws, wire } = await openConnection(role);
    const bytes = new SeededRandom(size).bytes(size);
    const own = new Uint8Array(size + 8);
    own.set(bytes, 4);
    const forms = [
      Buffer.from(own.buffer, 4, size),
      own.subarray(4, 4 + size),
      new DataView(own.buffer, 4, size),
    ];
    for (const form of forms) ws.send(form);
    ws.send(own.buffer);
    await turns(1);
    expect(Buffer.from(own.subarray(4, 4 + size)).equals(bytes)).toBe(true);
    const payloads = framesOf(wire).map(({ payload }) => payload);
    expect(payloads.slice(0, 3).every((payload) => payload.equals(bytes))).toBe(true);
    expect(payloads[3]?.subarray(4, 4 + size).equals(bytes)).toBe(true);
  });
});

test('a large payload of a server goes by reference', async () => {
  const { ws, wire } = await openConnection('server');
  const payload = Buffer.alloc(100_000, 'x');
  ws.send(payload);
  await turns(1);
  const parts = wire.writes.flat();
  expect(parts.some((part) => part.buffer === payload.buffer)).toBe(true);
  expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(100_010);
});

test('one wire that fails in its write does not keep the others waiting', async () => {
  const caught = uncaught(scope());
  const opened = await Promise.all([openConnection(), openConnection(), openConnection()]);
  const [first, ...others] = opened;
  const broken = new Error('broken write');
  for (const { ws } of opened) ws.send('x');
  first.wire._write = () => {
    throw broken;
  };
  for (const { ws } of opened) ws.send('y');
  await turns(2);
  expect(caught).toEqual([broken]);
  for (const { wire } of others) expect(said(wire)).toEqual(['text x', 'text y']);
});

describe('what was sent before the end', () => {
  test.each(ROLES)('of a %s leaves before its Close', async (role) => {
    const { ws, wire } = await openConnection(role);
    const { calls, note } = recordCalls();
    ws.send('a', note('a'));
    ws.send(Buffer.alloc(20_000, 'b'), note('b'));
    ws.close(1000);
    await turns(1);
    expect(framesOf(wire).map(({ opcode }) => opcode)).toEqual([1, 2, 8]);
    expect(calls).toEqual(['a', 'b']);
  });

  test.each(ROLES)('of a %s leaves before terminate() drops the wire', async (role) => {
    const { ws, wire, events } = await openConnection(role);
    ws.send('a');
    ws.send(Buffer.alloc(5000, 'b'));
    ws.terminate();
    expect(framesOf(wire).map(({ opcode }) => opcode)).toEqual([1, 2]);
    expect(wire.destroyed).toBe(true);
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1006']);
  });

  test('leaves although terminate() is called while a chunk is read', async () => {
    const { ws, wire } = await openConnection();
    ws.once('message', () => {
      ws.send('last words');
      ws.terminate();
    });
    wire.arrive(text('server', 'a'), text('server', 'b'));
    expect(said(wire)).toEqual(['text last words']);
  });
});

test('a socket has no timeout of its own any more and sends without delay', () => {
  const calls: unknown[][] = [];
  const wire = Object.assign(new ManualWire(), {
    setTimeout: (...args: unknown[]) => calls.push(['setTimeout', ...args]),
    setNoDelay: (...args: unknown[]) => calls.push(['setNoDelay', ...args]),
  });
  scope().track(onWire(wire, 'server'));
  expect(calls[0]).toEqual(['setTimeout', 0]);
  expect(calls[1]?.[0]).toBe('setNoDelay');
  expect(calls[1]?.[1] ?? true).toBe(true);
});

test('a masking key of zeros leaves the payload as it is', async () => {
  const { ws, wire } = await openConnection('client', {
    generateMask: (key: Buffer) => key.fill(0),
  });
  ws.send('abc');
  await turns(1);
  expect(wire.sent).toEqual(Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0x61, 0x62, 0x63]));
});
