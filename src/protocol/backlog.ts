/** RFC 6455 §6.1: what is to be sent but waits: to be encoded, to be read, or for those before it. */

import type { Encoded, Extension } from './extension.js';
import { FIN, Opcode } from './frame.js';
import type { SendCallback } from './gather.js';
import { Queue } from './queue.js';

/** How far a frame is: its payload is being read, is to be encoded, is encoded, can be sent. */
type Progress = 'READING' | 'TO_ENCODE' | 'ENCODING' | 'READY';

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
  onFrame(first: number, payload: Buffer | string, callback: SendCallback | undefined): void;
  /** A payload can't be read or encoded. */
  onFailure(error: Error): void;
}

/** The bits of a frame's first byte that are reserved for extensions. RFC 6455 §5.2. */
const RESERVED = 0x70;

const NOTHING = Buffer.alloc(0);

/** Keeps frames in their order until they can be sent. */
export class Backlog {
  /** How many bytes wait, as they were given. */
  byteLength = 0;
  private readonly frames = new Queue<WaitingFrame>();
  private halted = false;
  private abandoned = false;
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
    if (this.abandoned) return;
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
    this.halted = true;
  }

  /** Hands over what will never be sent, and forgets it. */
  abandon(): WaitingFrame[] {
    this.abandoned = true;
    this.byteLength = 0;
    return this.frames.takeAll();
  }

  private push(frame: WaitingFrame): void {
    if (this.abandoned) return;
    this.frames.push(frame);
    this.byteLength += frame.byteLength;
    if (this.frames.length === 1) this.goOn();
  }

  /** Sends what can be sent, up to the first frame that can't. */
  private goOn(): void {
    let { head } = this.frames;
    while (head !== undefined && !this.halted && this.makeReady(head)) {
      this.frames.shift();
      this.byteLength -= head.byteLength;
      this.sink.onFrame(head.first, head.payload, head.callback);
      head = this.frames.head;
    }
  }

  private makeReady(frame: WaitingFrame): boolean {
    if (frame.progress === 'TO_ENCODE') this.encode(frame);
    return frame.progress === 'READY';
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
    if (!this.halted) this.encoded(frame, encoded);
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
