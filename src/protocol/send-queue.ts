/** RFC 6455 §6.1: what is to be sent but waits: to be encoded, to be read, or for those before it. */

import { Buffer } from 'node:buffer';
import type { Encoded, Extension } from './extension.js';
import { Queue } from './fifo.js';
import { FIN, isDataFrame, Opcode } from './frame.js';
import type { SendCallback } from './write-batch.js';

/** How far a frame is: its payload is being read, is to be encoded, is encoded, can be sent. */
type Progress = 'READING' | 'TO_ENCODE' | 'ENCODING' | 'READY';

/**
 * Sends what is ready; lets others go first and waits for `continue`; sends nothing any more, because
 * the wire is gone; has handed over what will never be sent.
 */
type QueueState = 'SENDING' | 'YIELDING' | 'STOPPED' | 'EMPTIED';

/** A frame whose turn has not come. */
export interface WaitingFrame {
  /** FIN, reserved bit and opcode; without the bit if it turns out not to be encoded. */
  first: number;
  payload: Buffer | string;
  /** How many bytes it was given with. */
  readonly byteLength: number;
  readonly encodes: boolean;
  progress: Progress;
  readonly callback: SendCallback | undefined;
}

/** Where frames go when their turn has come. */
export interface FrameSink {
  /** Whether the next frame has a masking key; if not, the connection fails. */
  hasKey(): boolean;
  /** @param givenLength how many bytes the program gave for it */
  onFrame(
    first: number,
    payload: Buffer | string,
    givenLength: number,
    callback: SendCallback | undefined,
  ): void;
  /** A payload can't be read or encoded. */
  onFailure(error: Error): void;
  /** Nothing waits any more. */
  onEmpty(): void;
  /** The others come first: `continue` is to be called in the next turn of the event loop. */
  onRest(): void;
}

/** So much is encoded in a row before the others come first, in bytes: a few milliseconds. */
const MOST_IN_A_ROW = 262_144;

/** What a frame costs beside its bytes, counted as such bytes. */
const COST_OF_FRAME = 2048;

/** The bits of a frame's first byte that are reserved for extensions. RFC 6455 §5.2. */
const RESERVED = 0x70;

const NOTHING = Buffer.alloc(0);

/** Keeps frames in their order until they can be sent. */
export class Backlog {
  /** How many bytes wait, as they were given. */
  byteLength = 0;
  /** How many of them are of messages. */
  messageLength = 0;
  private readonly frames = new Queue<WaitingFrame>();
  private state: QueueState = 'SENDING';
  private readonly extension: Extension | undefined;
  private readonly sink: FrameSink;

  constructor(extension: Extension | undefined, sink: FrameSink) {
    this.extension = extension;
    this.sink = sink;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.frames.length === 0;
  }

  /** Adds a frame; `encodes` says whether the extension encodes it. */
  add(
    first: number,
    payload: Buffer | string,
    encodes: boolean,
    callback: SendCallback | undefined,
  ): void {
    const byteLength = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
    this.push({ first, payload, byteLength, encodes, progress: afterReading(encodes), callback });
  }

  /** Adds a frame whose payload is being read. @returns what `read` wants */
  addUnread(
    first: number,
    byteLength: number,
    encodes: boolean,
    callback: SendCallback | undefined,
  ): WaitingFrame {
    const progress: Progress = 'READING';
    const frame = { first, payload: NOTHING, byteLength, encodes, progress, callback };
    this.push(frame);
    return frame;
  }

  /** The payload of a frame was read, or can't be. */
  read(frame: WaitingFrame, payload: Buffer | Error): void {
    if (this.state === 'EMPTIED') return;
    if (!Buffer.isBuffer(payload)) {
      this.sink.onFailure(payload);
      return;
    }
    frame.payload = payload;
    frame.progress = afterReading(frame.encodes);
    this.goOn();
  }

  /** Nothing that waits is sent any more: the wire is gone. */
  halt(): void {
    if (this.state !== 'EMPTIED') this.state = 'STOPPED';
    this.extension?.dropEncoding();
  }

  /** Goes on after a rest. */
  continue(): void {
    if (this.state === 'YIELDING') this.state = 'SENDING';
    this.goOn();
  }

  /** Hands over what will never be sent, and forgets it. */
  abandon(): WaitingFrame[] {
    this.state = 'EMPTIED';
    this.byteLength = 0;
    this.messageLength = 0;
    return this.frames.takeAll();
  }

  private push(frame: WaitingFrame): void {
    if (this.state === 'EMPTIED') return;
    this.frames.push(frame);
    this.count(frame, frame.byteLength);
    if (this.frames.length === 1) this.goOn();
  }

  private count({ first }: WaitingFrame, bytes: number): void {
    this.byteLength += bytes;
    if (isDataFrame(first)) this.messageLength += bytes;
  }

  /** Sends what can be sent, up to the first frame that can't. */
  private goOn(): void {
    let inARow = 0;
    let done = false;
    try {
      for (let head = this.next(); head !== undefined; head = this.next()) {
        this.frames.shift();
        this.count(head, -head.byteLength);
        inARow += COST_OF_FRAME + head.byteLength;
        this.sink.onFrame(head.first, head.payload, head.byteLength, head.callback);
        if (inARow >= MOST_IN_A_ROW) break;
      }
      done = inARow < MOST_IN_A_ROW;
    } finally {
      if (!done && !this.isEmpty) this.rest();
    }
    if (inARow > 0 && this.isEmpty) this.sink.onEmpty();
  }

  /** The first frame, if it can be sent. */
  private next(): WaitingFrame | undefined {
    const { head } = this.frames;
    const maySend = head !== undefined && this.state === 'SENDING';
    return maySend && this.makeReady(head) ? head : undefined;
  }

  /** A wire in memory may throw what its reader throws: what waits goes on all the same. */
  private rest(): void {
    if (this.state !== 'SENDING') return;
    this.state = 'YIELDING';
    this.sink.onRest();
  }

  private makeReady(frame: WaitingFrame): boolean {
    if (frame.progress === 'TO_ENCODE') this.encode(frame);
    return frame.progress === 'READY' && this.sink.hasKey();
  }

  private encode(frame: WaitingFrame): void {
    const { first } = frame;
    const payload = bytesOf(frame.payload);
    frame.payload = payload;
    frame.progress = 'ENCODING';
    const opens = (first & 0xf) !== Opcode.CONTINUATION;
    const encoded = this.extension?.encode(payload, opens, (first & FIN) !== 0, this.onEncoded);
    if (encoded !== undefined) this.encoded(frame, encoded);
  }

  private readonly onEncoded: Encoded = (encoded) => {
    const frame = this.frames.head;
    if (frame === undefined) return;
    if (this.state !== 'STOPPED') this.encoded(frame, encoded);
    this.goOn();
  };

  private encoded(frame: WaitingFrame, encoded: Buffer | Error): void {
    if (!Buffer.isBuffer(encoded)) {
      this.sink.onFailure(encoded);
      return;
    }
    if (encoded === frame.payload) frame.first = withoutReserved(frame.first);
    frame.payload = encoded;
    frame.progress = 'READY';
  }
}

function afterReading(encodes: boolean): Progress {
  return encodes ? 'TO_ENCODE' : 'READY';
}

function bytesOf(payload: Buffer | string): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}

/** The first byte of a frame that the extension left as it was. */
function withoutReserved(first: number): number {
  return first & ~RESERVED;
}
