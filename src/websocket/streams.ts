/** `toStream` of a WebSocket: its messages as web streams, with backpressure in both directions. */

import { Buffer } from 'node:buffer';
import type { EventEmitter } from 'node:events';
import {
  ReadableStream,
  type ReadableStreamDefaultController,
  WritableStream,
  type WritableStreamDefaultController,
} from 'node:stream/web';
import type { CloseInfo } from '../connection/close-info.js';
import { time } from '../connection/time.js';
import { type Close, CloseCode } from '../protocol/close.js';
import { WebSocketError } from '../protocol/errors.js';
import type { MaySendMore } from './api.js';
import { CloseError } from './close-error.js';
import { type Consumer, DEFAULT_MARKS, type Delivered, Inbox, type Waiting } from './inbox.js';
import { onClosing } from './inboxes.js';
import type { MessageStreams, ReadChunk, WriteChunk } from './iteration-api.js';
import { CONNECTING, OPEN, type Session } from './session.js';
import { blobError, mustCopy, toChunk, toPayload } from './stream-chunks.js';
import { whenClosed } from './when-closed.js';

/** A WebSocket, as far as its streams use it. */
export interface Streamed extends EventEmitter {
  readonly closeInfo?: CloseInfo | undefined;
  send(data: unknown, callback?: (error?: Error | null) => void): MaySendMore;
}

/** What `toStream` and WebSocketStream do differently. */
export interface StreamRules {
  /** The Close for the reason given to `cancel` or `abort`. */
  closeFor(reason: unknown): Close;
  /** The error of both streams after an end that was not clean. */
  errorFor(info: CloseInfo): Error;
  /** Learns of the end. @param error undefined if the end was clean */
  onEnd(info: CloseInfo, error: Error | undefined): void;
}

/** A Close without a code. */
export const EMPTY_CLOSE: Close = { code: CloseCode.NO_STATUS, reason: Buffer.alloc(0) };

const RULES_OF_SOCKET: StreamRules = {
  closeFor: () => EMPTY_CLOSE,
  errorFor: (info) => new CloseError(info),
  onEnd() {},
};

/** @throws as documented at `toStream` of a WebSocket */
export function streamsOf(ws: Streamed, session: Session): MessageStreams {
  const { readable, writable } = new Streams(ws, session, RULES_OF_SOCKET);
  return { readable, writable };
}

/** Starts the closing handshake of an open connection. RFC 6455 §7.1.2. */
export function closeSession(session: Session, close: Close): void {
  if (session.readyState !== OPEN) return;
  session.connection?.endpoint.startClosingHandshake(close);
  onClosing(session);
}

/** A write, or the close of the WritableStream, that is not settled. */
interface Deferred {
  resolve(): void;
  reject(error: Error): void;
}

type AbortableController = WritableStreamDefaultController & { readonly signal: AbortSignal };

/** The streams of one WebSocket. */
export class Streams implements Consumer {
  readonly readable: ReadableStream<ReadChunk>;
  readonly writable: WritableStream<WriteChunk>;
  private readonly ws: Streamed;
  private readonly session: Session;
  private readonly rules: StreamRules;
  private readonly inbox: Inbox;
  /** undefined once the ReadableStream is closed, errored or cancelled. */
  private reading: ReadableStreamDefaultController<ReadChunk> | undefined;
  /** undefined once the WritableStream is closed or aborted. */
  private writing: WritableStreamDefaultController | undefined;
  /** The reader waits for a message. */
  private isWanted = false;
  /** The message that waits until more may be sent. There is one at most. */
  private pendingWrite: Deferred | undefined;
  private pendingClose: Deferred | undefined;
  private isEnded = false;
  /** The error of an end that was not clean. */
  private failure: Error | undefined;

  /** @throws WebSocketError, TypeError: as `toStream` of a WebSocket */
  constructor(ws: Streamed, session: Session, rules: StreamRules) {
    checkStreamable(session);
    this.ws = ws;
    this.session = session;
    this.rules = rules;
    this.inbox = Inbox.of(ws, session);
    this.inbox.open(this, DEFAULT_MARKS);
    if (session.connection !== undefined) session.setBinaryType('nodebuffer');
    // The streams have the error of a client: without a listener it would end the process.
    if (session.server === undefined) ws.on('error', ignore);
    this.readable = this.createReadable();
    this.writable = this.createWritable();
    if (ws.closeInfo !== undefined) this.onEnd();
    else whenClosed(session, () => this.onEnd());
  }

  private createReadable(): ReadableStream<ReadChunk> {
    const source = {
      start: (controller: ReadableStreamDefaultController<ReadChunk>): void => {
        this.reading = controller;
      },
      pull: (): void => this.pull(),
      cancel: (reason: unknown): void => {
        this.reading = undefined;
        // What comes from now on is dropped, so that the peer's Close is read.
        this.inbox.release();
        closeSession(this.session, this.rules.closeFor(reason));
      },
    };
    // The inbox is the queue: it counts bytes, too.
    return new ReadableStream(source, { highWaterMark: 0 });
  }

  private createWritable(): WritableStream<WriteChunk> {
    return new WritableStream<WriteChunk>({
      start: (controller) => {
        this.writing = controller;
        // The write in progress delays `abort` until it is settled.
        const { signal } = controller as AbortableController; // @types/node lacks it
        signal.addEventListener('abort', () => this.settleWrite());
      },
      write: (chunk) => this.write(chunk),
      close: () => this.closeWritable(),
      abort: (reason) => {
        this.writing = undefined;
        closeSession(this.session, this.rules.closeFor(reason));
      },
    });
  }

