/** `maxBufferedAmount`, `overflow` and `maxQueuedAge`: what happens when a peer reads slowly. */

import { Blob } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { COST, FILLING, slowReader } from '../../support/slow-reader.js';
import { type Loose, onWire, ROLES } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

/** A message of ten bytes. */
function ten(name: string): string {
  return name.padEnd(10, '.');
}

/** The limit at which so many messages of ten bytes may wait behind the filled socket. */
function roomFor(messages: number): number {
  return FILLING + messages * (10 + COST);
}

/** Notes the errors that a callback gets. */
function noter(): { results: string[]; note: (name: string) => (error?: Error) => void } {
  const results: string[] = [];
  const note = (name: string) => (error?: Error & { code?: string }) => {
    results.push(error === undefined ? name : `${name} ${error.code}`);
  };
  return { results, note };
}

describe.each(ROLES)('a %s', (role) => {
  const stage = (settings: Loose) => slowReader(scope(), role, settings);

  test('has no limit without the options', () => {
    const { ws } = stage({});
    for (let i = 0; i < 1000; i++) ws.send(Buffer.alloc(1000));
    expect(ws.bufferedAmount).toBe(FILLING + 1_000_000);
    expect(ws.readyState).toBe(ws.OPEN);
  });

  test('delivers what waits, in order, when the peer reads', async () => {
    const { ws, texts, readAll } = stage({ maxBufferedAmount: 100_000 });
    for (let i = 0; i < 50; i++) expect(ws.send(`message ${i}`)).toBe(false);
    expect(texts()).toEqual([]);
    await readAll();
    expect(texts()).toEqual(Array.from({ length: 50 }, (_, i) => `message ${i}`));
    expect(ws.bufferedAmount).toBe(0);
  });

  test("is told to wait, and 'drain' comes when half of the limit is free", async () => {
    const { ws, readAll } = stage({ maxBufferedAmount: roomFor(10) });
    let drains = 0;
    ws.on('drain', () => drains++);
    expect(ws.send(ten('a'))).toBe(false);
    await turns();
    expect(drains).toBe(0);
    await readAll();
    expect(drains).toBe(1);
    expect(ws.send(ten('b'))).toBe(true);
  });

  test('counts the payloads that wait in bufferedAmount', () => {
    const { ws } = stage({ maxBufferedAmount: 100_000 });
    ws.send('12345');
    ws.send(Buffer.alloc(7));
    ws.ping('ping');
    expect(ws.bufferedAmount).toBe(FILLING + 12);
  });

  test('lets a message of any size pass if nothing waits, and is closed by the next', async () => {
    const wire = new ManualWire({ hold: true, highWaterMark: FILLING });
    const ws = onWire(wire, role, { maxBufferedAmount: 100, closeTimeout: 50 });
    scope().track(ws);
    expect(ws.send(Buffer.alloc(5000))).toBe(false);
    expect(ws.readyState).toBe(ws.OPEN);
    ws.send('');
    expect(ws.readyState).toBe(ws.CLOSING);
  });

  test('does not count what is gathered until the tick ends', () => {
    const wire = new ManualWire();
    const ws = scope().track(onWire(wire, role, { maxBufferedAmount: 100 }));
    for (let i = 0; i < 100; i++) ws.send(Buffer.alloc(30));
    expect(ws.readyState).toBe(ws.OPEN);
  });

  test('keeps a small Buffer as it was when it was sent', async () => {
    const { ws, texts, readAll } = stage({ maxBufferedAmount: 100_000 });
    const buffer = Buffer.from('first');
    ws.send(buffer);
    buffer.write('other');
    await readAll();
    expect(texts()).toEqual(['first']);
  });

  test('sends a Blob, a Ping and fragments in their order', async () => {
    const { ws, frames, readAll } = stage({ maxBufferedAmount: 100_000 });
    ws.send(new Blob(['blob']));
    ws.ping('ping');
    ws.send('one', { fin: false });
    ws.pong('pong');
    ws.send('two');
    await readAll();
    await until(() => frames().length === 5, 'the frames');
    await readAll();
    expect(frames().map(({ opcode, payload }) => [opcode, `${payload}`])).toEqual([
      [OPCODE.BINARY, 'blob'],
      [OPCODE.PING, 'ping'],
      [OPCODE.TEXT, 'one'],
      [OPCODE.PONG, 'pong'],
      [OPCODE.CONTINUATION, 'two'],
    ]);
  });

  test('goes on with what waits when an in-memory wire throws', async () => {
    const { ws, wire, texts } = stage({ maxBufferedAmount: 100_000 });
    for (const name of ['a', 'b', 'c']) ws.send(name.repeat(300));
    const write = wire._write.bind(wire);
    wire._write = (chunk, encoding, done) => {
      wire._write = write;
      write(chunk, encoding, done);
      throw new Error('from a listener of the peer');
    };
    await turns(); // the tick in which frames are gathered is over
    wire.hold = false;
    expect(() => wire.release()).toThrow('from a listener of the peer');
    await turns();
    expect(texts()).toEqual(['a', 'b', 'c'].map((name) => name.repeat(300)));
  });

  test('close() sends its Close behind what waits', async () => {
    const { ws, frames, readAll } = stage({ maxBufferedAmount: 100_000 });
    ws.send('waits');
    ws.close(1000);
    await readAll();
    expect(frames().map(({ opcode }) => opcode)).toEqual([OPCODE.TEXT, OPCODE.CLOSE]);
  });

  test('calls each callback with an error when the connection is dropped', async () => {
    const { ws } = stage({ maxBufferedAmount: 100_000 });
    const { results, note } = noter();
    ws.send('a', note('a'));
    ws.ping('b', undefined, note('b'));
    ws.terminate();
    await until(() => ws.readyState === 3, 'the end');
    expect(results).toEqual(['a WS_ERR_NOT_SENT', 'b WS_ERR_NOT_SENT']);
    expect(ws.bufferedAmount).toBe(0);
  });

  describe("with overflow 'close'", () => {
    test('keeps what fits exactly, and is closed by one byte more', () => {
      const { ws } = stage({ maxBufferedAmount: roomFor(2) });
      ws.send(ten('a'));
      ws.send(ten('b'));
      expect(ws.readyState).toBe(ws.OPEN);
      const { ws: other } = stage({ maxBufferedAmount: roomFor(2) });
      other.send(ten('a'));
      other.send(`${ten('b')}!`);
      expect(other.readyState).toBe(other.CLOSING);
    });

    test('sends 1013 before what may be dropped, and tells why', async () => {
      const { ws, frames, drops, readAll, wire } = stage({ maxBufferedAmount: roomFor(2) });
      const { results, note } = noter();
      ws.send(ten('a'), note('a'));
      ws.send(ten('keep'), { droppable: false }, note('keep'));
      ws.send(ten('c'), note('c'));
      await readAll();
      expect(frames().map(({ opcode }) => opcode)).toEqual([OPCODE.TEXT, OPCODE.CLOSE]);
      expect(frames()[1]?.payload.readUInt16BE(0)).toBe(1013);
      expect(results.sort()).toEqual(['a WS_ERR_DROPPED', 'c WS_ERR_DROPPED', 'keep']);
      expect(drops).toEqual([[2, 20]]);
      wire.destroy();
      await until(() => ws.readyState === 3, 'the end');
      expect(ws.closeInfo).toMatchObject({ by: 'limit', cause: 'slow', sent: { code: 1013 } });
    });

    test('never puts the Close into a fragmented message that waits', async () => {
      const { ws, frames, readAll } = stage({ maxBufferedAmount: roomFor(2) });
      ws.send(ten('one'), { fin: false });
      ws.send(ten('two'), { fin: true });
      ws.send(ten('c'));
      await readAll();
      expect(frames().map(({ opcode }) => opcode)).toEqual([
        OPCODE.TEXT,
        OPCODE.CONTINUATION,
        OPCODE.CLOSE,
      ]);
    });

    test('drops the connection after closeTimeout if the peer reads nothing', async () => {
      clock.stop();
      const { ws } = stage({ maxBufferedAmount: roomFor(0), closeTimeout: 5000 });
      ws.send('too much');
      clock.advance(4999);
      await turns();
      expect(ws.readyState).toBe(ws.CLOSING);
      clock.advance(1);
      await until(() => ws.readyState === 3, 'the end');
      expect(ws.closeInfo).toMatchObject({ by: 'limit', cause: 'slow', wasClean: false });
    });
  });

  describe("with overflow 'drop-newest'", () => {
    test('drops the message that does not fit', async () => {
      const { ws, texts, drops, readAll } = stage({
        maxBufferedAmount: roomFor(2),
        overflow: 'drop-newest',
      });
      const { results, note } = noter();
      for (const name of ['a', 'b', 'c', 'd']) ws.send(ten(name), note(name));
      await turns(1);
      expect(results).toEqual(['c WS_ERR_DROPPED', 'd WS_ERR_DROPPED']);
      expect(drops).toEqual([[2, 20]]);
      await readAll();
      expect(texts()).toEqual([ten('a'), ten('b')]);
      expect(ws.readyState).toBe(ws.OPEN);
    });

    test.each([
      ['a message that must not be dropped', { droppable: false }],
      ['a fragment', { fin: false }],
    ])('is closed by %s that does not fit', (_, options) => {
      const { ws } = stage({ maxBufferedAmount: roomFor(1), overflow: 'drop-newest' });
      ws.send(ten('a'));
      ws.send(ten('b'), options);
      expect(ws.readyState).toBe(ws.CLOSING);
    });

    test('is closed by Pings that do not fit', () => {
      const { ws } = stage({ maxBufferedAmount: roomFor(1), overflow: 'drop-newest' });
      ws.ping();
      ws.ping();
      expect(ws.readyState).toBe(ws.CLOSING);
    });
  });

  describe("with overflow 'drop-oldest'", () => {
    const settings = { maxBufferedAmount: roomFor(3), overflow: 'drop-oldest' };

    test('keeps the newest messages, and those that must not be dropped', async () => {
      const { ws, texts, readAll } = stage(settings);
      for (const name of ['a', 'b']) ws.send(ten(name));
      ws.send(ten('keep'), { droppable: false });
      for (const name of ['d', 'e']) ws.send(ten(name));
      await readAll();
      expect(texts()).toEqual([ten('keep'), ten('d'), ten('e')]);
    });

    test('drops the message itself if only those wait that must not be dropped', async () => {
      const { ws, texts, readAll } = stage(settings);
      for (const name of ['a', 'b', 'c']) ws.send(ten(name), { droppable: false });
      ws.send(ten('d'));
      expect(ws.readyState).toBe(ws.OPEN);
      await readAll();
      expect(texts()).toEqual([ten('a'), ten('b'), ten('c')]);
    });

    test('is closed when those alone do not fit', () => {
      const { ws } = stage(settings);
      for (const name of ['a', 'b', 'c', 'd']) ws.send(ten(name), { droppable: false });
      expect(ws.readyState).toBe(ws.CLOSING);
    });

    test('keeps one message of any size', async () => {
      const { ws, texts, readAll } = stage(settings);
      ws.send(ten('a'));
      ws.send('x'.repeat(9999));
      await readAll();
      expect(texts()).toEqual(['x'.repeat(9999)]);
    });
  });

  describe("with overflow 'conflate'", () => {
    test('sends the newest message of each key', async () => {
      const { ws, texts, drops, readAll } = stage({ overflow: 'conflate' });
      for (const price of [1, 2, 3]) {
        ws.send(`EUR ${price}`, { key: 'EUR' });
        ws.send(`USD ${price}`, { key: 'USD' });
      }
      await readAll();
      expect(texts()).toEqual(['EUR 3', 'USD 3']);
      expect(drops).toEqual([[4, 20]]);
    });

    test('keeps the place of a key, so that one that changes often is sent too', async () => {
      const { ws, texts, readAll } = stage({ overflow: 'conflate' });
      ws.send('hot 1', { key: 'hot' });
      ws.send('cold', { key: 'cold' });
      ws.send('hot 2', { key: 'hot' });
      await readAll();
      expect(texts()).toEqual(['hot 2', 'cold']);
    });

    test('overtakes no message without a key', async () => {
      const { ws, texts, readAll } = stage({ overflow: 'conflate' });
      ws.send('price 1', { key: 'price' });
      ws.send('sold');
      ws.send('price 2', { key: 'price' });
      await readAll();
      expect(texts()).toEqual(['sold', 'price 2']);
    });

    test('drops only what may be dropped at the limit, and else is closed', async () => {
      const { ws, texts, readAll } = stage({ maxBufferedAmount: roomFor(2), overflow: 'conflate' });
      ws.send(ten('a'), { droppable: true });
      ws.send(ten('b'), { key: 'b' });
      ws.send(ten('c'), { key: 'c' });
      expect(ws.readyState).toBe(ws.OPEN);
      ws.send(ten('c2'), { key: 'c' });
      expect(ws.readyState).toBe(ws.OPEN);
      ws.send(ten('d'), { key: 'd' });
      expect(ws.readyState).toBe(ws.CLOSING);
      await readAll();
      expect(texts()).toEqual([ten('b'), ten('c2'), '']);
    });

    test('does not conflate fragments', async () => {
      const { ws, texts, readAll } = stage({ overflow: 'conflate' });
      ws.send('1', { key: 'k', fin: false });
      ws.send('2', { key: 'k', fin: false });
      ws.send('3', { key: 'k' });
      await readAll();
      expect(texts()).toEqual(['1', '2', '3']);
    });
  });

  describe('with a function', () => {
    test('asks it about each message that does not fit', async () => {
      const asked: unknown[] = [];
      const answers = ['send', 'drop', 'close'];
      const { ws, texts, readAll } = stage({
        maxBufferedAmount: roomFor(1),
        overflow: (socket: unknown, message: object) => {
          asked.push([socket === ws, message]);
          return answers.shift();
        },
      });
      ws.send(ten('a'));
      ws.send(ten('b'), { key: 'k' });
      ws.send(ten('c'), { droppable: false });
      expect(ws.readyState).toBe(ws.OPEN);
      ws.send(ten('d'));
      expect(ws.readyState).toBe(ws.CLOSING);
      expect(asked).toEqual([
        [true, { bytes: 10, key: 'k', droppable: true }],
        [true, { bytes: 10, key: undefined, droppable: false }],
        [true, { bytes: 10, key: undefined, droppable: true }],
      ]);
      await readAll();
      expect(texts()).toEqual(['']);
    });

    test('throws what it throws, and a TypeError for another answer', () => {
      const answers: (() => unknown)[] = [
        () => {
          throw new Error('from the program');
        },
        () => Promise.resolve('send'),
      ];
      const { ws } = stage({
        maxBufferedAmount: roomFor(0),
        overflow: () => answers.shift()?.(),
      });
      expect(() => ws.send('a')).toThrow('from the program');
      expect(() => ws.send('b')).toThrow(TypeError);
      expect(ws.readyState).toBe(ws.OPEN);
    });
  });

  describe('with maxQueuedAge', () => {
    test('drops what waited for too long, and not what must not be dropped', async () => {
      clock.stop();
      const { ws, texts, drops, readAll } = stage({ maxQueuedAge: 800 });
      const { results, note } = noter();
      ws.send('old', note('old'));
      ws.send('keep', { droppable: false });
      clock.advance(500);
      ws.send('young');
      clock.advance(300);
      await turns(1);
      expect(drops).toEqual([]);
      clock.advance(100);
      await turns(1);
      expect(drops).toEqual([[1, 3]]);
      expect(results).toEqual(['old WS_ERR_DROPPED']);
      await readAll();
      expect(texts()).toEqual(['keep', 'young']);
      expect(clock.timerCount).toBe(0);
    });

    test('drops nothing that a peer reads in time, and stops its timer at the end', async () => {
      clock.stop();
      const { ws, readAll, texts } = stage({ maxQueuedAge: 800 });
      ws.send('a');
      clock.advance(800);
      await readAll();
      expect(texts()).toEqual(['a']);
      const { ws: other } = stage({ maxQueuedAge: 800 });
      other.send('a');
      expect(clock.timerCount).toBe(1);
      other.terminate();
      await until(() => other.readyState === 3, 'the end');
      expect(clock.timerCount).toBe(0);
    });
  });
});

