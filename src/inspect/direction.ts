/** One direction of a forwarded connection: bytes go on as they come, or frame by frame when released. */

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Sender } from '../recording/records.js';
import { FrameSplitter, type Piece } from './frame-splitter.js';

/** The sender is not read while more bytes than this wait here. */
const MAX_WAITING = 4 * 1024 * 1024;

/** What a frame that waits costs beside its bytes, about: in memory, and in the messages to each page. */
export const ENTRY_COST = 4096;

const NOTHING = Buffer.alloc(0);

/** The maximum size of a frame that is held: it is in memory as a whole. */
const MAX_HELD_FRAME = 1024 * 1024;

/** What a direction reports. */
export interface DirectionEvents {
  /** Bytes were written to the receiver. */
  sent(bytes: Buffer, original?: Buffer | null): void;
  /** A complete frame waits. @returns its number */
  held(bytes: Buffer): number;
  /** It no longer waits. @param bytes what was sent in its place */
  released(id: number, bytes: Buffer): void;
  /** Whether all connections together hold so much that this one holds nothing more. */
  isFull(): boolean;
  /** All bytes were sent, and the end of the direction. */
  ended(): void;
}

/** A frame, or bytes of the program's own, that wait for those in front of them. */
interface Entry {
  /** The chunks that were not sent. */
  chunks: Buffer[];
  length: number;
  isComplete: boolean;
  /** Whether some of its bytes were sent. */
  isStarted: boolean;
  /** 'held' until somebody releases it; 'replaced' has other bytes than its sender sent. */
  state: 'held' | 'released' | 'replaced';
  /** What its sender sent; null for bytes of the program's own. */
  original: Buffer | null;
  /** Set once the page knows it. */
  id: number | undefined;
}

/** Forwards from one socket to the other, with backpressure. */
export class Direction {
  readonly from: Sender;
  /** Whether the bytes are frames. Before, and if the handshake fails, they go on as they come. */
  isFramed = false;
  private readonly source: Socket;
  private readonly sink: Socket;
  private readonly events: DirectionEvents;
  private readonly splitter = new FrameSplitter();
  private isHolding = false;
  private queue: Entry[] = [];
  /** How many bytes wait in the queue. */
  private waiting = 0;
  /** The entry of the frame that the sender is sending. */
  private current: Entry | undefined;
  /** Whether the current frame is forwarded without an entry. */
  private isPassing = false;
  private state: 'open' | 'ending' | 'ended' = 'open';

  constructor(from: Sender, source: Socket, sink: Socket, events: DirectionEvents) {
    this.from = from;
    this.source = source;
    this.sink = sink;
    this.events = events;
    sink.on('drain', () => this.control());
  }

  /** Forwards a chunk that was received. */
  receive(chunk: Buffer): void {
    if (this.state !== 'open') return;
    if (!this.isFramed) this.send(chunk);
    else {
      const pieces = this.splitter.split(chunk);
      if (this.isHolding || this.queue.length > 0) {
        for (const piece of pieces) this.add(piece);
      } else {
        this.send(chunk);
        this.isPassing = !this.splitter.isAtBoundary;
      }
    }
    this.control();
  }

  /** The sender has ended its direction. The receiver's is ended after everything that is held. */
  end(): void {
    if (this.state === 'open') this.state = 'ending';
    this.flush();
  }

  /** Drops what is held, sends bytes if a frame may begin here, and ends the direction. */
  close(bytes: Buffer): void {
    for (const entry of this.queue) if (entry.state === 'held') release(entry, NOTHING);
    this.flush();
    if (!this.isPassing && this.current === undefined && this.isFramed) this.inject(bytes);
    this.end();
  }

  /** The connection is gone: nothing is sent any more. */
  drop(): void {
    this.state = 'ended';
    for (const { id } of this.queue.splice(0)) this.report(id, NOTHING);
    this.waiting = 0;
  }

  /** Holds the frames that begin from now on, or releases all that are held. */
  hold(isHolding: boolean): void {
    this.isHolding = isHolding;
    if (isHolding) this.control();
    else this.releaseAll();
  }

  releaseAll(): void {
    for (const entry of this.queue) release(entry, undefined);
    this.flush();
  }

