/** Frames that cannot be sent yet: their order, the turns of others, failures, their end. */

import { describe, expect, test } from '@jest/globals';
import { type FrameSink, SendQueue } from '../../../src/protocol/send-queue.js';
import { ManualExtension } from '../../support/manual-extension.js';

/** Writes down what is sent; the test calls `continue`. */
class RecordingSink implements FrameSink {
  readonly sent: string[] = [];
  readonly failures: string[] = [];
  yields = 0;
  empties = 0;
  throwsAt = -1;
  isKeyMissing = false;

  hasKey(): boolean {
    if (this.isKeyMissing) this.failures.push('no key');
    return !this.isKeyMissing;
  }
  writeFrame(first: number, payload: Buffer | string, givenLength: number): void {
    this.sent.push(`${first.toString(16)} ${payload} ${givenLength}`);
    if (this.sent.length === this.throwsAt) throw new Error('thrown by a reader');
  }
  onFailure(error: Error): void {
    this.failures.push(error.message);
  }
  onEmpty(): void {
    this.empties++;
  }
  onYield(): void {
    this.yields++;
  }
}

function open() {
  const [extension, sink] = [new ManualExtension(), new RecordingSink()];
  extension.isSlow = true;
  return { extension, sink, queue: new SendQueue(extension, sink) };
}

describe('frames', () => {
  test('that are ready are sent at once', () => {
    const { sink, queue } = open();
    queue.enqueue(0x81, 'one', false, undefined);
    expect([sink.sent, sink.empties, queue.isEmpty]).toEqual([['81 one 3'], 1, true]);
  });

  test('keep their order behind one that is being encoded', () => {
    const { extension, sink, queue } = open();
    queue.enqueue(0xc1, 'one', true, undefined);
    queue.enqueue(0x81, 'zwölf', false, undefined);
    queue.enqueue(0x89, Buffer.from('ping'), false, undefined);
    queue.enqueue(0x40, Buffer.from('three'), true, undefined);
    expect([sink.sent, queue.byteLength, queue.messageLength]).toEqual([[], 18, 14]);
    extension.finish();
    expect(sink.sent).toEqual(['c1 ONE 3', '81 zwölf 6', '89 ping 4']);
    expect([queue.byteLength, queue.messageLength, sink.empties]).toEqual([5, 5, 0]);
    extension.finish();
    expect(sink.sent.at(-1)).toBe('40 THREE 5');
    expect([queue.isEmpty, queue.byteLength, sink.empties]).toEqual([true, 0, 1]);
  });

  test('are encoded as what they are: first or later, last or not', () => {
    const { extension, queue } = open();
    extension.isSlow = false;
    for (const first of [0x41, 0x00, 0x80, 0xc2]) queue.enqueue(first, 'x', true, undefined);
    expect(extension.calls).toEqual([
      'encode x first',
      'encode x later',
      'encode x later fin',
      'encode x first fin',
    ]);
  });

  test('RFC 7692 §6: lose the reserved bit if the extension leaves the message as it is', () => {
    const { extension, sink, queue } = open();
    extension.isSlow = false;
    queue.enqueue(0xc1, 'LARGE', true, undefined);
    queue.enqueue(0xc1, 'small', true, undefined);
    expect(sink.sent).toEqual(['81 LARGE 5', 'c1 SMALL 5']);
  });

  test('wait for the key of the next one; without it none is sent', () => {
    const { sink, queue } = open();
    sink.isKeyMissing = true;
    queue.enqueue(0x81, 'one', false, undefined);
    expect([sink.sent, sink.failures, queue.isEmpty]).toEqual([[], ['no key'], false]);
  });

  test('that no extension encodes are never ready', () => {
    const sink = new RecordingSink();
    const queue = new SendQueue(undefined, sink);
    queue.enqueue(0xc1, 'one', true, undefined);
    queue.stop();
    expect([sink.sent, queue.isEmpty]).toEqual([[], false]);
  });
});

describe('a payload that is being read', () => {
  test('holds what follows it back', () => {
    const { sink, queue } = open();
    const pending = queue.enqueuePending(0x82, 3, false, undefined);
    queue.enqueue(0x81, 'two', false, undefined);
    expect([sink.sent, queue.byteLength]).toEqual([[], 6]);
    queue.resolve(pending, Buffer.from('one'));
    expect(sink.sent).toEqual(['82 one 3', '81 two 3']);
  });

  test('is encoded when it was read', () => {
    const { extension, sink, queue } = open();
    const pending = queue.enqueuePending(0xc2, 3, true, undefined);
    expect(extension.calls).toEqual([]);
    queue.resolve(pending, Buffer.from('one'));
    extension.finish();
    expect(sink.sent).toEqual(['c2 ONE 3']);
  });

  test('that cannot be read is a failure', () => {
    const { sink, queue } = open();
    const pending = queue.enqueuePending(0x82, 3, false, undefined);
    queue.resolve(pending, new Error('cannot be read'));
    expect([sink.sent, sink.failures]).toEqual([[], ['cannot be read']]);
  });

  test('is forgotten when the frames were taken', () => {
    const { sink, queue } = open();
    const pending = queue.enqueuePending(0x82, 3, false, undefined);
    queue.takeAll();
    queue.resolve(pending, new Error('late'));
    queue.resolve(pending, Buffer.from('one'));
    queue.enqueue(0x81, 'two', false, undefined);
    expect([sink.sent, sink.failures, queue.byteLength]).toEqual([[], [], 0]);
  });
});

