/** Keeps messages while there is no connection: bounded, in order. */

import type { Blob, Buffer } from 'node:buffer';
import {
  checkNumbers,
  checkWord,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { Fifo } from '../protocol/fifo.js';
import { byteLengthOf } from '../websocket/payload.js';

/** A message as `send` keeps it: text is a string. */
export type Payload = string | Buffer | Blob;

/** The buffer of a ReconnectingWebSocket for messages that are sent while there is no connection. */
export interface SendBufferOptions {
  /** How many messages wait at most. Default 1000. */
  messages?: number | undefined;
  /** How many bytes of payload wait at most. Default 1 048 576. */
  bytes?: number | undefined;
  /**
   * What happens to a message for which there is no room: 'reject' makes `send` throw; 'drop-oldest'
   * drops the oldest messages, each of which is an event 'overflow'. Default 'reject'.
   */
  overflow?: 'reject' | 'drop-oldest' | undefined;
}

const NUMBERS = {
  'buffer.messages': 'a number of messages',
  'buffer.bytes': 'a number of bytes',
} as const;

/** Returns the buffer; undefined if the option is off. @throws TypeError or RangeError */
export function createSendBuffer(given: SendBufferOptions | undefined): SendBuffer | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given !== 'object') {
    throw new TypeError(
      `The option buffer must be an object, such as { messages: 100 }: ${describeValue(given)} was given`,
    );
  }
  const { messages = 1000, bytes = 1_048_576, overflow = 'reject' } = given;
  checkNumbers({ 'buffer.messages': messages, 'buffer.bytes': bytes }, NUMBERS);
  checkWord({ 'buffer.overflow': overflow }, 'buffer.overflow', ['reject', 'drop-oldest']);
  warnOfUnknownOptions(given, ['messages', 'bytes', 'overflow'], 'buffer');
  return new SendBuffer(messages, bytes, overflow === 'drop-oldest');
}

/** The messages that wait. */
export class SendBuffer {
  /** The payload bytes of all messages. */
  bytes = 0;
  private readonly queue = new Fifo<Payload>();
  private readonly maxMessages: number;
  private readonly maxBytes: number;
  private readonly dropsOldest: boolean;

  constructor(maxMessages: number, maxBytes: number, dropsOldest: boolean) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
    this.dropsOldest = dropsOldest;
  }

  /**
   * Keeps a message.
   * @returns the messages that were dropped for it
   * @throws DOMException QuotaExceededError if there is no room for it
   */
  push(message: Payload): Payload[] {
    const length = byteLengthOf(message);
    const canFit = length <= this.maxBytes && this.maxMessages >= 1;
    if (!canFit || (!this.dropsOldest && !this.hasRoomFor(length))) throw this.fullError();
    const dropped: Payload[] = [];
    while (!this.hasRoomFor(length)) dropped.push(this.shift() as Payload); // an empty one has room
    this.queue.push(message);
    this.bytes += length;
    return dropped;
  }

  /** @returns the oldest message, which waits no more; undefined if there is none */
  shift(): Payload | undefined {
    const message = this.queue.shift();
    if (message !== undefined) this.bytes -= byteLengthOf(message);
    return message;
  }

  /** Returns all messages, oldest first. */
  list(): Payload[] {
    return this.queue.list();
  }

  private hasRoomFor(length: number): boolean {
    return this.queue.length + 1 <= this.maxMessages && this.bytes + length <= this.maxBytes;
  }

  private fullError(): DOMException {
    const { bytes, maxBytes, maxMessages, queue } = this;
    return new DOMException(
      'There is no connection, and the buffer has no room for the message: ' +
        `${queue.length} of ${maxMessages} messages and ${bytes} of ${maxBytes} bytes wait`,
      'QuotaExceededError',
    );
  }
}
