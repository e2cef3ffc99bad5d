/** What programs send and receive, turned into bytes and back. */

import { runInNewContext } from 'node:vm';
import { describe, expect, jest, test } from '@jest/globals';
import {
  byteLengthOf,
  isBinaryType,
  toBinary,
  toClose,
  toControlPayload,
  toPayload,
} from '../../../src/websocket/payload.js';
import { turns } from '../../support/inbox.js';
import { useWarnings } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const warnings = useWarnings(scope);

/** The module anew: it warns once. */
function isolated(): typeof import('../../../src/websocket/payload.js') {
  let module: typeof import('../../../src/websocket/payload.js') | undefined;
  jest.isolateModules(() => {
    module = require('../../../src/websocket/payload.js');
  });
  if (module === undefined) throw new Error('not loaded');
  return module;
}

const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);

describe('toPayload', () => {
  test.each(['', 'a', 'äöü', '\u{1f600}'])('leaves the text %p as it is', (text) => {
    expect(toPayload(text)).toBe(text);
  });

  // GHSA-2mhh-w6q8-5hxw: a number was once a size, of uninitialised memory.
  test.each([0, -1, 100, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21])(
    'makes text of the number %d',
    (number) => {
      expect(toPayload(number)).toBe(String(number));
    },
  );

  test.each([null, undefined])('makes nothing of %p', (nothing) => {
    expect(toPayload(nothing)).toHaveLength(0);
  });

  test('hands a Buffer on without copying it', () => {
    const buffer = Buffer.from('abc');
    expect(toPayload(buffer)).toBe(buffer);
  });

  test.each([
    ['a Uint8Array', bytes.subarray(2, 4), [3, 4]],
    ['an Int8Array', new Int8Array(bytes.buffer, 1, 2), [2, 3]],
    ['a Uint16Array', new Uint16Array(bytes.buffer, 2, 2), [3, 4, 5, 6]],
    ['a Float64Array', new Float64Array(bytes.buffer), [...bytes]],
    ['a BigInt64Array', new BigInt64Array(bytes.buffer), [...bytes]],
    ['a DataView', new DataView(bytes.buffer, 6), [7, 8]],
    ['an ArrayBuffer', bytes.buffer, [...bytes]],
  ])('sees the bytes of %s, no others, without copying them', (_, data, expected) => {
    const payload = toPayload(data) as Buffer;
    expect([...payload]).toEqual(expected);
    expect(payload.buffer).toBe(bytes.buffer);
  });

  test.each([
    ['an array', [1, 256, -1, 'x'], [1, 0, 255, 0]],
    ['an object with a length', { length: 2, 0: 7, 1: 8 }, [7, 8]],
    ['an object with a value', { valueOf: (): string => 'ab' }, [97, 98]],
    ['an object that becomes a string', { [Symbol.toPrimitive]: (): string => 'c' }, [99]],
    ['the JSON of a Buffer', { type: 'Buffer', data: [5] }, [5]],
  ])('makes bytes of %s', (_, data, expected) => {
    expect([...(toPayload(data) as Buffer)]).toEqual(expected);
  });

  test.each([{}, true, Symbol('x'), 1n, () => {}])('refuses %p', (data) => {
    const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    expect(() => toPayload(data)).toThrow(expect.objectContaining(error));
  });

  test.each([
    [{ a: 1 }, 'Cannot send a value of type Object: a message is a string or bytes'],
    [Object.create(null), 'Cannot send a value of type Object: a message is'],
    [new Map(), 'Cannot send a value of type Map: a message is'],
    [true, 'Cannot send a value of type boolean: a message is'],
    [{ a: 1 }, 'For JSON, send JSON.stringify(data)'],
    [Promise.resolve('x'), 'Cannot send a value of type Promise: await it first'],
  ])('says what to do about %p', (data, message) => {
    expect(() => toPayload(data)).toThrow(message);
  });

  test.each([
    [{ length: 2, 0: 97, 1: 98 }, 'ab'],
    [{ valueOf: () => 'text' }, 'text'],
    [{ [Symbol.toPrimitive]: () => 'primitive' }, 'primitive'],
    [[97, 98], 'ab'],
    [JSON.parse(JSON.stringify(Buffer.from('json'))), 'json'],
  ])('accepts all that Buffer.from accepts: %p', (data, text) => {
    expect(String(toPayload(data))).toBe(text);
  });

  test('leaves the error of a valueOf that throws as it is', () => {
    const error = new Error("the program's own");
    const data = {
      valueOf() {
        throw error;
      },
    };
    expect(() => toPayload(data)).toThrow(error);
  });
});

test.each([
  ['', 0],
  ['ä', 2],
  ['\u{1f600}', 4],
  [Buffer.alloc(7), 7],
])('byteLengthOf %p is %i bytes', (payload, length) => {
  expect(byteLengthOf(payload)).toBe(length);
});

describe('toControlPayload', () => {
  test.each([
    ['x'.repeat(125), 125],
    ['ä'.repeat(62), 124],
    [Buffer.alloc(125), 125],
    [undefined, 0],
    [7, 1],
  ])('takes up to 125 bytes', (data, length) => {
    expect(toControlPayload(data)).toHaveLength(length);
  });

  test.each(['x'.repeat(126), 'ä'.repeat(63), Buffer.alloc(126), new Float64Array(16)])(
    'refuses more with a RangeError',
    (data) => {
      const error = new RangeError('The data size must not be greater than 125 bytes');
      expect(() => toControlPayload(data)).toThrow(error);
    },
  );
});