  /**
   * Releases a held frame. It is sent after those before it.
   * @param bytes what to send in its place; empty for nothing
   * @returns false if no frame with this number is held
   */
  release(id: number, bytes: Buffer | undefined): boolean {
    const entry = this.queue.find((one) => one.id === id && one.state === 'held');
    if (entry === undefined) return false;
    this.waiting += release(entry, bytes);
    this.flush();
    return true;
  }

  /**
   * Sends bytes of the program's own, in front of what is held, at the next boundary of frames.
   * @returns false if the direction has ended
   */
  inject(bytes: Buffer): boolean {
    if (this.state !== 'open') return false;
    const entry = { ...newEntry('replaced', null), chunks: [bytes], isComplete: true };
    entry.length = bytes.length;
    const behind = this.queue.findIndex((one) => !one.isStarted && one.original !== null);
    this.queue.splice(behind === -1 ? this.queue.length : behind, 0, entry);
    this.waiting += bytes.length;
    this.flush();
    return true;
  }

  private add(piece: Piece): void {
    if (this.isPassing) {
      this.send(piece.bytes);
      this.isPassing = !piece.isEnd;
    } else {
      this.current ??= this.begin();
      this.extend(this.current, piece);
    }
    this.flush();
  }

  private begin(): Entry {
    const entry = newEntry(this.isHolding ? 'held' : 'released', NOTHING);
    this.queue.push(entry);
    return entry;
  }

  private extend(entry: Entry, { bytes, frameSize, isEnd }: Piece): void {
    entry.chunks.push(bytes);
    entry.length += bytes.length;
    this.waiting += bytes.length;
    if (frameSize > MAX_HELD_FRAME) release(entry, undefined);
    if (!isEnd) return;
    this.current = undefined;
    entry.isComplete = true;
    if (entry.state !== 'held') return;
    entry.original = Buffer.concat(entry.chunks);
    entry.chunks = [entry.original];
    entry.id = this.events.held(entry.original);
  }

  /** Sends what may be sent, in order. */
  private flush(): void {
    while (!this.isPassing) {
      const [first] = this.queue;
      if (first === undefined || first.state === 'held') break;
      this.sendEntry(first);
      if (!first.isComplete) break;
      this.queue.shift();
    }
    if (this.state === 'ending' && !this.queue.some(({ isComplete }) => isComplete)) this.finish();
    this.control();
  }

  private sendEntry(entry: Entry): void {
    const bytes = Buffer.concat(entry.chunks.splice(0));
    this.waiting -= bytes.length;
    entry.isStarted = true;
    if (entry.state === 'replaced') this.send(bytes, entry.original);
    else if (bytes.length > 0) this.send(bytes);
    this.report(entry.id, bytes);
  }

  /** A frame that its sender did not complete is sent as far as it came. */
  private finish(): void {
    this.state = 'ended';
    for (const entry of this.queue.splice(0)) this.sendEntry(entry);
    this.sink.end();
    this.events.ended();
  }

  private send(bytes: Buffer, original?: Buffer | null): void {
    if (bytes.length > 0) this.sink.write(bytes);
    this.events.sent(bytes, original);
  }

  private report(id: number | undefined, bytes: Buffer): void {
    if (id !== undefined) this.events.released(id, bytes);
  }

  /** Reads the sender only as fast as the receiver takes it. */
  control(): void {
    const waiting = this.waiting + this.queue.length * ENTRY_COST;
    const isTooMuch = waiting > MAX_WAITING || (this.isHolding && this.events.isFull());
    const isFull = this.sink.writableNeedDrain || isTooMuch;
    if (isFull && !this.source.isPaused()) this.source.pause();
    else if (!isFull && this.source.isPaused()) this.source.resume();
  }
}

function newEntry(state: Entry['state'], original: Entry['original']): Entry {
  return {
    chunks: [],
    length: 0,
    isComplete: false,
    isStarted: false,
    state,
    original,
    id: undefined,
  };
}

/** @returns by how many bytes the entry has grown */
function release(entry: Entry, bytes: Buffer | undefined): number {
  if (entry.state !== 'held') return 0;
  entry.state = bytes === undefined ? 'released' : 'replaced';
  if (bytes === undefined) return 0;
  const growth = bytes.length - entry.length;
  entry.chunks = [bytes];
  entry.length = bytes.length;
  return growth;
}
