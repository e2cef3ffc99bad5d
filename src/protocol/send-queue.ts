/** RFC 6455 §6.1: frames that cannot be sent yet: being read or encoded, or behind such a frame. */

import { Buffer } from 'node:buffer';
import type { Encoded, Extension } from './extension.js';
import { Fifo } from './fifo.js';
import { FIN, isDataFrame, Opcode } from './frame.js';
import { byteLengthOf, type SendCallback } from './write-batch.js';

/** A payload is read from a Blob, then encoded, then sent; some steps may be missing. */
type Progress = 'READING' | 'TO_ENCODE' | 'ENCODING' | 'READY';

type QueueState =
  /** Frames that are ready are sent. */
  | 'SENDING'
  /** Other connections have a turn; `continue` is called later. */
  | 'YIELDING'
  /** The wire is ended: nothing is sent. */
  | 'STOPPED'
  /** The frames were taken. New frames are dropped. */
  | 'EMPTIED';

/** A frame in the queue. */
export interface WaitingFrame {
  /** FIN, reserved bit and opcode. The bit is removed if the payload is sent unencoded. */
  firstByte: number;
  payload: Buffer | string;
  /** The length before reading and encoding. */
  readonly byteLength: number;
  readonly isEncoded: boolean;
  progress: Progress;
  readonly callback: SendCallback | undefined;
}

/** Receives the frames of a queue, in order. */
export interface FrameSink {
  /** Whether the next frame has a masking key. If not, the connection fails. */
  hasKey(): boolean;
  /** @param givenLength the length that the program gave, before encoding */
  writeFrame(
    firstByte: number,
    payload: Buffer | string,
    givenLength: number,
    callback: SendCallback | undefined,
  ): void;
  /** A payload cannot be read or encoded. */
  onFailure(error: Error): void;
  /** The queue is empty. */
  onEmpty(): void;
  /** The queue yields: `continue` must be called in the next turn of the event loop. */
  onYield(): void;
}

/** The queue yields after this many bytes: a few milliseconds of compression. */
const MAX_BYTES_IN_A_ROW = 262_144;

/** The cost of a frame besides its bytes, as a number of bytes. */
const COST_OF_FRAME = 2048;

/** The bits of a frame's first byte that are reserved for extensions. RFC 6455 §5.2. */
const RESERVED = 0x70;

const EMPTY = Buffer.alloc(0);

/** Keeps frames in order until they can be sent. */
export class SendQueue {
  /** The bytes in the queue, before encoding. */
  byteLength = 0;
  /** The bytes of data frames among these. */
  messageLength = 0;
  private readonly frames = new Fifo<WaitingFrame>();
  private state: QueueState = 'SENDING';
  private readonly extension: Extension | undefined;
  private readonly sink: FrameSink;

  constructor(extension: Extension | undefined, sink: FrameSink) {
    this.extension = extension;
    this.sink = sink;
  }

  get isEmpty(): boolean {
    return this.frames.length === 0;
  }

  /** Adds a frame. @param isEncoded whether the extension encodes it */
  enqueue(
    firstByte: number,
    payload: Buffer | string,
    isEncoded: boolean,
    callback: SendCallback | undefined,
  ): void {
    const byteLength = byteLengthOf(payload);
    const progress = progressAfterReading(isEncoded);
    this.append({ firstByte, payload, byteLength, isEncoded, progress, callback });
  }

  /** Adds a frame whose payload is being read. @returns the frame, for {@link resolve} */
  enqueuePending(
    firstByte: number,
    byteLength: number,
    isEncoded: boolean,
    callback: SendCallback | undefined,
  ): WaitingFrame {
    const progress: Progress = 'READING';
    const frame = { firstByte, payload: EMPTY, byteLength, isEncoded, progress, callback };
    this.append(frame);
    return frame;
  }

