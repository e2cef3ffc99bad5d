/** Rows R1, R4 and R9 of THREATS.md: what a peer can make an open connection keep. */
import { describe, expect, test } from '@jest/globals';
import { OPCODE, readFrames } from '../support/frames.js';
import { turns, until } from '../support/inbox.js';
import { ManualWire } from '../support/manual-wire.js';
import { MIB, memoryInUse } from '../support/memory.js';
import { useScope } from '../support/scope.js';
import {
  connectPair,
  frameFor,
  onWire,
  ROLES,
  recordEvents,
  type WebSocketInstance,
} from '../support/websockets.js';

const scope = useScope();
const { CONTINUATION, PING, PONG, TEXT } = OPCODE;

const next = (role: 'server' | 'client', payload: string): Buffer =>
  frameFor(role, { opcode: CONTINUATION, fin: false, payload });

describe.each(ROLES)('R1: as a %s, fragments without end', (role) => {
  test('are cut off with 1008 at the limit, for each of 50 peers', async () => {
    const limit = 1000;
    const first = frameFor(role, { opcode: TEXT, fin: false, payload: 'a' });
    const rest = Buffer.concat(Array.from({ length: limit }, () => next(role, 'b')));
    const before = await memoryInUse();
    const peers = Array.from({ length: 50 }, () => {
      const wire = new ManualWire();
      const events = recordEvents(onWire(wire, role, { maxFragments: limit }));
      return { wire, events };
    });
    await turns();
    for (const { wire } of peers) wire.arrive(first, rest);
    await turns();
    for (const { wire, events } of peers) {
      expect(events).toEqual(['error Too many message fragments']);
      const [close] = readFrames(wire.sent).frames;
      expect(close?.payload.readUInt16BE(0)).toBe(1008);
    }
    expect((await memoryInUse()) - before).toBeLessThan(2 * MIB);
    for (const { wire } of peers) wire.destroy();
  });

  test('one fragment fewer is a message', async () => {
    const wire = new ManualWire();
    const events = recordEvents(onWire(wire, role, { maxFragments: 1000 }));
    await turns();
    wire.arrive(frameFor(role, { fin: false, payload: 'a' }));
    for (let i = 0; i < 998; i++) wire.arrive(next(role, 'b'));
    wire.arrive(frameFor(role, { opcode: CONTINUATION, payload: 'c' }));
    await turns();
    expect(events).toEqual([`message a${'b'.repeat(998)}c`]);
    wire.destroy();
  });
});

test('R1: a server has a limit of 131,072 fragments by default', async () => {
  const { ws, wires } = await connectPair(scope());
  const events = recordEvents(ws);
  const [peer] = wires;
  const thousand = Buffer.concat(Array.from({ length: 1000 }, () => next('server', '')));
  peer.write(frameFor('server', { fin: false, payload: 'a' }));
  for (let i = 0; i < 131; i++) peer.write(thousand);
  await until(() => peer.writableLength === 0, 'everything to be read');
  await turns(64);
  expect(events).toEqual([]);
  peer.write(Buffer.concat(Array.from({ length: 72 }, () => next('server', ''))));
  await until(() => events.length > 0, 'the limit');
  expect(events[0]).toBe('error Too many message fragments');
});

describe.each(ROLES)('R4: as a %s, Pings of a peer that does not read', (role) => {
  const ping = (payload: string): Buffer => frameFor(role, { opcode: PING, payload });

  const pongs = (wire: ManualWire): string[] =>
    readFrames(wire.sent)
      .frames.filter(({ opcode }) => opcode === PONG)
      .map(({ payload }) => payload.toString());

  test('take no memory, and the newest one is answered when it reads again', async () => {
    const wire = new ManualWire({ hold: true, highWaterMark: 1024 });
    const ws = onWire(wire, role);
    await turns();
    ws.send('x'.repeat(2000)); // the peer does not read it
    await turns();
    const before = await memoryInUse();
    const thousand = Buffer.concat(
      Array.from({ length: 1000 }, (_, i) => ping(`${i} `.padEnd(125, '-'))),
    );
    for (let i = 0; i < 500; i++) {
      wire.arrive(thousand); // 64 MiB in all
      await turns(1);
    }
    await turns(64);
    expect(pongs(wire)).toEqual([]);
    expect((await memoryInUse()) - before).toBeLessThan(MIB);
    wire.hold = false;
    while (wire.held > 0) wire.release();
    await turns();
    expect(pongs(wire)).toEqual(['999 '.padEnd(125, '-')]);
    expect(ws.readyState).toBe(1);
    wire.destroy();
  });

  test('each of 100 Pings in one chunk is answered when the peer reads', async () => {
    const wire = new ManualWire();
    onWire(wire, role);
    await turns();
    wire.arrive(...Array.from({ length: 100 }, (_, i) => ping(`${i}`)));
    await turns();
    expect(pongs(wire)).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
    wire.destroy();
  });
});

test('R9: a connection with compression keeps little memory after a message each way', async () => {
  const count = 100;
  const deflate = { perMessageDeflate: true };
  const message = 'a text that is worth compressing, '.repeat(40);
  const open = async (): Promise<WebSocketInstance[]> => {
    const { ws, client } = await connectPair(
      scope(),
      { perMessageDeflate: { threshold: 0 } },
      deflate,
    );
    const ends = [ws, client];
    const events = ends.map(recordEvents);
    for (const end of ends) end.send(message);
    await until(() => events.every(({ length }) => length === 1), 'a message each way');
    return ends;
  };
  const kept = await open();
  const before = [await memoryInUse(), process.memoryUsage.rss()] as const;
  for (let i = 0; i < count; i++) kept.push(...(await open()));
  const after = [await memoryInUse(), process.memoryUsage.rss()] as const;
  const ends = 2 * count;
  expect((after[0] - before[0]) / ends).toBeLessThan(48 * 1024);
  // What zlib itself allocates is in none of the figures of V8.
  expect((after[1] - before[1]) / ends).toBeLessThan(255 * 1024);
  expect(kept.length).toBe(ends + 2);
});
