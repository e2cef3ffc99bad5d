/** One direction of the channel between two processes: records in batches, and a bound for what waits. */

import { toError } from '../connection/callbacks.js';
import { time } from '../connection/time.js';
import { Fifo } from '../protocol/fifo.js';
import type { ClusterMessage, WireData, WorkerPort } from './cluster-port.js';

/** How many bytes wait at most, unless the options say otherwise. */
export const DEFAULT_MAX_QUEUED_BYTES = 16 * 1024 * 1024;

/** A message between processes ends with the record that makes it larger than this. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** What a record takes beside its topic and data, about. */
const RECORD_BYTES = 64;

interface Waiting<Record> {
  readonly record: Record;
  readonly size: number;
}

/** The number of bytes that a record with data counts for. */
export function sizeOf(topic: string, data: WireData): number {
  return RECORD_BYTES + topic.length + data.length;
}

/**
 * Sends records to another process: one message in a turn of the event loop, because each costs more than
 * its records, and the next one when the operating system has the one before.
 */
export class Link<Record> {
  private readonly worker: WorkerPort;
  private readonly id: string;
  private readonly maxQueuedBytes: number;
  private readonly onWritten: () => void;
  private waiting = new Fifo<Waiting<Record>>();
  private phase: 'IDLE' | 'SCHEDULED' | 'WRITING' = 'IDLE';
  /** How many bytes wait; those that are being written do not count. */
  queuedBytes = 0;

  /** @param onWritten called when the operating system has taken a message */
  constructor(worker: WorkerPort, id: string, maxQueuedBytes: number, onWritten = () => {}) {
    this.worker = worker;
    this.id = id;
    this.maxQueuedBytes = maxQueuedBytes;
    this.onWritten = onWritten;
  }

  get isIdle(): boolean {
    return this.phase === 'IDLE';
  }

  /**
   * Sends a record after those before it.
   * @param size what it counts for; one alone may be larger than the bound
   * @returns false if too much waits: then it is not sent
   */
  push(record: Record, size = RECORD_BYTES): boolean {
    if (this.queuedBytes > 0 && this.queuedBytes + size > this.maxQueuedBytes) return false;
    this.waiting.push({ record, size });
    this.queuedBytes += size;
    if (this.phase === 'IDLE') this.schedule();
    return true;
  }

  /** Drops what waits. @returns the number of records */
  clear(): number {
    this.queuedBytes = 0;
    return this.waiting.takeAll().length;
  }

  /** Sends what waits now, if the operating system is ready for it. */
  flush(): void {
    if (this.phase !== 'WRITING') this.write();
  }

  private schedule(): void {
    this.phase = 'SCHEDULED';
    time.setImmediate(() => {
      if (this.phase === 'SCHEDULED') this.write();
    });
  }

  private write(): void {
    const list = this.takeBatch();
    this.phase = list.length > 0 ? 'WRITING' : 'IDLE';
    if (list.length === 0) return;
    const done = (): void => {
      this.phase = 'IDLE';
      this.onWritten();
      if (this.phase === 'IDLE' && this.waiting.length > 0) this.schedule();
    };
    // A failure is followed by 'disconnect'.
    send(this.worker, { ws6455: this.id, list }, done);
  }

  private takeBatch(): Record[] {
    const list: Record[] = [];
    let size = 0;
    while (size < MAX_BATCH_BYTES) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      list.push(next.record);
      size += next.size;
    }
    this.queuedBytes -= size;
    return list;
  }
}

/** Sends a message; an exception becomes the error of the callback. */
export function send(
  worker: WorkerPort,
  message: ClusterMessage,
  callback: (error: Error | null) => void = () => {},
): void {
  try {
    worker.send(message, callback);
  } catch (error) {
    time.nextTick(callback, toError(error));
  }
}
