/** RFC 6455 §5.2: frames out of chunks, however these are cut, suspended or thrown out of. */

import { describe, expect, test } from '@jest/globals';
import type { FrameHeader } from '../../../src/protocol/frame.js';
import { FrameReader } from '../../../src/protocol/frame-reader.js';
import { unmaskedCopy } from '../../../src/protocol/mask.js';
import { type FrameOptions, frame, KEY, OPCODE } from '../../support/frames.js';
import { byteByByte, randomCuts, SeededRandom } from '../../support/random.js';

/** Writes down the frames that it reads. Opcode 3 breaks a rule, and so does a length of 666. */
class Reader extends FrameReader {
  readonly log: string[] = [];
  ready = 0;
  onFrame: () => void = () => {};
  #payload = '';

  protected checkHeaderStart(header: FrameHeader): boolean {
    if (header.opcode !== 3) return true;
    this.log.push('broken');
    this.discard();
    return false;
  }
  protected enterDataFrame(header: FrameHeader): boolean {
    if (header.length !== 666) return true;
    this.log.push('too long');
    this.discard();
    return false;
  }
  protected afterHeader(): boolean {
    return true;
  }
  protected takePayload(start: number, end: number, key: number): void {
    this.#payload += unmaskedCopy(this.unread.chunk, start, end, key);
    if (this.remaining > 0) return;
    this.log.push(`${this.#payload}${this.fin ? '' : '…'}`);
    this.#payload = '';
    this.onFrame();
  }
  protected takeControlFrame(header: FrameHeader, bytes: Buffer, start: number): void {
    const payload = unmaskedCopy(bytes, start, start + header.length, header.maskingKey);
    this.log.push(`control ${header.opcode} ${payload}`);
    this.onFrame();
  }
  protected deliverReady(): void {
    this.ready++;
  }
}

const bytesOf = (...frames: FrameOptions[]): Buffer => Buffer.concat(frames.map(frame));
const FRAMES: FrameOptions[] = [
  { payload: 'one', fin: false, mask: KEY },
  { opcode: OPCODE.PING, payload: 'p'.repeat(125), mask: KEY },
  { opcode: OPCODE.CONTINUATION, payload: 't'.repeat(300), mask: KEY },
  { opcode: OPCODE.CLOSE },
  { payload: '' },
  { payload: 'x'.repeat(70_000), mask: KEY },
];
const LOG = [
  'one…',
  `control 9 ${'p'.repeat(125)}`,
  't'.repeat(300),
  'control 8 ',
  '',
  'x'.repeat(70_000),
];

describe('frames', () => {
  test('in one chunk are read in order', () => {
    const reader = new Reader();
    reader.push(bytesOf(...FRAMES));
    expect(reader.log).toEqual(LOG);
  });

  test('byte by byte are the same', () => {
    const reader = new Reader();
    for (const byte of byteByByte(bytesOf(...FRAMES.slice(0, 5)))) reader.push(byte);
    expect(reader.log).toEqual(LOG.slice(0, 5));
  });

  test('cut anywhere are the same', () => {
    const random = new SeededRandom(52);
    for (let i = 0; i < 50; i++) {
      const reader = new Reader();
      for (const chunk of randomCuts(bytesOf(...FRAMES), random, 1000)) reader.push(chunk);
      expect(reader.log).toEqual(LOG);
    }
  });

  test.each([
    [3, 0, 'broken'],
    [OPCODE.TEXT, 666, 'too long'],
  ])('that break a rule end the reading: opcode %i, length %i', (opcode, announce, error) => {
    for (const cut of [(bytes: Buffer) => [bytes], byteByByte]) {
      const reader = new Reader();
      const bytes = bytesOf({ payload: 'a' }, { opcode, announce }, { payload: 'b' });
      for (const chunk of cut(bytes)) reader.push(chunk);
      expect([reader.log, reader.isDiscarding]).toEqual([['a', error], true]);
    }
  });

  test('of an unknown kind are refused at their second byte, whatever length they announce', () => {
    const reader = new Reader();
    const bytes = bytesOf({ opcode: 3, announce: 2n ** 40n });
    reader.push(bytes.subarray(0, 1));
    expect(reader.log).toEqual([]);
    reader.push(bytes.subarray(1, 2));
    expect(reader.log).toEqual(['broken']);
  });
});

describe('a suspended reader', () => {
  test('keeps what comes and continues with it', () => {
    const reader = new Reader();
    reader.onFrame = () => reader.suspend();
    reader.push(bytesOf({ payload: 'a' }, { payload: 'b' }));
    reader.push(bytesOf({ payload: 'c' }));
    expect([reader.log, reader.isSuspended, reader.hasUnread]).toEqual([['a'], true, true]);
    reader.resume();
    reader.resume();
    expect([reader.log, reader.hasUnread]).toEqual([['a', 'b', 'c'], false]);
  });

  test('keeps what is queued, too, until it resumes', () => {
    const reader = new Reader();
    reader.queue(bytesOf({ payload: 'a' }));
    reader.push(bytesOf({ payload: 'b' }));
    expect(reader.log).toEqual([]);
    reader.resume();
    expect(reader.log).toEqual(['a', 'b']);
  });

  test('delivers what became ready when it resumes', () => {
    const reader = new Reader();
    reader.suspend();
    reader.resume();
    expect(reader.ready).toBe(1);
  });

  test('takes a chunk that comes in the middle of a frame behind that frame', () => {
    const reader = new Reader();
    reader.onFrame = () => {
      reader.onFrame = () => {};
      reader.push(bytesOf({ payload: 'pushed inside' }));
      reader.resume();
    };
    reader.push(bytesOf({ payload: 'a' }, { payload: 'b' }));
    expect(reader.log).toEqual(['a', 'b', 'pushed inside']);
  });

  test('after 4096 frames in a row it suspends itself', () => {
    const reader = new Reader();
    reader.push(Buffer.concat(Array<Buffer>(5000).fill(frame({}))));
    expect([reader.log.length, reader.isSuspended]).toEqual([4096, true]);
    reader.resume();
    expect([reader.log.length, reader.isSuspended]).toEqual([5000, false]);
  });
});

test('an exception of the program passes through, and no byte is lost', () => {
  const reader = new Reader();
  reader.onFrame = () => {
    reader.onFrame = () => {};
    throw new Error('thrown by a listener');
  };
  expect(() => reader.push(bytesOf({ payload: 'a' }, { payload: 'b' }))).toThrow('a listener');
  reader.push(bytesOf({ payload: 'c' }));
  expect(reader.log).toEqual(['a']);
  reader.resume();
  expect(reader.log).toEqual(['a', 'b', 'c']);
});

test('a reader that discards drops what it holds and everything that comes', () => {
  const reader = new Reader();
  reader.onFrame = () => reader.discard();
  reader.push(bytesOf({ payload: 'a' }, { payload: 'b' }));
  reader.push(bytesOf({ payload: 'c' }));
  reader.queue(bytesOf({ payload: 'd' }));
  reader.suspend();
  reader.resume();
  expect([reader.log, reader.hasUnread, reader.isSuspended]).toEqual([['a'], false, false]);
});
