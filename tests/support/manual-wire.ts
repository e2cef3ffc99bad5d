import { Duplex } from 'node:stream';

type Done = (error?: Error | null) => void;

export interface ManualWireOptions {
  /** Writes are not done before `release`. Default: done at once. */
  hold?: boolean;
  /** How many bytes may wait before `write` says so; node's default 16 KiB. */
  highWaterMark?: number;
  /** The stream never emits 'close'. */
  silent?: boolean;
  /** The stream does not destroy itself when both its halves have ended, as a Duplexify. */
  lasting?: boolean;
}

/**
 * A wire whose far end is the test: it sees every write as it is made and says when it is done.
 * The chunks are kept as they were handed over, not copied, so that a test can look whether they
 * are still the same later.
 */
export class ManualWire extends Duplex {
  /** The chunks of each call of `_write` or `_writev`. */
  readonly writes: Buffer[][] = [];
  /** The same bytes, as they were when they came. */
  readonly copies: Buffer[] = [];
  hold: boolean;
  #held: Done[] = [];

  constructor(options: ManualWireOptions = {}) {
    const { highWaterMark, silent = false } = options;
    super({
      allowHalfOpen: true,
      emitClose: !silent,
      autoDestroy: options.lasting !== true,
      ...(highWaterMark !== undefined && { writableHighWaterMark: highWaterMark }),
    });
    this.hold = options.hold ?? false;
  }

  /** Everything that was written, copied when it came. */
  get sent(): Buffer {
    return Buffer.concat(this.copies);
  }

  /** A chunk comes from the peer, at once if the stream flows; what a listener throws comes out. */
  arrive(...bytes: Buffer[]): void {
    this.push(Buffer.concat(bytes));
  }

  /** The peer sends nothing more. */
  finish(): void {
    this.push(null);
  }

  /** How many writes were held back and are not done. */
  get held(): number {
    return this.#held.length;
  }

  /** Lets the oldest write be done, or fail. */
  release(error?: Error): void {
    this.#held.shift()?.(error ?? null);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #take(chunks: Buffer[], done: Done): void {
    this.writes.push(chunks);
    this.copies.push(Buffer.concat(chunks));
    if (this.hold) this.#held.push(done);
    else done();
  }
}