  /** The payload of a frame was read; an Error if that failed. */
  resolve(frame: WaitingFrame, payload: Buffer | Error): void {
    if (this.state === 'EMPTIED') return;
    if (!Buffer.isBuffer(payload)) {
      this.sink.onFailure(payload);
      return;
    }
    // Nothing is sent any more. The progress is left as it was when the wire ended.
    if (this.state === 'STOPPED') return;
    frame.payload = payload;
    frame.progress = progressAfterReading(frame.isEncoded);
    this.drain();
  }

  /** RFC 6455 §6.1 MUST: when the connection is not open any more, sending stops. */
  stop(): void {
    if (this.state !== 'EMPTIED') this.state = 'STOPPED';
    this.extension?.dropEncoding();
  }

  /** Continues after yielding. */
  continue(): void {
    if (this.state === 'YIELDING') this.state = 'SENDING';
    this.drain();
  }

  /** Takes all frames: they will never be sent. */
  takeAll(): WaitingFrame[] {
    this.state = 'EMPTIED';
    this.byteLength = 0;
    this.messageLength = 0;
    return this.frames.takeAll();
  }

  private append(frame: WaitingFrame): void {
    if (this.state === 'EMPTIED') return;
    this.frames.push(frame);
    this.count(frame, frame.byteLength);
    if (this.frames.length === 1) this.drain();
  }

  private count({ firstByte }: WaitingFrame, bytes: number): void {
    this.byteLength += bytes;
    if (isDataFrame(firstByte)) this.messageLength += bytes;
  }

  /** Sends frames up to the first one that is not ready. */
  private drain(): void {
    let inARow = 0;
    let isDone = false;
    try {
      for (let head = this.nextReady(); head !== undefined; head = this.nextReady()) {
        this.frames.shift();
        this.count(head, -head.byteLength);
        inARow += COST_OF_FRAME + head.byteLength;
        this.sink.writeFrame(head.firstByte, head.payload, head.byteLength, head.callback);
        if (inARow >= MAX_BYTES_IN_A_ROW) break;
      }
      isDone = inARow < MAX_BYTES_IN_A_ROW;
    } finally {
      // An in-memory wire throws the exceptions of its reader. The other frames are sent later.
      if (!isDone && !this.isEmpty) this.yieldTurn();
    }
    if (inARow > 0 && this.isEmpty) this.sink.onEmpty();
  }

  private nextReady(): WaitingFrame | undefined {
    const { head } = this.frames;
    const maySend = head !== undefined && this.state === 'SENDING';
    return maySend && this.makeReady(head) ? head : undefined;
  }

  private yieldTurn(): void {
    if (this.state !== 'SENDING') return;
    this.state = 'YIELDING';
    this.sink.onYield();
  }

  private makeReady(frame: WaitingFrame): boolean {
    if (frame.progress === 'TO_ENCODE') this.encode(frame);
    return frame.progress === 'READY' && this.sink.hasKey();
  }

  private encode(frame: WaitingFrame): void {
    const { firstByte } = frame;
    const payload = toBuffer(frame.payload);
    frame.payload = payload;
    frame.progress = 'ENCODING';
    const isFirst = (firstByte & 0xf) !== Opcode.CONTINUATION;
    const fin = (firstByte & FIN) !== 0;
    const encoded = this.extension?.encode(payload, isFirst, fin, this.onEncoded);
    if (encoded !== undefined) this.setEncoded(frame, encoded);
  }

  private readonly onEncoded: Encoded = (encoded) => {
    const frame = this.frames.head;
    if (frame === undefined) return;
    if (this.state !== 'STOPPED') this.setEncoded(frame, encoded);
    this.drain();
  };

  private setEncoded(frame: WaitingFrame, encoded: Buffer | Error): void {
    if (!Buffer.isBuffer(encoded)) {
      this.sink.onFailure(encoded);
      return;
    }
    // RFC 7692 §6.1 MUST: a message that is not encoded has no reserved bit.
    if (encoded === frame.payload) frame.firstByte &= ~RESERVED;
    frame.payload = encoded;
    frame.progress = 'READY';
  }
}

function progressAfterReading(isEncoded: boolean): Progress {
  return isEncoded ? 'TO_ENCODE' : 'READY';
}

function toBuffer(payload: Buffer | string): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}
