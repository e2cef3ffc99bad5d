/** Where frames begin and end, however their bytes are cut. */

import { expect, test } from '@jest/globals';
import { FrameSplitter } from '../../../src/inspect/frame-splitter.js';
import { frame, KEY } from '../../support/frames.js';

const FRAMES = [
  frame({ payload: 'Hello', mask: KEY }),
  frame({ opcode: 9 }),
  frame({ payload: Buffer.alloc(300, 'x') }),
  frame({ payload: Buffer.alloc(70_000, 'y'), mask: KEY }),
  Buffer.from('8300', 'hex'),
];
const ALL = Buffer.concat(FRAMES);
const SIZES = FRAMES.map(({ length }) => length);

test.each([1, 2, 3, 7, 13, 14, 15, 1000, ALL.length])('in chunks of %i bytes', (size) => {
  const splitter = new FrameSplitter();
  const ends: number[] = [];
  let length = 0;
  let last = 0;
  for (let at = 0; at < ALL.length; at += size) {
    for (const { bytes, frameSize, isEnd } of splitter.split(ALL.subarray(at, at + size))) {
      length += bytes.length;
      if (!isEnd) continue;
      ends.push(length - last);
      expect(frameSize).toBe(length - last);
      last = length;
    }
  }
  expect(ends).toEqual(SIZES);
  expect(splitter.isAtBoundary).toBe(true);
});

test('the pieces are views of the chunk', () => {
  const chunk = Buffer.concat(FRAMES.slice(0, 2));
  const pieces = new FrameSplitter().split(chunk);
  expect(pieces.map(({ bytes }) => bytes.buffer === chunk.buffer)).toEqual([true, true]);
});
