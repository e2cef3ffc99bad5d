/** The frames that the page makes because a browser cannot send them. */

import { expect, test } from '@jest/globals';
import { decodeFrames } from '../../../../src/protocol';
import { loadPageModule } from '../../../support/page-module';

interface MadeFrames {
  makePing(text: string): string;
  makeFragments(text: string): string[];
}

const { makePing, makeFragments } = loadPageModule<MadeFrames>('made-frames.js');

const decode = (digits: string) =>
  decodeFrames(digits, { from: 'client' }).frames.map(({ fin, opcode, payload, violation }) => ({
    fin,
    opcode,
    text: payload.toString(),
    violation,
  }));

test('a Ping has the text as its payload, and is masked', () => {
  expect(decode(makePing('you?'))).toEqual([{ fin: true, opcode: 9, text: 'you?' }]);
});

test('RFC 6455 §5.5: a Ping of 126 bytes is not made', () => {
  expect(decode(makePing('x'.repeat(125)))).toMatchObject([{ opcode: 9 }]);
  expect(() => makePing('é'.repeat(63))).toThrow('A Ping has at most 125 bytes.');
});

test.each([
  ['one two three', ['one t', 'wo th', 'ree']],
  ['aé😀z', ['aé', '😀z', '']],
  ['', ['', '', '']],
])('RFC 6455 §5.4: %j is cut into three frames between characters', (text, parts) => {
  const frames = decode(makeFragments(text).join(''));
  expect(frames.map((frame) => frame.text)).toEqual(parts);
  expect(frames.map(({ fin, opcode }) => [fin, opcode])).toEqual([
    [false, 1],
    [false, 0],
    [true, 0],
  ]);
  expect(frames.every(({ violation }) => violation === undefined)).toBe(true);
});
