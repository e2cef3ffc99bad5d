import { MessageChannel } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { chunkBackup } from '../../../src/protocol/chunk-backup.js';

/** A chunk with memory of its own. */
function chunkOf(text: string): Buffer {
  const chunk = Buffer.allocUnsafeSlow(text.length);
  chunk.write(text);
  return chunk;
}

function detach(chunk: Buffer): void {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(chunk.buffer, [chunk.buffer as ArrayBuffer]);
  port2.close();
}

test('what is unread of a chunk that is still there is copied out of it', () => {
  const [owner, chunk] = [{}, chunkOf('abcdef')];
  expect(chunkBackup.cover(owner, chunk, 2)).toBe(true);
  const unread = chunkBackup.release(chunk, 4);
  expect([unread.toString(), unread.buffer === chunk.buffer]).toEqual(['ef', false]);
});

test('what is unread of a chunk that was detached is there', () => {
  const [owner, chunk] = [{}, chunkOf('abcdef')];
  chunkBackup.cover(owner, chunk, 2);
  detach(chunk);
  expect(chunkBackup.release(chunk, 4).toString()).toBe('ef');
});

test('a chunk that was read to its end leaves nothing', () => {
  const [owner, chunk] = [{}, chunkOf('abcdef')];
  chunkBackup.cover(owner, chunk, 2);
  expect(chunkBackup.release(chunk, 6)).toHaveLength(0);
  chunkBackup.cover(owner, chunk, 2);
  detach(chunk);
  expect(chunkBackup.release(chunk, 6)).toHaveLength(0);
});

test('there is one at a time', () => {
  const [owner, other, chunk] = [{}, {}, chunkOf('abcdef')];
  expect(chunkBackup.cover(owner, chunk, 2)).toBe(true);
  expect(chunkBackup.cover(owner, chunk, 4)).toBe(true);
  expect(chunkBackup.cover(other, chunk, 2)).toBe(false);
  expect([chunkBackup.covers(owner), chunkBackup.covers(other)]).toEqual([true, false]);
  chunkBackup.release(chunk, 6);
  expect(chunkBackup.covers(owner)).toBe(false);
});

test('a chunk that is larger than what a socket reads at once is not backed up', () => {
  expect(chunkBackup.cover({}, Buffer.alloc(65_537), 2)).toBe(false);
});
