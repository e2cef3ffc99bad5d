/** The ws-shaped Sender: frames made one by one, and sent in order on a socket of the caller's. */

import { Blob } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { type Compressor, type FrameOptions, Sender } from '../../../src/compat/sender.js';
import { closePayload, frame, OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';

const KEY = Buffer.from([1, 2, 250, 4]);
const fillKey = (mask: Buffer): void => {
  KEY.copy(mask);
};

function frameOf(data: Buffer | string, options: Partial<FrameOptions> = {}): Buffer[] {
  return Sender.frame(data, { fin: true, opcode: OPCODE.BINARY, ...options });
}

/** A compressor that takes its time: `release` lets the oldest job be done. */
function slowCompressor(settings: Partial<Compressor> = {}) {
  const jobs: (() => void)[] = [];
  const compressor: Compressor = {
    ...settings,
    compress: (data, fin, callback) => {
      jobs.push(() => callback(null, Buffer.from(`(${data}${fin ? '' : '…'})`)));
    },
  };
  return { compressor, release: () => jobs.shift()?.() };
}

/** The frames that a wire was given, as opcode, RSV bits and text. */
function seen(wire: ManualWire): [number, number, string][] {
  return readFrames(wire.sent).frames.map(({ opcode, rsv, payload }) => [
    opcode,
    rsv,
    String(payload),
  ]);
}

describe('Sender.frame', () => {
  test.each([0, 1, 125, 126, 65_535, 65_536])('frames %i bytes', (length) => {
    const payload = Buffer.alloc(length, 'abc');
    const parts = frameOf(payload);
    expect(Buffer.concat(parts)).toEqual(frame({ opcode: OPCODE.BINARY, payload }));
    expect(parts).toHaveLength(length === 0 ? 1 : 2);
  });

  test.each([0, 1, 125, 126, 65_535, 65_536])('masks %i bytes', (length) => {
    const payload = Buffer.alloc(length, 'abc');
    const parts = frameOf(payload, { mask: true, readOnly: true, generateMask: fillKey });
    expect(parts).toEqual([frame({ opcode: OPCODE.BINARY, payload, mask: KEY })]);
    expect(payload).toEqual(Buffer.alloc(length, 'abc'));
  });

  test('hands an unmasked payload on as it is', () => {
    const payload = Buffer.from('hi');
    expect(frameOf(payload, { readOnly: true })[1]).toBe(payload);
  });

  test('masks in place what is not read-only', () => {
    const payload = Buffer.from('hi');
    const parts = frameOf(payload, { mask: true, generateMask: fillKey });
    expect(parts[1]).toBe(payload);
    expect(Buffer.concat(parts)).toEqual(
      frame({ opcode: OPCODE.BINARY, payload: 'hi', mask: KEY }),
    );
  });

  test('masks the bytes of a string apart from the header: nobody else has them', () => {
    const parts = frameOf('hi', { mask: true, readOnly: true, generateMask: fillKey });
    expect(parts).toHaveLength(2);
    expect(Buffer.concat(parts)).toEqual(
      frame({ opcode: OPCODE.BINARY, payload: 'hi', mask: KEY }),
    );
  });

  test('leaves the payload as it is under a key of zeros', () => {
    const payload = Buffer.from('hi');
    const options = { mask: true, readOnly: true, generateMask: (key: Buffer) => key.fill(0) };
    const [header, second] = frameOf(payload, options);
    expect([header, second]).toEqual([Buffer.from([0x82, 0x82, 0, 0, 0, 0]), payload]);
    expect(second).toBe(payload);
  });

  test('sets FIN, RSV1 and opcode as given, and encodes strings', () => {
    const options = { fin: false, rsv1: true, opcode: OPCODE.TEXT };
    expect(Buffer.concat(frameOf('é', options))).toEqual(
      frame({ fin: false, rsv: 4, opcode: OPCODE.TEXT, payload: 'é' }),
    );
  });

  test('puts the key it drew into maskBuffer, another one each time', () => {
    const keys = [Buffer.alloc(4), Buffer.alloc(4)];
    for (const maskBuffer of keys) {
      const bytes = Buffer.concat(frameOf(Buffer.from('hi'), { mask: true, maskBuffer }));
      expect(bytes.subarray(2, 6)).toEqual(maskBuffer);
      expect(String(readFrames(bytes).frames[0]?.payload)).toBe('hi');
    }
    expect(keys[0]).not.toEqual(keys[1]);
  });
});

describe('a Sender', () => {
  test('sends messages, fragments and control frames', () => {
    const wire = new ManualWire();
    const sender = new Sender(wire);
    sender.send('text', { fin: true });
    sender.send(Buffer.from('a'), { binary: true, fin: false });
    sender.ping('!');
    sender.send('b', { fin: true });
    sender.pong();
    sender.close(1001, 'bye');
    expect(readFrames(wire.sent).frames.map((one) => one.fin)).toEqual(
      [1, 0, 1, 1, 1, 1].map(Boolean),
    );
    expect(seen(wire)).toEqual([
      [OPCODE.TEXT, 0, 'text'],
      [OPCODE.BINARY, 0, 'a'],
      [OPCODE.PING, 0, '!'],
      [OPCODE.CONTINUATION, 0, 'b'],
      [OPCODE.PONG, 0, ''],
      [OPCODE.CLOSE, 0, String(closePayload(1001, 'bye'))],
    ]);
  });

  test("masks with its own source of keys, a copy of the caller's bytes", () => {
    const wire = new ManualWire();
    const data = Buffer.from('hi');
    new Sender(wire, undefined, fillKey).send(data, { binary: true, fin: true, mask: true });
    expect(wire.sent).toEqual(frame({ opcode: OPCODE.BINARY, payload: 'hi', mask: KEY }));
    expect(String(data)).toBe('hi');
  });

  test('writes the two parts of a frame in one go', () => {
    const wire = new ManualWire();
    new Sender(wire).send('text', { fin: true });
    expect(wire.writes).toHaveLength(1);
  });

  test('calls back when the frame was written', () => {
    const wire = new ManualWire({ hold: true });
    const settled: unknown[] = [];
    new Sender(wire).send('text', { fin: true }, (error) => settled.push(error));
    expect(settled).toEqual([]);
    wire.release();
    expect(settled).toEqual([undefined]);
  });

  test.each<[string, (sender: Sender) => void, string]>([
    ['a long Ping', (sender) => sender.ping(Buffer.alloc(126)), 'data size must not be greater'],
    ['a long Pong', (sender) => sender.pong('é'.repeat(63)), 'data size must not be greater'],
    ['a long Blob', (sender) => sender.ping(new Blob(['x'.repeat(126)])), 'data size must not be'],
    ['a wrong code', (sender) => sender.close(1005), 'First argument must be a valid error code'],
    ['a long reason', (sender) => sender.close(1000, 'x'.repeat(124)), 'message must not be'],
    ['no data at all', (sender) => sender.send({}, {}), 'Cannot send a value of type Object'],
  ])('refuses %s', (_, call, message) => {
    const wire = new ManualWire();
    expect(() => call(new Sender(wire))).toThrow(message);
    expect(wire.writes).toEqual([]);
  });
});

describe('compression', () => {
  test('keeps the order: what is sent behind a message waits for it', () => {
    const wire = new ManualWire();
    const { compressor, release } = slowCompressor();
    const sender = new Sender(wire, { 'permessage-deflate': compressor });
    sender.send('plain', { fin: true });
    sender.send('long', { compress: true, fin: true });
    sender.ping('!');
    sender.send(Buffer.from('next'), { compress: true, binary: true, fin: true });
    sender.close();
    expect(seen(wire)).toEqual([[OPCODE.TEXT, 0, 'plain']]);
    expect(sender._bufferedBytes).toBe('long!next'.length);
    release();
    release();
    expect(seen(wire).slice(1)).toEqual([
      [OPCODE.TEXT, 4, '(long)'],
      [OPCODE.PING, 0, '!'],
      [OPCODE.BINARY, 4, '(next)'],
      [OPCODE.CLOSE, 0, ''],
    ]);
    expect(sender._bufferedBytes).toBe(0);
  });

  test('is decided by the first fragment, which alone says so', () => {
    const wire = new ManualWire();
    const { compressor, release } = slowCompressor();
    const sender = new Sender(wire, { 'permessage-deflate': compressor });
    sender.send('a', { compress: true, fin: false });
    sender.send('b', { fin: true });
    sender.send('c', { fin: false });
    sender.send('d', { compress: true, fin: true });
    release();
    release();
    expect(seen(wire)).toEqual([
      [OPCODE.TEXT, 4, '(a…)'],
      [OPCODE.CONTINUATION, 0, '(b)'],
      [OPCODE.TEXT, 0, 'c'],
      [OPCODE.CONTINUATION, 0, 'd'],
    ]);
  });

  test.each([
    ['without context takeover short messages stay', { server_no_context_takeover: true }, 0],
    ['with context takeover short ones are compressed too', {}, 4],
    ["the peer's context takeover does not matter", { client_no_context_takeover: true }, 4],
  ])('%s', (_, params, rsv) => {
    const wire = new ManualWire();
    const settings = { params, _isServer: true, _threshold: 4 };
    const { compressor, release } = slowCompressor(settings);
    const sender = new Sender(wire, { 'permessage-deflate': compressor });
    sender.send('abc', { compress: true, fin: true });
    release();
    expect(seen(wire).map(([, bits]) => bits)).toEqual([rsv]);
  });

  test('asked for without an extension is left out', () => {
    const wire = new ManualWire();
    new Sender(wire).send('abc', { compress: true, fin: true });
    expect(seen(wire)).toEqual([[OPCODE.TEXT, 0, 'abc']]);
  });

  test('of a socket that goes away fails everything that waits, once', async () => {
    const wire = new ManualWire();
    const { compressor, release } = slowCompressor();
    wire.on('error', () => {});
    const sender = new Sender(wire, { 'permessage-deflate': compressor });
    const errors: unknown[] = [];
    const note = (error?: Error): number => errors.push(error?.message);
    sender.send('a', { compress: true, fin: true }, note);
    sender.ping('b', false, note);
    wire.destroy();
    release();
    const message = 'The socket was closed while data was being compressed';
    expect(errors).toEqual([message, message]);
    sender.ping('c');
    await turns();
    expect(errors).toHaveLength(2);
    expect(sender._bufferedBytes).toBe(0);
  });
});

describe('a Blob', () => {
  test('is read first; what is sent behind it waits', async () => {
    const wire = new ManualWire();
    const sender = new Sender(wire);
    sender.send(new Blob(['blob']), { binary: true, fin: true });
    sender.send('behind', { fin: true });
    expect(sender._bufferedBytes).toBe('blobbehind'.length);
    await until(() => seen(wire).length === 2, 'two frames');
    expect(seen(wire)).toEqual([
      [OPCODE.BINARY, 0, 'blob'],
      [OPCODE.TEXT, 0, 'behind'],
    ]);
  });

  test('that cannot be read: its callback and onerror get the error', async () => {
    const sender = new Sender(new ManualWire());
    const failure = new Error('unreadable');
    const blob = Object.assign(new Blob(['x']), { arrayBuffer: () => Promise.reject(failure) });
    const settled: unknown[] = [];
    sender.onerror = (error) => settled.push(['onerror', error]);
    sender.send(blob, { fin: true }, (error) => settled.push(['callback', error]));
    await until(() => settled.length === 2, 'both');
    expect(settled).toEqual([
      ['callback', failure],
      ['onerror', failure],
    ]);
  });

  test('of a socket that goes away fails', async () => {
    const wire = new ManualWire();
    const settled: unknown[] = [];
    new Sender(wire).send(new Blob(['x']), { fin: true }, (error) => settled.push(error?.message));
    wire.destroy();
    await until(() => settled.length > 0, 'the callback');
    expect(settled).toEqual(['The socket was closed while the blob was being read']);
  });
});
