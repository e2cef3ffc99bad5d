/** What is to be sent but waits: its order, its rests, its end. */

import { describe, expect, test } from '@jest/globals';
import type { Encoded, Extension } from '../../../src/protocol/extension.js';
import { type FrameSink, SendQueue } from '../../../src/protocol/send-queue.js';

/** An extension that encodes when the test says so; what it makes is written in capitals. */
class SlowExtension implements Extension {
  readonly name = 'slow';
  readonly reserved = 4;
  dropped = false;
  #done: (() => void) | undefined;

  wants(): boolean {
    return true;
  }
  decode(): undefined {}
  encode(payload: Buffer, _opens: boolean, _fin: boolean, done: Encoded): undefined {
    this.#done = () => done(Buffer.from(String(payload).toUpperCase()));
  }
  readonly parameters = '';
  encodeAlone(payload: Buffer): Buffer {
    return payload;
  }
  noteEncoded(): void {}
  dropDecoding(): void {}
  dropEncoding(): void {
    this.dropped = true;
  }
  /** Lets what is being encoded be done. */
  finish(): void {
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }
}

/** Notes what is sent; `continue` is called by the test. */
class NotedSink implements FrameSink {
  readonly sent: string[] = [];
  readonly failures: Error[] = [];
  rests = 0;
  throwsAt = -1;

  hasKey(): boolean {
    return true;
  }
  writeFrame(first: number, payload: Buffer | string): void {
    this.sent.push(`${first.toString(16)} ${payload}`);
    if (this.sent.length === this.throwsAt) throw new Error('thrown by a reader');
  }
  onFailure(error: Error): void {
    this.failures.push(error);
  }
  onEmpty(): void {}
  onYield(): void {
    this.rests++;
  }
}

function stage() {
  const [extension, sink] = [new SlowExtension(), new NotedSink()];
  return { extension, sink, backlog: new SendQueue(extension, sink) };
}

describe('a backlog', () => {
  test('keeps the order behind what is being encoded', () => {
    const { extension, sink, backlog } = stage();
    backlog.enqueue(0xc1, 'one', true, undefined);
    backlog.enqueue(0x81, 'two', false, undefined);
    backlog.enqueue(0xc1, 'three', true, undefined);
    expect(sink.sent).toEqual([]);
    expect(backlog.byteLength).toBe(11);
    extension.finish();
    expect(sink.sent).toEqual(['c1 ONE', '81 two']);
    extension.finish();
    expect(sink.sent).toEqual(['c1 ONE', '81 two', 'c1 THREE']);
    expect([backlog.isEmpty, backlog.byteLength]).toEqual([true, 0]);
  });

  test('rests after some work, so that the others get their turn', () => {
    const { extension, sink, backlog } = stage();
    backlog.enqueue(0xc1, 'large', true, undefined);
    for (let i = 0; i < 1000; i++) backlog.enqueue(0x81, `${i}`, false, undefined);
    extension.finish();
    expect(sink.rests).toBe(1);
    const first = sink.sent.length;
    expect(first).toBeLessThan(200);
    backlog.enqueue(0x81, 'last', false, undefined);
    expect(sink.sent).toHaveLength(first);
    for (let turns = 0; !backlog.isEmpty && turns < 100; turns++) backlog.continue();
    expect(sink.sent).toHaveLength(1002);
    expect(sink.sent.at(-1)).toBe('81 last');
  });

  test('goes on in another turn when a reader throws', () => {
    const { extension, sink, backlog } = stage();
    sink.throwsAt = 1;
    backlog.enqueue(0xc1, 'one', true, undefined);
    backlog.enqueue(0x81, 'two', false, undefined);
    expect(() => extension.finish()).toThrow('thrown by a reader');
    expect([sink.sent, sink.rests]).toEqual([['c1 ONE'], 1]);
    backlog.continue();
    expect(sink.sent).toEqual(['c1 ONE', '81 two']);
  });

  test('sends nothing more when it is halted, and hands over what is left', () => {
    const { extension, sink, backlog } = stage();
    backlog.enqueue(0xc1, 'one', true, undefined);
    backlog.enqueue(0x81, 'two', false, undefined);
    backlog.stop();
    extension.finish();
    backlog.enqueue(0x81, 'three', false, undefined);
    expect([sink.sent, extension.dropped]).toEqual([[], true]);
    const left = backlog.takeAll().map(({ byteLength }) => byteLength);
    expect(left).toEqual([3, 3, 5]);
    expect(backlog.byteLength).toBe(0);
  });
});
