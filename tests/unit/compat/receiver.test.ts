/** The ws-shaped Receiver: a Writable that takes frames and emits what they say. */

import { Blob } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { type Decompressor, Receiver, type ReceiverOptions } from '../../../src/compat/receiver.js';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';

type Seen = [event: string, ...args: unknown[]];

/** A receiver, and everything it emits; an error as its code and close code. */
function receiving(options?: ReceiverOptions): { receiver: Receiver; seen: Seen[] } {
  const receiver = new Receiver(options);
  const seen: Seen[] = [];
  for (const event of ['message', 'ping', 'pong', 'conclude', 'finish', 'close']) {
    receiver.on(event, (...args: unknown[]) => {
      seen.push([event, ...args.map((one) => (Buffer.isBuffer(one) ? String(one) : one))]);
    });
  }
  receiver.on('error', (error: Error & { code?: string; closeCode?: number }) => {
    seen.push(['error', error.code, error.closeCode]);
  });
  return { receiver, seen };
}

/** Decompresses by doubling, in its own time; `release` lets the oldest job be done. */
function slowDecompressor(error: Error | null = null) {
  const jobs: (() => void)[] = [];
  const decompressor: Decompressor = {
    decompress: (data, _fin, callback) => {
      jobs.push(() => (error ? callback(error) : callback(null, Buffer.concat([data, data]))));
    },
  };
  return { decompressor, release: () => jobs.shift()?.() };
}

const compressed = (payload: string): Buffer => frame({ rsv: 4, payload });
const conclusion = (code?: number, reason?: string): Buffer =>
  frame({ opcode: OPCODE.CLOSE, payload: closePayload(code, reason) });

describe('a Receiver', () => {
  test('emits messages and control frames, also between fragments', () => {
    const { receiver, seen } = receiving();
    receiver.write(frame({ payload: 'text' }));
    receiver.write(frame({ opcode: OPCODE.BINARY, fin: false, payload: 'a' }));
    receiver.write(frame({ opcode: OPCODE.PING, payload: '?' }));
    receiver.write(frame({ opcode: OPCODE.CONTINUATION, payload: 'b' }));
    receiver.write(frame({ opcode: OPCODE.PONG, payload: '!' }));
    expect(seen).toEqual([
      ['message', 'text', false],
      ['ping', '?'],
      ['message', 'ab', true],
      ['pong', '!'],
    ]);
  });

  test('reads frames however they are cut', () => {
    const { receiver, seen } = receiving();
    for (const byte of frame({ payload: 'text' })) receiver.write(Buffer.from([byte]));
    expect(seen).toEqual([['message', 'text', false]]);
  });

  test.each([
    [true, frame({ mask: KEY, payload: 'x' }), frame({ payload: 'x' }), 'WS_ERR_EXPECTED_MASK'],
    [false, frame({ payload: 'x' }), frame({ mask: KEY, payload: 'x' }), 'WS_ERR_UNEXPECTED_MASK'],
  ])('isServer: %s says which frames are masked', async (isServer, right, wrong, code) => {
    const { receiver, seen } = receiving({ isServer });
    receiver.write(right);
    receiver.write(wrong);
    await turns();
    expect(seen).toEqual([['message', 'x', false], ['error', code, 1002], ['close']]);
  });

  test('delivers binary messages as binaryType says, text always as a Buffer', () => {
    const binary = frame({ opcode: OPCODE.BINARY, payload: 'x' });
    const types = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'] as const;
    const given = types.map((binaryType) => {
      const all: unknown[] = [];
      const receiver = new Receiver({ binaryType }).on('message', (data) => all.push(data));
      receiver.write(Buffer.concat([binary, frame({ payload: 'text' })]));
      expect(all[1]).toEqual(Buffer.from('text'));
      return all[0];
    });
    expect(given.slice(0, 3)).toEqual([
      Buffer.from('x'),
      new Uint8Array([0x78]).buffer,
      [Buffer.from('x')],
    ]);
    expect(given[3]).toBeInstanceOf(Blob);
  });

  test('keeps large fragments apart for the type that asks for them', () => {
    const all: unknown[] = [];
    const receiver = new Receiver({ binaryType: 'fragments' });
    receiver.on('message', (data) => all.push(data));
    const payload = Buffer.alloc(5_000);
    receiver.write(frame({ opcode: OPCODE.BINARY, fin: false, payload }));
    receiver.write(frame({ opcode: OPCODE.CONTINUATION, payload }));
    expect(all).toEqual([[payload, payload]]);
  });

  test('has no limits by default', () => {
    const { receiver, seen } = receiving();
    receiver.write(frame({ payload: 'x'.repeat(70_000) }));
    expect(seen).toHaveLength(1);
  });

  test('delivers one event a turn with allowSynchronousEvents: false', async () => {
    const { receiver, seen } = receiving({ allowSynchronousEvents: false });
    const written: unknown[] = [];
    receiver.write(Buffer.concat([frame(), frame(), frame({ opcode: OPCODE.PING })]), () =>
      written.push(seen.length),
    );
    const perTurn = [seen.length];
    while (written.length === 0) {
      await new Promise((go) => setImmediate(go));
      perTurn.push(seen.length);
    }
    expect(perTurn.every((count, i) => count <= i + 1)).toBe(true);
    expect(written).toEqual([3]);
  });

  test('gives the rest of a chunk to a listener that threw, in a later turn', async () => {
    const { receiver, seen } = receiving();
    receiver.once('message', () => {
      throw new Error('mine');
    });
    expect(() => receiver.write(Buffer.concat([frame({ payload: 'a' }), frame()]))).toThrow('mine');
    await until(() => seen.length === 2, 'the second message');
    expect(seen[1]).toEqual(['message', '', false]);
  });
});

