/** `messages()` of a WebSocket, and `for await` over a WebSocket. */

import type { EventEmitter } from 'node:events';
import { ASYNC_DISPOSE } from '../connection/async-dispose.js';
import { describeValue } from '../connection/check-options.js';
import type { CloseInfo } from '../connection/close-info.js';
import { CloseCode } from '../protocol/close.js';
import { AbortError } from './abort-error.js';
import { CloseError } from './close-error.js';
import { isSignal } from './events.js';
import {
  type Consumer,
  DEFAULT_MARKS,
  type Delivered,
  Inbox,
  type Marks,
  toCurrentType,
  type Waiting,
} from './inbox.js';
import type { MessagesOptions, ReceivedMessage } from './iteration-api.js';
import { CLOSED, type Session } from './session.js';

/** A WebSocket, as far as an iterator uses it. */
interface Source extends EventEmitter {
  readonly closeInfo?: CloseInfo | undefined;
}

type BinaryMessage = ReceivedMessage<Delivered> & { readonly isBinary: true };
type Result<T> = IteratorResult<T, undefined>;

/** Makes what an iterator gives of a message. */
type Convert<T> = (message: Waiting, session: Session) => T;

interface Waiter<T> {
  resolve(result: Result<T> | Promise<Result<T>>): void;
}

const DONE: Result<never> = { value: undefined, done: true };

/** Sessions whose iterations end without an error, whatever ends them: another loop has it. */
const quietEnds = new WeakSet<Session>();

/** From now on, iterations of a WebSocket end without a CloseError. */
export function endQuietly(session: Session): void {
  quietEnds.add(session);
}

/** @throws as documented at `messages` of a WebSocket */
export function messagesOf(
  ws: Source,
  session: Session,
  options: MessagesOptions | undefined,
): AsyncIterableIterator<ReceivedMessage<Delivered>, undefined> {
  return new MessageIterator(ws, session, options ?? {}, toMessage);
}

/** The iterator of `for await (const data of ws)`. */
export function dataOf(
  ws: Source,
  session: Session,
): AsyncIterableIterator<string | Delivered, undefined> {
  return new MessageIterator(ws, session, {}, toData);
}

function toMessage(message: Waiting, session: Session): ReceivedMessage<Delivered> {
  const { data, isBinary } = message;
  if (!isBinary) return { data: String(data), isBinary };
  const current = toCurrentType(data, session);
  return current === data ? (message as BinaryMessage) : { data: current, isBinary };
}

function toData({ data, isBinary }: Waiting, session: Session): string | Delivered {
  return isBinary ? toCurrentType(data, session) : String(data);
}

/** One iteration. */
class MessageIterator<T> implements AsyncIterableIterator<T, undefined>, Consumer {
  private readonly ws: Source;
  private readonly session: Session;
  private readonly convert: Convert<T>;
  /** undefined if the signal was aborted before. */
  private readonly inbox: Inbox | undefined;
  private readonly signal: AbortSignal | undefined;
  /** Calls of `next` that have no message yet. */
  private readonly waiters: Waiter<T>[] = [];
  private isDone = false;
  /** What the next call of `next` rejects with. */
  private failure: Error | undefined;

  constructor(ws: Source, session: Session, options: MessagesOptions, convert: Convert<T>) {
    const marks = readMarks(options);
    this.signal = isSignal(options.signal) ? options.signal : undefined;
    this.ws = ws;
    this.session = session;
    this.convert = convert;
    if (this.signal?.aborted) {
      this.onAbort();
      return;
    }
    const inbox = Inbox.of(ws, session);
    inbox.open(this, marks);
    this.inbox = inbox;
    // The error of a client is that of the iteration: without a listener it would end the process.
    if (session.server === undefined) ws.on('error', ignore);
    this.signal?.addEventListener('abort', this.onAbort);
  }

  next(): Promise<Result<T>> {
    const message = this.isDone ? undefined : this.inbox?.take();
    if (message !== undefined) {
      return Promise.resolve({ value: this.convert(message, this.session), done: false });
    }
    if (this.isDone || this.session.readyState === CLOSED) return this.end();
    return new Promise((resolve) => this.waiters.push({ resolve }));
  }

  /** The program leaves the loop. */
  return(): Promise<Result<T>> {
    this.finish();
    this.failure = undefined;
    this.resolveWaiters();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    await this.return();
  }

  onMessage(data: Delivered, isBinary: boolean): boolean {
    const waiter = this.waiters.shift();
    if (waiter === undefined) return false;
    this.session.connection?.collectReplies();
    waiter.resolve({ value: this.convert({ data, isBinary }, this.session), done: false });
    return true;
  }

  onClosed(): void {
    // If a call of `next` waits, no message does.
    if (this.waiters.length > 0) this.resolveWaiters();
  }

  private readonly onAbort = (): void => {
    this.finish();
    this.failure = new AbortError(this.signal as AbortSignal); // it called this
    this.resolveWaiters();
  };

  /** All waiting calls of `next` end: the first with the failure, if there is one. */
  private resolveWaiters(): void {
    for (const waiter of this.waiters.splice(0)) waiter.resolve(this.end());
  }

  /** @returns the end of the iteration, once with its failure */
  private end(): Promise<Result<T>> {
    if (!this.isDone) {
      const { closeInfo } = this.ws;
      const isQuiet = closeInfo === undefined || isNormal(closeInfo) || quietEnds.has(this.session);
      if (!isQuiet) this.failure = new CloseError(closeInfo);
      this.finish();
    }
    const { failure } = this;
    this.failure = undefined;
    return failure === undefined ? Promise.resolve(DONE) : Promise.reject(failure);
  }

  private finish(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.signal?.removeEventListener('abort', this.onAbort);
    if (this.inbox === undefined) return;
    this.ws.removeListener('error', ignore);
    this.inbox.leave();
  }
}

/** 1000 and 1001 are the codes of a connection that has done what it was for. */
function isNormal({ received }: CloseInfo): boolean {
  const code = received?.code;
  return code === CloseCode.NORMAL || code === CloseCode.GOING_AWAY || code === CloseCode.NO_STATUS;
}

function ignore(): void {}

/** @throws TypeError or RangeError for marks without sense */
function readMarks({ highWaterMark, lowWaterMark }: MessagesOptions): Marks {
  const high = highWaterMark ?? DEFAULT_MARKS.high;
  checkCount('highWaterMark', high, 1);
  const low = lowWaterMark ?? Math.floor(high / 4);
  checkCount('lowWaterMark', low, 0);
  if (low < high) return { high, low };
  throw new RangeError(
    `The option lowWaterMark must be less than highWaterMark: ${low} and ${high} were given`,
  );
}

function checkCount(name: string, value: unknown, least: number): void {
  if (Number.isInteger(value) && (value as number) >= least) return;
  const ErrorClass = typeof value === 'number' ? RangeError : TypeError;
  throw new ErrorClass(
    `The option ${name} must be a whole number of messages, at least ${least}: ${describeValue(value)} was given`,
  );
}
