/** A graceful shutdown: accept, refuse, close over a period, wait, drop the rest. */

import { callProgram, toError, warnOfError } from '../connection/callbacks.js';
import { MAX_TIMEOUT, toTimeout } from '../connection/options.js';
import { type Timer, time } from '../connection/time.js';
import { CloseCode } from '../protocol/close.js';
import { closeReason, type ShutdownOptions, type ShutdownReport } from './shutdown-options.js';

/** What a shutdown needs of its server. */
export interface ShutdownHost {
  /** The connections that have not ended. */
  readonly clients: ReadonlySet<object>;
  /** Clients that were refused because the server is closing. */
  readonly refused: number;
  /** Refuses clients from now on, also those whose handshake waits for the program. */
  refuse(): void;
  /** Starts the closing handshake of a connection, unless it has begun. */
  close(client: object, code: number, reason: string): void;
  /** Drops a connection. */
  drop(client: object): void;
  /** Stops listening. @param onEnded called when all has ended */
  end(onEnded: () => void): void;
  /** Drops the clients whose opening handshake is not complete. */
  dropHandshakes(): void;
}

type Stage =
  /** Clients are accepted. */
  | 'ACCEPTING'
  /** The connections are closed, one after the other. */
  | 'CLOSING'
  /** Each connection was sent a Close. */
  | 'WAITING'
  /** The time limit is over: the connections are dropped. */
  | 'DROPPING'
  /** Each connection was dropped. */
  | 'DROPPED'
  /** The promise is resolved. */
  | 'DONE';

const DEFAULT_TIMEOUT = 30_000;

/**
 * How long connections are closed without a pause, in milliseconds. When the peers answer, their ends
 * cost about three times as much in one of the next turns of the event loop.
 */
const MAX_SLICE = 1;

/** How long a dropped connection may take to end, in milliseconds. */
const DROP_TIMEOUT = 1_000;

/** One shutdown of one server. */
export class Shutdown {
  readonly done: Promise<ShutdownReport>;

  private readonly host: ShutdownHost;
  private readonly options: ShutdownOptions;
  private readonly startedAt = time.now();
  private readonly refusedBefore: number;
  private stage: Stage = 'ACCEPTING';
  /** The end of the stage ACCEPTING. */
  private acceptUntil: number;
  private deadline: number;
  /** When the promise is resolved although a dropped connection has not ended. */
  private giveUpAt = Number.POSITIVE_INFINITY;
  /** The connections that are not closed yet. */
  private queue: object[] = [];
  /** The length of the queue at `closeFrom`; it is empty `spread` milliseconds later. */
  private queueLength = 0;
  private closeFrom = 0;
  private spread: number;
  private timer: Timer | undefined;
  private isWorking = false;
  private isEnding = false;
  private hasProgressed = false;
  private closed = 0;
  private clean = 0;
  private terminated = 0;
  /** Connections that were dropped and have not ended. */
  private readonly dropped = new Set<object>();
  private resolve: (report: ShutdownReport) => void = () => {};

