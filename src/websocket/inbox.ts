/** Keeps the messages of one WebSocket until a program takes them: bounded, in order. */

import { Blob, Buffer } from 'node:buffer';
import type { EventEmitter } from 'node:events';
import { Pause } from '../connection/connection.js';
import { time } from '../connection/time.js';
import { WebSocketError } from '../protocol/errors.js';
import { Fifo } from '../protocol/fifo.js';
import { type HeldMessages, inboxes } from './inboxes.js';
import { toBinary } from './payload.js';
import { CLOSED, type Session } from './session.js';
import { whenClosed } from './when-closed.js';

/** A message as 'message' delivers it. */
export type Delivered = Buffer | ArrayBuffer | Buffer[] | Blob;

/** Takes the messages of an inbox. `onClosed` reports their end. */
export interface Consumer {
  /** @returns whether the message was taken; else it waits */
  onMessage(data: Delivered, isBinary: boolean): boolean;
  onClosed(): void;
  /** The program closes: nothing more needs to be read but the Close. */
  onClosing?(): void;
  /** As the event 'drain'. */
  onDrain?(): void;
}

/** A message that waits, as it was delivered: text is a Buffer too. */
export interface Waiting {
  readonly data: Delivered;
  readonly isBinary: boolean;
}

/** How many messages may wait. */
export interface Marks {
  readonly high: number;
  readonly low: number;
}

export const DEFAULT_MARKS: Marks = { high: 16, low: 4 };

/** Large messages stop reading earlier: with this many bytes. */
const HIGH_BYTES = 262_144;
const LOW_BYTES = 65_536;

/**
 * It listens to 'message' like a program. With a consumer it keeps what the consumer does not take at
 * once. Without one it holds messages for the next consumer, or for a listener of the program.
 */
export class Inbox implements HeldMessages {
  private readonly session: Session;
  private readonly ws: EventEmitter;
  private readonly queue = new Fifo<Waiting>();
  private bytes = 0;
  private marks = DEFAULT_MARKS;
  private consumer: Consumer | undefined;
  /** Reading is stopped, because too much waits. */
  private isFull = false;
  private isDeliveryDue = false;
  /** The held message that is being emitted: it comes back by 'message'. */
  private emitted: Delivered | undefined;
  /** This end closes the connection: what nobody takes does not stop reading, or the Close would wait. */
  private dropsNewest = false;

  /** Returns the inbox of a WebSocket. A new one holds messages from now on. */
  static of(ws: EventEmitter, session: Session): Inbox {
    const existing = inboxes.get(session);
    if (existing instanceof Inbox) return existing;
    const inbox = new Inbox(ws, session);
    inboxes.set(session, inbox);
    inbox.attach();
    whenClosed(session, () => inbox.onClosed());
    return inbox;
  }

  private constructor(ws: EventEmitter, session: Session) {
    this.ws = ws;
    this.session = session;
  }

  get hasWaiting(): boolean {
    return this.queue.length > 0;
  }

  /** A consumer begins. @throws WebSocketError with the code WS_ERR_LOCKED if there is another one */
  open(consumer: Consumer, marks: Marks): void {
    if (this.consumer !== undefined) throw lockedError();
    this.consumer = consumer;
    this.marks = marks;
    this.detach();
    this.attach(); // the program may have removed all listeners
    this.regulate();
  }

  /** The consumer ends. What waits is held for the next one, unless a listener of the program got it. */
  leave(): void {
    this.consumer = undefined;
    const isClosed = this.session.readyState === CLOSED;
    if (isClosed ? this.queue.length === 0 : this.hasLastingListener) this.release();
    else if (this.isClosedByUs) this.stopHolding();
    else this.deliverLater();
  }

  /** Takes the oldest message; undefined if none waits. */
  take(): Waiting | undefined {
    const message = this.queue.shift();
    if (message === undefined) return undefined;
    this.bytes -= sizeOf(message.data);
    if (this.isFull) this.regulate();
    return message;
  }

  /** Forgets what waits, and takes nothing more. Reading continues. */
  release(): void {
    this.consumer = undefined;
    this.detach();
    inboxes.delete(this.session);
    this.queue.takeAll();
    this.bytes = 0;
    this.regulate();
  }

  /** The program needs no message any more, unless an iteration goes on. */
  endHold(): void {
    if (this.consumer === undefined) this.release();
  }

  /** This end closes the connection. Without a consumer, reading must not stop any more. */
  stopHolding(): void {
    if (this.consumer !== undefined) {
      this.consumer.onClosing?.();
      return;
    }
    this.dropsNewest = true;
    this.regulate();
  }

  onDrain(): void {
    this.consumer?.onDrain?.();
  }

  /** Gives held messages to listeners of the program, if there are any by then. */
  deliverLater(): void {
    if (this.isDeliveryDue || this.consumer !== undefined) return;
    this.isDeliveryDue = true;
    time.nextTick(deliver, this);
  }