describe('a Close', () => {
  test.each([
    [conclusion(), 1005, ''],
    [conclusion(1000), 1000, ''],
    [conclusion(4000, 'bye'), 4000, 'bye'],
  ])('concludes, and nothing comes behind it', async (bytes, code, reason) => {
    const { receiver, seen } = receiving();
    receiver.write(Buffer.concat([bytes, frame({ payload: 'late' })]));
    await turns();
    expect(seen).toEqual([['conclude', code, reason], ['finish'], ['close']]);
  });
});

describe('an error', () => {
  const wrong: [string, ReceiverOptions, Buffer, string, number][] = [
    ['an opcode that is not defined', {}, frame({ opcode: 3 }), 'INVALID_OPCODE', 1002],
    ['a reserved bit', {}, frame({ rsv: 4 }), 'UNEXPECTED_RSV_1', 1002],
    ['text that is not UTF-8', {}, frame({ payload: Buffer.of(255) }), 'INVALID_UTF8', 1007],
    ['a close code of no use', {}, conclusion(1005), 'INVALID_CLOSE_CODE', 1002],
    [
      'a message above maxPayload',
      { maxPayload: 3 },
      frame({ payload: 'long' }),
      'UNSUPPORTED_MESSAGE_LENGTH',
      1009,
    ],
    [
      'more frames than maxFragments',
      { maxFragments: 1 },
      Buffer.concat([frame({ fin: false }), frame({ opcode: OPCODE.CONTINUATION })]),
      'TOO_MANY_BUFFERED_PARTS',
      1008,
    ],
  ];

  test.each(wrong)('comes once, of %s', async (_, options, bytes, code, closeCode) => {
    const { receiver, seen } = receiving(options);
    const settled: unknown[] = [];
    receiver.write(Buffer.concat([bytes, frame({ payload: 'late' })]), (error) =>
      settled.push(error),
    );
    receiver.write(frame({ opcode: 3 }));
    await turns();
    expect(seen).toEqual([['error', `WS_ERR_${code}`, closeCode], ['close']]);
    expect(settled).toEqual([expect.objectContaining({ code: `WS_ERR_${code}` })]);
  });

  test('of UTF-8 is left out with skipUTF8Validation', () => {
    const { receiver, seen } = receiving({ skipUTF8Validation: true });
    receiver.write(frame({ payload: Buffer.of(255) }));
    receiver.write(frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000, Buffer.of(255)) }));
    expect(seen.map(([event]) => event)).toEqual(['message', 'conclude']);
  });
});

describe('compression', () => {
  test('holds back what comes behind a compressed message', async () => {
    const { decompressor, release } = slowDecompressor();
    const { receiver, seen } = receiving({ extensions: { 'permessage-deflate': decompressor } });
    let written = false;
    const all = [
      compressed('a'),
      frame({ opcode: OPCODE.PING }),
      compressed('b'),
      conclusion(1000),
    ];
    receiver.write(Buffer.concat(all), () => {
      written = true;
    });
    await turns();
    expect([seen, written]).toEqual([[], false]);
    release();
    await until(() => seen.length === 2, 'the Ping');
    release();
    await until(() => seen.length === 6, "'close'");
    expect(seen).toEqual([
      ['message', 'aa', false],
      ['ping', ''],
      ['message', 'bb', false],
      ['conclude', 1000, ''],
      ['finish'],
      ['close'],
    ]);
    expect(written).toBe(true);
  });

  test('may also be undone at once', async () => {
    const decompressor: Decompressor = { decompress: (data, _, callback) => callback(null, data) };
    const { receiver, seen } = receiving({ extensions: { 'permessage-deflate': decompressor } });
    receiver.write(Buffer.concat([compressed('a'), compressed('b')]));
    await until(() => seen.length === 2, 'both messages');
    expect(seen).toEqual([
      ['message', 'a', false],
      ['message', 'b', false],
    ]);
  });

  test.each([
    ['data that can not be read', 0, new Error('invalid block type'), 'Z_DATA_ERROR', 1007],
    [
      'a message that the extension finds too long',
      0,
      Object.assign(new Error('long'), { code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' }),
      'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
      1009,
    ],
    ['a message above maxPayload', 3, null, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009],
  ])('fails by %s', async (_, maxPayload, error, code, closeCode) => {
    const { decompressor, release } = slowDecompressor(error);
    const extensions = { 'permessage-deflate': decompressor };
    const { receiver, seen } = receiving({ extensions, maxPayload });
    receiver.write(Buffer.concat([compressed('ab'), frame({ payload: 'c' })]));
    release();
    await until(() => seen.length === 2, "'close'");
    expect(seen).toEqual([['error', code, closeCode], ['close']]);
  });

  test('that is under way when the receiver is destroyed delivers nothing', async () => {
    const { decompressor, release } = slowDecompressor();
    const { receiver, seen } = receiving({ extensions: { 'permessage-deflate': decompressor } });
    receiver.write(compressed('a'));
    receiver.destroy();
    release();
    await turns();
    expect(seen).toEqual([['close']]);
  });
});