describe('toClose', () => {
  test('says 1005 for no code, whatever the reason is', () => {
    expect(toClose(undefined, 'x'.repeat(500))).toEqual({ code: 1005, reason: Buffer.alloc(0) });
  });

  test('warns of a reason without a code, once', async () => {
    const { toClose: fresh } = isolated();
    fresh(undefined, undefined);
    fresh(undefined, '');
    fresh(undefined, 'bye');
    fresh(undefined, 'bye');
    await turns(1);
    expect(warnings('WS6455_REASON_NOT_SENT')).toEqual([
      'close() was called with a reason and without a code: the reason is not sent. Pass a code, such as 1000',
    ]);
  });

  test('takes bytes of another realm as a reason', () => {
    const reason = runInNewContext('new Uint8Array([98, 121, 101])');
    expect(toClose(1000, reason)).toEqual({ code: 1000, reason: Buffer.from('bye') });
  });

  test.each([
    [undefined, ''],
    [null, ''],
    ['', ''],
    [0, ''],
    [5, ''],
    [new DataView(new ArrayBuffer(4)), ''],
    ['äb', 'äb'],
    [Buffer.from('c'), 'c'],
    [new Uint8Array([100]), 'd'],
  ])('takes the reason %p', (reason, text) => {
    expect(toClose(1000, reason)).toEqual({ code: 1000, reason: Buffer.from(text) });
  });

  test("copies the reason: the caller's bytes may change before it is sent", () => {
    const reason = Buffer.from('abc');
    const close = toClose(1000, reason);
    reason.fill(0);
    expect(close.reason.toString()).toBe('abc');
  });

  test('accepts every code that RFC 6455 §7.4 lets an endpoint send, and no other', () => {
    const accepted = Array.from({ length: 70_000 }, (_, code) => code).filter((code) => {
      try {
        return toClose(code, '').code === code;
      } catch {
        return false;
      }
    });
    const range = (from: number, to: number): number[] =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i);
    expect(accepted).toEqual([...range(1000, 1003), ...range(1007, 1014), ...range(3000, 4999)]);
  });

  test.each(['1000', null, {}, true, 1000n, Number.NaN, Number.POSITIVE_INFINITY, 1000.5, -1000])(
    'refuses code %p with a TypeError',
    (code) => {
      const error = new TypeError('First argument must be a valid error code number');
      expect(() => toClose(code, '')).toThrow(error);
    },
  );

  // GHSA-58qx-3vcg-4xpx: a Float32Array once sent uninitialised bytes.
  test.each([new Float32Array(20), new Uint16Array(1), ['a'], { length: 3 }])(
    'refuses the reason %p with a TypeError',
    (reason) => {
      const error = new TypeError('Second argument must be a string or a Uint8Array');
      expect(() => toClose(1000, reason)).toThrow(error);
    },
  );

  test('takes 123 bytes of reason at most, counted as UTF-8', () => {
    expect(toClose(1000, 'x'.repeat(123)).reason).toHaveLength(123);
    expect(toClose(1000, `x${'ä'.repeat(61)}`).reason).toHaveLength(123);
    const error = new RangeError('The message must not be greater than 123 bytes');
    for (const reason of ['x'.repeat(124), 'ä'.repeat(62), Buffer.alloc(124)]) {
      expect(() => toClose(1000, reason)).toThrow(error);
    }
  });
});

test('isBinaryType knows four types', () => {
  const given = ['nodebuffer', 'arraybuffer', 'fragments', 'blob', 'Blob', '', undefined, null, 1];
  expect(given.filter(isBinaryType)).toEqual(['nodebuffer', 'arraybuffer', 'fragments', 'blob']);
});

describe('toBinary', () => {
  const pieces = [Buffer.from('ab'), Buffer.from('c')];
  const whole = Buffer.from('abc');

  test('nodebuffer: one Buffer, not copied if it is one', () => {
    expect(toBinary(whole, 'nodebuffer')).toBe(whole);
    expect(toBinary(pieces, 'nodebuffer')).toEqual(whole);
  });

  test('fragments: a list of Buffers', () => {
    expect(toBinary(pieces, 'fragments')).toBe(pieces);
    expect(toBinary(whole, 'fragments')).toEqual([whole]);
  });

  test('arraybuffer: exactly its bytes, nothing of what lies around them', () => {
    for (const data of [whole, pieces, Buffer.concat([Buffer.from('xx'), whole]).subarray(2)]) {
      const buffer = toBinary(data, 'arraybuffer') as ArrayBuffer;
      expect(buffer.byteLength).toBe(3);
      expect(Buffer.from(buffer).toString()).toBe('abc');
    }
    expect((toBinary(Buffer.alloc(0), 'arraybuffer') as ArrayBuffer).byteLength).toBe(0);
  });

  test('arraybuffer: what has its memory for itself is not copied', () => {
    const own = Buffer.allocUnsafeSlow(5);
    expect(toBinary(own, 'arraybuffer')).toBe(own.buffer);
  });

  test('blob: a Blob of its bytes', async () => {
    for (const data of [whole, pieces]) {
      const blob = toBinary(data, 'blob') as Blob;
      expect(blob).toBeInstanceOf(Blob);
      expect(await blob.text()).toBe('abc');
    }
  });
});