  /** Emits held messages, oldest first, as long as somebody listens and reading is not paused. */
  deliver(): void {
    this.isDeliveryDue = false;
    const { queue, session } = this;
    if (session.readyState === CLOSED) return; // 'close' is the last event
    try {
      while (this.hasListener && !session.isPaused && this.emitOldest());
    } finally {
      // After an exception of a listener the others are still to be delivered.
      if (queue.length > 0 && this.hasListener && !session.isPaused) this.deliverLater();
    }
    if (queue.length === 0 && this.consumer === undefined && this.hasLastingListener)
      this.release();
  }

  /** @returns false if a consumer takes the messages, or none waits */
  private emitOldest(): boolean {
    const message = this.consumer === undefined ? this.take() : undefined;
    if (message === undefined) return false;
    const { data, isBinary } = message;
    const outer = this.emitted;
    this.emitted = isBinary ? toCurrentType(data, this.session) : data;
    try {
      this.ws.emit('message', this.emitted, isBinary);
    } finally {
      this.emitted = outer;
    }
    return true;
  }

  /** The connection is closed: a pause of the program holds nothing back any more. */
  private onClosed(): void {
    try {
      this.deliverRest();
    } finally {
      this.detach();
      this.consumer?.onClosed();
    }
  }

  private deliverRest(): void {
    try {
      while (this.hasListener && this.emitOldest());
    } finally {
      // After an exception of a listener the others are still to be delivered.
      if (this.hasListener && this.consumer === undefined && this.queue.length > 0) {
        this.deliverRest();
      }
    }
  }

  private readonly onMessage = (data: Delivered, isBinary: boolean): void => {
    const { consumer, emitted } = this;
    if (data === emitted) return;
    if (consumer !== undefined) {
      if (!consumer.onMessage(data, isBinary)) this.push(data, isBinary);
    } else if (!this.hasListener || !this.deliverBefore(data, isBinary)) this.push(data, isBinary);
  };

  /**
   * Gives listeners what is held, before they get the message that is being emitted.
   * @returns whether they still get it
   */
  private deliverBefore(data: Delivered, isBinary: boolean): boolean {
    let threw = true;
    try {
      while (this.hasListener && this.emitOldest());
      threw = false;
    } finally {
      // The exception ends the event of this message.
      if (threw) {
        this.push(data, isBinary);
        this.deliverLater();
      }
    }
    return this.hasListener;
  }

  private push(data: Delivered, isBinary: boolean): void {
    if (this.isReadOn && this.isAboveHigh) return;
    this.queue.push({ data, isBinary });
    this.bytes += sizeOf(data);
    if (!this.isFull && this.isAboveHigh) this.regulate();
  }

  private attach(): void {
    const { session, ws } = this;
    if (session.readyState === CLOSED) return;
    // First of all listeners: an exception of another one loses no message here.
    ws.prependListener('message', this.onMessage);
    ws.on('newListener', this.onNewListener);
  }

  private detach(): void {
    const { ws } = this;
    ws.removeListener('message', this.onMessage);
    ws.removeListener('newListener', this.onNewListener);
  }

  private readonly onNewListener = (event: string | symbol): void => {
    if (event === 'message') this.deliverLater();
  };

  /** Stops or continues reading. */
  private regulate(): void {
    const { bytes, isReadOn, marks, queue, session } = this;
    if (!this.isFull && this.isAboveHigh && !isReadOn) {
      this.isFull = session.connection?.pause(Pause.CONSUMER) === true;
    } else if (this.isFull && (isReadOn || (queue.length <= marks.low && bytes <= LOW_BYTES))) {
      this.isFull = false;
      session.connection?.resume(Pause.CONSUMER);
    }
  }

  private get isAboveHigh(): boolean {
    return this.queue.length >= this.marks.high || this.bytes >= HIGH_BYTES;
  }

  /** Whether reading goes on whatever waits. */
  private get isReadOn(): boolean {
    return this.dropsNewest && this.consumer === undefined;
  }

  /** Whether the program listens to 'message'. */
  private get hasListener(): boolean {
    return this.ws.rawListeners('message').some((one) => one !== this.onMessage);
  }

  /** Whether a listener of the program stays: one of `once` gets a single message. */
  private get hasLastingListener(): boolean {
    return this.ws
      .rawListeners('message')
      .some(
        (one) => one !== this.onMessage && (one as { listener?: unknown }).listener === undefined,
      );
  }

  private get isClosedByUs(): boolean {
    const endpoint = this.session.connection?.endpoint;
    return endpoint?.sent !== undefined && endpoint.received === undefined;
  }
}

function deliver(inbox: Inbox): void {
  inbox.deliver();
}

function lockedError(): WebSocketError {
  return new WebSocketError(
    'The messages of this WebSocket have a consumer already: end that loop or stream first, or share its messages',
    'WS_ERR_LOCKED',
  );
}

/** Returns a message in the form of `binaryType`, which may have changed since it was received. */
export function toCurrentType(data: Delivered, { binaryType }: Session): Delivered {
  return binaryType !== 'nodebuffer' && Buffer.isBuffer(data) ? toBinary(data, binaryType) : data;
}

function sizeOf(data: Delivered): number {
  if (Buffer.isBuffer(data)) return data.length;
  if (Array.isArray(data)) return data.reduce((sum, { length }) => sum + length, 0);
  return data instanceof Blob ? data.size : data.byteLength;
}