describe('the turns of others', () => {
  test('come after some work; what is added meanwhile waits', () => {
    const { extension, sink, queue } = open();
    queue.enqueue(0xc1, 'large', true, undefined);
    for (let i = 0; i < 1000; i++) queue.enqueue(0x81, `${i}`, false, undefined);
    extension.finish();
    expect(sink.yields).toBe(1);
    const first = sink.sent.length;
    expect(first).toBeLessThan(200);
    queue.enqueue(0x81, 'last', false, undefined);
    expect(sink.sent).toHaveLength(first);
    for (let turns = 0; !queue.isEmpty && turns < 100; turns++) queue.continue();
    expect(sink.sent).toHaveLength(1002);
    expect(sink.sent.at(-1)).toBe('81 last 4');
  });

  test('are not asked for behind the last frame, however large', () => {
    const { sink, queue } = open();
    queue.enqueue(0x82, Buffer.alloc(300_000), false, undefined);
    expect([sink.yields, sink.empties]).toEqual([0, 1]);
  });

  test('come when a reader of the wire throws', () => {
    const { extension, sink, queue } = open();
    sink.throwsAt = 1;
    queue.enqueue(0xc1, 'one', true, undefined);
    queue.enqueue(0x81, 'two', false, undefined);
    expect(() => extension.finish()).toThrow('thrown by a reader');
    expect([sink.sent, sink.yields]).toEqual([['c1 ONE 3'], 1]);
    queue.continue();
    expect(sink.sent).toEqual(['c1 ONE 3', '81 two 3']);
  });

  test('do not come when the wire went while it threw', () => {
    const { extension, sink, queue } = open();
    queue.enqueue(0xc1, 'one', true, undefined);
    queue.enqueue(0x81, 'two', false, undefined);
    sink.writeFrame = () => {
      queue.stop();
      throw new Error('thrown by a reader');
    };
    expect(() => extension.finish()).toThrow('thrown by a reader');
    queue.continue();
    expect([sink.yields, queue.isEmpty]).toEqual([0, false]);
  });
});

describe('an extension that fails', () => {
  test.each([false, true])('is a failure, at once or later: %s', (isSlow) => {
    const { extension, sink, queue } = open();
    extension.isSlow = isSlow;
    queue.enqueue(0xc1, 'reject', true, undefined);
    queue.enqueue(0x81, 'two', false, undefined);
    extension.finish();
    expect([sink.sent, sink.failures]).toEqual([[], ['rejected']]);
  });
});

describe('when the wire is gone', () => {
  test('nothing more is sent, and the frames that are left are handed over', () => {
    const { extension, sink, queue } = open();
    queue.enqueue(0xc1, 'one', true, undefined);
    queue.enqueue(0x81, 'two', false, undefined);
    queue.stop();
    extension.finish();
    queue.enqueue(0x81, 'three', false, undefined);
    expect([sink.sent, extension.calls.at(-1)]).toEqual([[], 'dropEncoding']);
    expect(queue.takeAll().map(({ byteLength }) => byteLength)).toEqual([3, 3, 5]);
    expect([queue.byteLength, queue.messageLength]).toEqual([0, 0]);
  });

  test('a payload that is read later is not sent: its progress says what was under way', () => {
    const { sink, queue } = open();
    const pending = queue.enqueuePending(0x82, 3, false, undefined);
    queue.stop();
    queue.resolve(pending, Buffer.from('one'));
    expect([sink.sent, queue.takeAll().map(({ progress }) => progress)]).toEqual([[], ['READING']]);
  });

  test('an encoding that ends after the frames were taken changes nothing', () => {
    const { extension, sink, queue } = open();
    queue.enqueue(0xc1, 'one', true, undefined);
    queue.takeAll();
    queue.stop();
    extension.finish();
    queue.enqueue(0x81, 'two', false, undefined);
    expect([sink.sent, sink.failures, queue.takeAll()]).toEqual([[], [], []]);
  });
});
