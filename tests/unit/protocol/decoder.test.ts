/** RFC 6455 §9: one message of an extension after the other. */

import { expect, test } from '@jest/globals';
import { Decoder } from '../../../src/protocol/decoder.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import { ManualExtension } from '../../support/manual-extension.js';

function open(isSlow = false) {
  const extension = new ManualExtension();
  extension.isSlow = isSlow;
  const opened = { extension, ready: 0, decoder: new Decoder(extension, () => opened.ready++) };
  return opened;
}

test('a message that is decoded at once is returned', () => {
  const { decoder, extension } = open();
  expect(String(decoder.decode(Buffer.from('HELLO'), 7))).toBe('hello');
  expect(extension.calls).toEqual(['decode HELLO 7']);
  expect([decoder.isBusy, decoder.holdsMessage, decoder.reserved]).toEqual([false, false, 4]);
});

test('a message that takes its time is held until it is taken', () => {
  const opened = open(true);
  const { decoder, extension } = opened;
  expect(decoder.decode(Buffer.from('HELLO'), 0)).toBeUndefined();
  expect([decoder.isBusy, decoder.holdsMessage, decoder.take()]).toEqual([true, true, undefined]);
  extension.finish();
  expect([opened.ready, decoder.isBusy, decoder.holdsMessage]).toEqual([1, false, true]);
  expect([String(decoder.take()), decoder.take(), decoder.holdsMessage]).toEqual([
    'hello',
    undefined,
    false,
  ]);
});

test('the rule that the sender broke is returned like a message', () => {
  expect(open().decoder.decode(Buffer.from('REJECT'), 0)).toBeInstanceOf(ProtocolError);
});

test('what was dropped is never ready', () => {
  const opened = open(true);
  opened.decoder.decode(Buffer.from('HELLO'), 0);
  opened.decoder.discard();
  opened.extension.finish();
  expect([opened.ready, opened.decoder.holdsMessage]).toEqual([0, false]);
  expect(opened.extension.calls.at(-1)).toBe('dropDecoding');
});

test.each([
  ['calls', 64, 1],
  ['encoded bytes', 1, 129_024],
])('others go first after many %s', (_what, count, length) => {
  const { decoder } = open();
  for (let i = 0; i < count - 1; i++) decoder.decode(Buffer.alloc(length, 'X'), 0);
  expect(decoder.shouldYield).toBe(false);
  decoder.decode(Buffer.alloc(length, 'X'), 0);
  expect(decoder.shouldYield).toBe(true);
  decoder.resetBudget();
  expect(decoder.shouldYield).toBe(false);
});

test('others go first after many decoded bytes', () => {
  const { decoder, extension } = open();
  extension.decode = () => Buffer.alloc(524_288);
  decoder.decode(Buffer.alloc(0), 0);
  expect(decoder.shouldYield).toBe(true);
});
