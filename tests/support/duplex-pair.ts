import { Duplex } from 'node:stream';

// Taken at the start: real, also under a test's fake timers.
const { nextTick } = process;

/**
 * Two ends of a wire in memory: what is written to one can be read from the other. Every chunk is
 * copied on its way, because a receiver unmasks in place and must not touch the writer's bytes.
 * Like a TCP socket with `allowHalfOpen: true`, an end may go on writing after the other one ended.
 * Its state is found through proxies, as that of a TCP socket is.
 */
export class WireEnd extends Duplex {
  private farEnd: WireEnd | undefined;
  private waiting: (() => void) | undefined;
  private hasEnded = false;

  constructor(highWaterMark?: number) {
    super({
      allowHalfOpen: true,
      ...(highWaterMark !== undefined && { readableHighWaterMark: highWaterMark }),
    });
  }

  static pair(highWaterMark?: number): [WireEnd, WireEnd] {
    const [a, b] = [new WireEnd(highWaterMark), new WireEnd(highWaterMark)];
    a.farEnd = b;
    b.farEnd = a;
    return [a, b];
  }

  override _read(): void {
    const go = this.waiting;
    this.waiting = undefined;
    go?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const peer = this.farEnd;
    if (peer === undefined || peer.destroyed) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    if (peer.push(Buffer.from(chunk))) nextTick(done);
    else peer.waiting = done;
  }

  override _final(done: () => void): void {
    if (this.farEnd !== undefined) this.farEnd.finishReading();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.farEnd;
    const waiting = this.waiting;
    this.farEnd = undefined;
    this.waiting = undefined;
    if (peer !== undefined) nextTick(() => peer.finishReading());
    waiting?.();
    done(error);
  }

  /** The other end sends nothing more. */
  private finishReading(): void {
    if (this.hasEnded || this.destroyed) return;
    this.hasEnded = true;
    this.push(null);
  }
}

/**
 * A pair of connected wire ends: `[client, server]`. A write is done when the other end has read it,
 * or holds fewer unread bytes than `highWaterMark`: 16 KiB by default.
 */
export function wirePair(highWaterMark?: number): [WireEnd, WireEnd] {
  return WireEnd.pair(highWaterMark);
}