  constructor(host: ShutdownHost, options: ShutdownOptions) {
    this.host = host;
    this.options = options;
    this.refusedBefore = host.refused;
    this.acceptUntil = this.startedAt + toTimeout(options.lameDuck, 0);
    this.spread = toTimeout(options.spread, 0);
    this.deadline = this.startedAt + toTimeout(options.timeout, DEFAULT_TIMEOUT);
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Whether clients are still accepted. */
  get isAccepting(): boolean {
    return this.stage === 'ACCEPTING';
  }

  /** Returns when one client should reconnect, in seconds; undefined without `retryAfter`. */
  drawDelay(): number | undefined {
    const { retryAfter } = this.options;
    if (retryAfter === undefined) return undefined;
    const [min, max] = typeof retryAfter === 'number' ? [retryAfter, retryAfter] : retryAfter;
    return min + (max - min) * time.random();
  }

  start(): void {
    this.dropOnAbort(this.options.signal);
    this.proceed();
  }

  /** Another call of `shutdown`: a time that it gives counts from now, if it makes this one earlier. */
  harden({ lameDuck, spread, timeout, signal }: ShutdownOptions): void {
    const now = time.now();
    this.acceptUntil = Math.min(this.acceptUntil, now + toTimeout(lameDuck, Infinity));
    this.deadline = Math.min(this.deadline, now + toTimeout(timeout, Infinity));
    this.shortenSpread(toTimeout(spread, Infinity), now);
    this.dropOnAbort(signal);
    this.proceed();
  }

  /** Counts a connection that has ended. */
  countEnd(client: object, wasClean: boolean): void {
    this.closed++;
    if (wasClean) this.clean++;
    if (this.dropped.delete(client)) this.terminated++;
    this.noteProgress();
    if (this.host.clients.size === 0) time.setImmediate(() => this.proceed());
  }

  /** The connections that are left are closed at even distances again. */
  private shortenSpread(spread: number, now: number): void {
    if (this.stage !== 'CLOSING') {
      this.spread = Math.min(this.spread, spread);
      return;
    }
    if (now + spread >= this.closeFrom + this.spread) return;
    this.closeFrom = now;
    this.spread = spread;
    this.queueLength = this.queue.length;
  }

  private dropOnAbort(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const drop = (): void => {
      this.deadline = Math.min(this.deadline, time.now());
      this.proceed();
    };
    if (signal.aborted) this.deadline = Math.min(this.deadline, time.now());
    else signal.addEventListener('abort', drop, { once: true });
    void this.done.then(() => signal.removeEventListener('abort', drop));
  }

  /** Does what is due, and sets the timer for what comes next. A listener may call it in between. */
  private proceed(): void {
    if (this.isWorking || this.stage === 'DONE') return;
    this.isWorking = true;
    try {
      this.work(time.now());
    } finally {
      this.isWorking = false;
      this.schedule();
    }
  }

  private work(now: number): void {
    const isDropping = this.stage === 'DROPPING' || this.stage === 'DROPPED';
    if (now >= this.deadline && !isDropping) this.startDropping();
    else if (this.stage === 'ACCEPTING' && now >= this.acceptUntil) this.startClosing(now);
    if (this.stage === 'CLOSING' || this.stage === 'DROPPING') this.endConnections(now);
    const isGivingUp = now >= this.giveUpAt;
    if (this.stage === 'WAITING' || this.stage === 'DROPPED') this.endServer(isGivingUp);
    if (isGivingUp) this.finish();
  }

  private schedule(): void {
    time.clearTimeout(this.timer);
    if (this.isDone()) return;
    const delay = Math.max(1, this.nextTime() - time.now());
    this.timer = time.setTimeout(() => this.proceed(), Math.min(delay, MAX_TIMEOUT));
  }

  private nextTime(): number {
    if (this.stage === 'DROPPED') return this.giveUpAt;
    if (this.stage === 'DROPPING') return 0;
    if (this.stage === 'WAITING') return this.deadline;
    const next = this.stage === 'ACCEPTING' ? this.acceptUntil : this.nextCloseAt();
    return Math.min(next, this.deadline);
  }

  /** When the next connection is to be closed. */
  private nextCloseAt(): number {
    const closed = this.queueLength - this.queue.length;
    return this.closeFrom + (this.spread * closed) / this.queueLength;
  }

  private startClosing(now: number): void {
    this.stage = 'CLOSING';
    this.host.refuse();
    this.queue = [...this.host.clients];
    this.queueLength = this.queue.length;
    this.closeFrom = now;
  }

  private startDropping(): void {
    const wasAccepting = this.stage === 'ACCEPTING';
    this.stage = 'DROPPING';
    if (wasAccepting) this.host.refuse();
    this.host.dropHandshakes();
    this.queue = [...this.host.clients];
  }

  /** Closes or drops the connections that are due, as far as the time of one slice allows. */
  private endConnections(now: number): void {
    if (this.host.clients.size === 0) this.queue = [];
    const end = now + MAX_SLICE;
    while (this.queue.length > 0 && this.isNextDue(now) && time.now() < end) {
      const client = takeRandom(this.queue);
      if (this.host.clients.has(client)) this.endConnection(client);
    }
    this.noteProgress();
    if (this.queue.length > 0) return;
    if (this.stage === 'DROPPING') {
      this.stage = 'DROPPED';
      this.giveUpAt = time.now() + DROP_TIMEOUT;
    } else this.stage = 'WAITING';
  }

  private isNextDue(now: number): boolean {
    return this.stage === 'DROPPING' || this.nextCloseAt() <= now;
  }

  private endConnection(client: object): void {
    const { code = CloseCode.GOING_AWAY, reason = '' } = this.options;
    try {
      this.host.close(client, code, closeReason(reason, this.drawDelay()));
    } finally {
      // A connection whose turn did not come gets a Close all the same, if its socket takes it at once.
      if (this.stage === 'DROPPING') this.drop(client);
    }
  }

  private drop(client: object): void {
    this.dropped.add(client);
    this.host.drop(client);
  }

  /** @param isGivingUp whether it no longer waits for the connections */
  private endServer(isGivingUp: boolean): void {
    if (this.isEnding || (this.host.clients.size > 0 && !isGivingUp)) return;
    this.isEnding = true;
    this.host.end(() => this.finish());
  }

  private noteProgress(): void {
    if (this.options.onProgress === undefined || this.hasProgressed) return;
    this.hasProgressed = true;
    time.setImmediate(() => {
      if (!this.isDone()) this.reportProgress();
    });
  }

  private reportProgress(): void {
    this.hasProgressed = false;
    const { onProgress } = this.options;
    if (onProgress === undefined) return;
    const { closed, terminated } = this;
    const progress = { open: this.host.clients.size, closed, terminated, ms: this.elapsed };
    callProgram(
      () => onProgress(progress),
      () => {},
      (error) => warnOfError('The callback onProgress of shutdown() failed', toError(error)),
    );
  }

  private get elapsed(): number {
    return time.now() - this.startedAt;
  }

  /** A method: the compiler does not see that a called method changes the stage. */
  private isDone(): boolean {
    return this.stage === 'DONE';
  }

  private finish(): void {
    if (this.isDone()) return;
    this.stage = 'DONE';
    time.clearTimeout(this.timer);
    this.reportProgress();
    const { closed, clean, terminated } = this;
    const refused = this.host.refused - this.refusedBefore;
    this.resolve({ closed, clean, terminated, refused, ms: this.elapsed });
  }
}

/**
 * Removes one element. In the order of the list, the oldest connections would always be the first. One
 * step of the shuffle of Fisher and Yates: shuffling a long list at once would block the event loop.
 */
function takeRandom<T>(list: T[]): T {
  const index = Math.floor(time.random() * list.length);
  const taken = list[index] as T; // the list is not empty
  const last = list.pop() as T;
  if (index < list.length) list[index] = last;
  return taken;
}