  /** The reader wants a message, and the queue of the stream is empty. */
  private pull(): void {
    const message = this.inbox.take();
    if (message === undefined) this.isWanted = true;
    else this.enqueue(message);
    if (this.isEnded) this.endReadable();
  }

  onMessage(data: Delivered, isBinary: boolean): boolean {
    if (!this.isWanted) return false;
    this.isWanted = false;
    this.session.connection?.collectReplies();
    this.enqueue({ data, isBinary });
    return true;
  }

  private enqueue(message: Waiting): void {
    const { reading } = this;
    try {
      reading?.enqueue(toChunk(message));
    } catch (error) {
      this.reading = undefined;
      this.inbox.release();
      reading?.error(error);
    }
  }

  onClosed(): void {}

  /** Messages that come after our Close are dropped, so that the peer's Close is read. */
  onClosing(): void {
    for (let message = this.inbox.take(); message !== undefined; message = this.inbox.take()) {
      this.enqueue(message);
    }
    this.inbox.release();
  }

  /** @returns undefined if more may be written at once */
  private write(chunk: unknown): Promise<void> | undefined {
    const { session, ws } = this;
    const payload = toPayload(chunk);
    if (session.readyState !== OPEN) return this.writeLate();
    const data = typeof payload !== 'string' && mustCopy(session) ? Buffer.from(payload) : payload;
    if (session.connection?.limit !== undefined) return this.writeLimited(data);
    return ws.send(data) === false ? this.wait() : undefined;
  }

  /** A message after our Close is not sent, and no error. After the peer's Close it is an incomplete write. */
  private writeLate(): Promise<void> | undefined {
    const { ws, session } = this;
    const isClosedByPeer = ws.closeInfo === undefined && closedByPeer(session);
    return isClosedByPeer ? this.wait() : undefined;
  }

  private wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pendingWrite = { resolve, reject };
    });
  }

  /** A message that a limit holds back or drops is settled by the callback. */
  private writeLimited(data: string | Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pendingWrite = { resolve, reject };
      const maySendMore = this.ws.send(data, (error) => {
        const isUnsent = error && (error as { code?: unknown }).code !== 'WS_ERR_DROPPED';
        if (!isUnsent) this.onDrain();
      });
      if (maySendMore !== false) this.settleWrite();
    });
  }

  /** Settles the write in the next turn: a Close that has arrived by now is read before. */
  onDrain(): void {
    if (this.pendingWrite !== undefined) time.setImmediate(settleDrained, this);
  }

  /** A peer that sent its Close does not read this message: then the end settles it. RFC 6455 §5.5.1. */
  settleDrained(): void {
    if (!closedByPeer(this.session)) this.settleWrite();
  }

  private settleWrite(): void {
    this.pendingWrite?.resolve();
    this.pendingWrite = undefined;
  }

  private closeWritable(): Promise<void> | undefined {
    if (this.isEnded) return undefined;
    return new Promise((resolve, reject) => {
      this.pendingClose = { resolve, reject };
      closeSession(this.session, EMPTY_CLOSE);
    });
  }

  private onEnd(): void {
    const { ws, rules } = this;
    const info = ws.closeInfo as CloseInfo; // it is set before 'close'
    // After our own Close no 'drain' tells that the message before it was sent.
    if (info.wasClean && !closedByPeer(this.session)) this.settleWrite();
    ws.removeListener('error', ignore);
    this.isEnded = true;
    if (!info.wasClean || this.pendingWrite !== undefined) this.failure = rules.errorFor(info);
    this.endReadable();
    // A pipe of the readable closes its writable first: so that an echo ends without an error.
    if (this.failure === undefined) time.setImmediate(() => this.endWritable(info));
    else this.endWritable(info);
  }

  private endWritable(info: CloseInfo): void {
    this.settleWritable(info);
    this.rules.onEnd(info, this.failure);
  }

  private settleWritable({ received }: CloseInfo): void {
    const { failure, pendingClose, pendingWrite, writing } = this;
    this.pendingWrite = undefined;
    this.writing = undefined;
    if (pendingClose !== undefined) {
      if (failure === undefined) pendingClose.resolve();
      else pendingClose.reject(failure);
      return;
    }
    const error = failure === undefined || (pendingWrite && received) ? closedError() : failure;
    pendingWrite?.reject(error);
    writing?.error(error);
  }

  /** The messages that wait are read first. */
  private endReadable(): void {
    const { failure, inbox, reading } = this;
    if (reading === undefined || inbox.hasWaiting) return;
    this.reading = undefined;
    if (failure === undefined) reading.close();
    else reading.error(failure);
  }
}

function ignore(): void {}

function settleDrained(streams: Streams): void {
  streams.settleDrained();
}

/** Whether the peer started the closing handshake. */
function closedByPeer({ connection }: Session): boolean {
  const { received, origin } = connection?.endpoint ?? {};
  return received !== undefined && origin?.by !== 'us';
}

/** @throws WebSocketError or TypeError if the WebSocket cannot have streams now */
function checkStreamable({ binaryType, readyState }: Session): void {
  if (readyState === CONNECTING) {
    throw new WebSocketError(
      'toStream() needs an open WebSocket: readyState 0 (CONNECTING). Use WebSocket.connect()',
      'WS_ERR_NOT_OPEN',
    );
  }
  if (binaryType === 'blob') throw blobError();
}

function closedError(): DOMException {
  return new DOMException('The WebSocket is closed: nothing can be written', 'InvalidStateError');
}
