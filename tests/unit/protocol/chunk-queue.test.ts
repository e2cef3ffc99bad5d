import { expect, test } from '@jest/globals';
import { ChunkQueue } from '../../../src/protocol/chunk-queue.js';

const chunkOf = (text: string): Buffer => {
  const chunk = Buffer.allocUnsafeSlow(text.length);
  chunk.write(text);
  return chunk;
};

test('is empty before the first chunk and behind the last byte', () => {
  const queue = new ChunkQueue();
  expect([queue.isEmpty, queue.hasBytes()]).toEqual([true, false]);
  queue.start(chunkOf('ab'));
  expect([queue.isEmpty, queue.hasBytes()]).toEqual([false, true]);
  queue.offset = 2;
  expect([queue.isEmpty, queue.hasBytes()]).toEqual([true, false]);
});

test('gives the chunks in the order in which they came; empty ones are passed over', () => {
  const queue = new ChunkQueue();
  queue.start(chunkOf('a'));
  for (const text of ['', 'b', '', 'c']) queue.add(chunkOf(text));
  const read: string[] = [];
  while (queue.hasBytes()) {
    read.push(queue.chunk.toString());
    queue.offset = queue.chunk.length;
  }
  expect([read, queue.isEmpty]).toEqual([['a', 'b', 'c'], true]);
});

test('a message at the end of its chunk may share it; what was read needs no backup', () => {
  const queue = new ChunkQueue();
  queue.start(chunkOf('abcd'));
  expect([queue.mayShare(4), queue.isBackedUp]).toEqual([true, false]);
});

test('a message before the end of its chunk shares it behind a backup, once for each chunk', () => {
  const queue = new ChunkQueue();
  const chunk = chunkOf('abcd');
  queue.start(chunk);
  queue.offset = 1;
  expect([queue.mayShare(1), queue.isBackedUp]).toEqual([true, true]);
  queue.pause();
  expect([queue.isBackedUp, queue.chunk.toString(), queue.chunk.buffer === chunk.buffer]).toEqual([
    false,
    'bcd',
    false,
  ]);
  expect(queue.mayShare(1)).toBe(false);
  queue.start(chunkOf('next'));
  expect(queue.mayShare(1)).toBe(true);
  queue.clear();
});

test('clear forgets all chunks and ends the backup', () => {
  const queue = new ChunkQueue();
  queue.start(chunkOf('abcd'));
  queue.add(chunkOf('more'));
  queue.mayShare(2);
  queue.clear();
  expect([queue.isEmpty, queue.isBackedUp, queue.hasBytes()]).toEqual([true, false, false]);
});

test('what is unread behind the end of a chunk is not lost when that chunk ends', () => {
  const queue = new ChunkQueue();
  queue.start(chunkOf('ab'));
  queue.offset = 2;
  queue.add(chunkOf('cd'));
  expect(queue.isEmpty).toBe(false);
  queue.clear();
});

test('a chunk that was read to its end is not kept while reading is interrupted', () => {
  const queue = new ChunkQueue();
  queue.start(chunkOf('ab'));
  queue.offset = 2;
  queue.pause();
  expect(queue.chunk).toHaveLength(0);
});

test('the backup of a chunk that was read to its end makes way for the next chunk', () => {
  const queue = new ChunkQueue();
  queue.start(chunkOf('abcd'));
  queue.mayShare(2);
  queue.offset = 4;
  queue.add(chunkOf('next'));
  expect([queue.hasBytes(), String(queue.chunk), queue.isBackedUp]).toEqual([true, 'next', false]);
  queue.clear();
});
