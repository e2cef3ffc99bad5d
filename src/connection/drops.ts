/** Counts dropped messages, and calls their callbacks. */

import { WebSocketError } from '../protocol/errors.js';
import type { WaitingMessage } from './backlog.js';
import type { Direction, DropReason } from './channels.js';
import { time } from './time.js';

/** Learns what was dropped. */
export interface DropListener {
  /** Called at once for each message. */
  onDrop(direction: Direction, reason: DropReason, bytes: number): void;
  /** Called at the end of the tick, with the sum. */
  onDropped(messages: number, bytes: number): void;
}

/** Why a message was dropped, as its error says it. */
const REASONS = {
  full: 'too much waits for a peer that reads slowly',
  replaced: 'a newer one with the same key replaced it',
  expired: 'it waited longer than maxQueuedAge',
  closing: 'the connection is closed because its peer reads too slowly',
} as const;

/** The dropped messages of one connection: counted, and reported once a tick. */
export class Drops {
  /** How many messages were dropped in all. */
  total = 0;
  private readonly listener: DropListener;
  private messages = 0;
  private bytes = 0;

  constructor(listener: DropListener) {
    this.listener = listener;
  }

  /** Counts a message that will not be sent. */
  add({ message, callback }: WaitingMessage, reason: keyof typeof REASONS): void {
    if (this.messages === 0) time.nextTick(report, this);
    this.messages++;
    this.total++;
    this.bytes += message.byteLength;
    this.listener.onDrop('sent', reason, message.byteLength);
    if (callback !== undefined) time.nextTick(callback, droppedError(reason));
  }

  /** Reports what was dropped in this tick. */
  report(): void {
    const { messages, bytes } = this;
    this.messages = 0;
    this.bytes = 0;
    this.listener.onDropped(messages, bytes);
  }
}

function report(drops: Drops): void {
  drops.report();
}

function droppedError(reason: keyof typeof REASONS): WebSocketError {
  return new WebSocketError(`The message was dropped: ${REASONS[reason]}`, 'WS_ERR_DROPPED');
}