describe('the options', () => {
  const make = (options: Loose) => new WebSocket('ws://127.0.0.1:1', options);

  test.each([
    [{ overflow: 'drop' }, TypeError, 'must be'],
    [{ overflow: 1 }, TypeError, 'must be'],
    [{ overflow: 'drop-oldest' }, TypeError, 'needs maxBufferedAmount'],
    [{ overflow: () => 'send' }, TypeError, 'needs maxBufferedAmount'],
    [{ maxBufferedAmount: -1 }, RangeError, 'maxBufferedAmount'],
    [{ maxBufferedAmount: 'much' }, TypeError, 'maxBufferedAmount'],
    [{ maxQueuedAge: Number.NaN }, RangeError, 'maxQueuedAge'],
  ])('%p throw', (options, ErrorClass, text) => {
    expect(() => make(options)).toThrow(ErrorClass);
    expect(() => make(options)).toThrow(text);
  });

  test('0 and Infinity mean no limit', () => {
    for (const none of [0, Number.POSITIVE_INFINITY]) {
      const limits = { maxBufferedAmount: none, maxQueuedAge: none, overflow: 'drop-oldest' };
      const { ws } = slowReader(scope(), 'server', limits);
      for (let i = 0; i < 1000; i++) ws.send(Buffer.alloc(1000));
      expect(ws.bufferedAmount).toBe(FILLING + 1_000_000);
    }
  });
});
