/** Makes one connection after the other: attempts, waiting, the end. At most one of them is in progress. */

import { toError } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import type { CloseInfo } from '../connection/close-info.js';
import { time } from '../connection/time.js';
import { CloseCode } from '../protocol/close.js';
import { WebSocketError } from '../protocol/errors.js';
import { AbortError } from '../websocket/abort-error.js';
import { CloseError } from '../websocket/close-error.js';
import { delayAfter } from './backoff.js';
import { type PerAttempt, type ReconnectOptions, readSettings, type Settings } from './options.js';
import { type Plan, prepare } from './prepare.js';
import { type Ending, judge, type Verdict } from './verdict.js';
import { wait, within } from './wait.js';

/**
 * What a reconnector does: nothing before the first call and while a connection is open, else one of the
 * steps to the next one. ENDED is the last state.
 */
export type ReconnectorState = 'IDLE' | 'WAITING' | 'CONNECTING' | 'RESUMING' | 'OPEN' | 'ENDED';

/** A connection, as far as it is used here. */
export interface Connection {
  readonly closed: Promise<CloseInfo>;
  close(code: number): void;
  terminate(): void;
}

/** Opens one connection, as `WebSocket.connect` does. */
export type Connect<Socket> = (
  plan: Plan,
  settings: Settings,
  signal: AbortSignal,
) => Promise<Socket>;

/** A function of the options took too long. */
class AttemptTimeout extends WebSocketError {
  constructor(what: string, milliseconds: number) {
    const message = `${what} did not end within ${milliseconds} ms (connectTimeout)`;
    super(message, 'WS_ERR_ATTEMPT_TIMEOUT');
  }
}

/** A client that stays connected. */
export class Reconnector<Socket extends Connection> {
  state: ReconnectorState = 'IDLE';
  private readonly url: PerAttempt<string | URL>;
  private readonly settings: Settings;
  private readonly connect: Connect<Socket>;
  private readonly onRetry: ((ending: Ending) => void) | undefined;
  /** Ends what is in progress. */
  private readonly controller = new AbortController();
  private socket: Socket | undefined;
  /** How long the connection lasted, in milliseconds. The program may ask for the next one much later. */
  private uptime = 0;
  /** Attempts since the last connection that lasted. */
  private attempts = 0;
  /** Attempts and short connections that failed, in a row. */
  private failures = 0;
  /** Undefined before the first attempt. */
  private delay: number | undefined;
  private last: Ending | undefined;
  /** How the last connection ended, for `resume`. */
  private lastInfo: CloseInfo | undefined;

  /**
   * @param onRetry called with each failure and each end of a connection that another attempt follows
   * @throws as `reconnect`
   */
  constructor(
    url: PerAttempt<string | URL>,
    options: ReconnectOptions<Socket> | undefined,
    connect: Connect<Socket>,
    onRetry?: (ending: Ending) => void,
  ) {
    this.url = url;
    this.settings = readSettings(options);
    this.connect = connect;
    this.onRetry = onRetry;
    const { signal } = this.settings;
    if (signal?.aborted) this.onAbort();
    else signal?.addEventListener('abort', this.onAbort);
  }

  private get isEnded(): boolean {
    return this.state === 'ENDED';
  }

  /**
   * Ends the connection that there is, and makes the next one.
   * @returns undefined if the peer has closed the last connection with 1000, and after `end`
   * @throws the error of an ending that is fatal; AbortError if the option `signal` is aborted
   */
  async next(): Promise<Socket | undefined> {
    if (this.isEnded) return undefined;
    try {
      await this.leave();
      let socket: Socket | undefined;
      while (socket === undefined && !this.isEnded) {
        await this.pause();
        socket = await this.attempt();
      }
      return socket;
    } catch (error) {
      this.finish();
      if (this.settings.signal?.aborted) throw new AbortError(this.settings.signal);
      if (this.controller.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Ends everything; an open connection with 1000. @returns when the connection is closed */
  async end(): Promise<void> {
    this.finish();
    this.controller.abort();
    const { socket } = this;
    this.socket = undefined;
    socket?.close(CloseCode.NORMAL);
    await socket?.closed;
  }

  private readonly onAbort = (): void => {
    const { signal } = this.settings;
    this.controller.abort(signal?.reason);
    this.socket?.close(CloseCode.NORMAL);
  };

  /** The program wants the next connection, so this one ends. */
  private async leave(): Promise<void> {
    const { controller, settings, socket } = this;
    socket?.close(CloseCode.NORMAL); // without effect after the end
    const closeInfo = await socket?.closed;
    this.socket = undefined;
    if (controller.signal.aborted) throw new AbortError(controller.signal);
    if (closeInfo === undefined) return;
    this.lastInfo = closeInfo;
    if (this.uptime >= settings.minUptime) {
      this.failures = 0;
      this.attempts = 0;
    }
    this.decide({ during: 'connection', error: new CloseError(closeInfo), closeInfo });
  }

  private async pause(): Promise<void> {
    if (this.delay === undefined) return;
    // A delay of 0 is a timer too: else attempts that fail at once would block the event loop.
    this.enter('WAITING');
    await wait(this.delay, this.controller.signal);
  }

  /** @returns undefined if it failed, and another one may follow */
  private async attempt(): Promise<Socket | undefined> {
    const { connect, controller, settings, url } = this;
    this.attempts++;
    this.enter('CONNECTING');
    const info = { attempt: this.attempts, last: this.last };
    const plan = await this.step('prepare', () =>
      this.limit('The functions of the options', () => prepare(url, settings.perAttempt, info)),
    );
    const socket =
      plan && (await this.step('connect', () => connect(plan, settings, controller.signal)));
    return socket && this.open(socket);
  }

  /** @returns undefined if the step failed, and another attempt may follow */
  private async step<T>(during: Ending['during'], run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (this.controller.signal.aborted) throw error;
      this.decide({ during, error: toError(error) });
      return undefined;
    }
  }

  /** Calls `resume`. A connection for which that fails is closed before the next attempt. */
  private async open(socket: Socket): Promise<Socket | undefined> {
    this.socket = socket;
    const openedAt = time.now();
    void socket.closed.then(() => {
      this.uptime = time.now() - openedAt;
    });
    this.enter('RESUMING');
    try {
      await this.limit('The function resume', () => this.resume(socket));
    } catch (error) {
      // A server that did not answer `resume` in time may not answer a Close either.
      if (error instanceof AttemptTimeout) socket.terminate();
      else socket.close(CloseCode.NORMAL);
      const info = await socket.closed;
      this.socket = undefined;
      if (this.controller.signal.aborted) throw error;
      const closeInfo = error instanceof CloseError ? info : undefined;
      this.decide({ during: 'resume', error: toError(error), closeInfo });
      return undefined;
    }
    this.enter('OPEN');
    return socket;
  }

  private async resume(socket: Socket): Promise<void> {
    const { resume } = this.settings;
    if (resume === undefined) return;
    const { attempts: attempt, lastInfo: last } = this;
    // The wall clock may be set back.
    const downtime = last === undefined ? 0 : Math.max(0, time.wallClock() - last.closed);
    const closed = socket.closed.then((info) => Promise.reject(new CloseError(info)));
    const call = async () => resume(socket as never, { attempt, downtime, last }); // it takes a Socket
    await Promise.race([call(), closed]);
  }

  /** @throws AbortError without a call, if everything has ended meanwhile */
  private async limit<T>(what: string, run: () => Promise<T>): Promise<T> {
    const { signal } = this.controller;
    if (signal.aborted) throw new AbortError(signal);
    const { connectTimeout } = this.settings;
    const onTimeout = (): Error => new AttemptTimeout(what, connectTimeout);
    return within(run(), signal, connectTimeout, onTimeout);
  }

  /** Chooses the delay. @throws the error of the ending if there is no next attempt */
  private decide(ending: Ending): void {
    const { classify, maxAttempts } = this.settings;
    const suggested = judge(ending);
    const verdict = classify ? checkVerdict(classify(ending, suggested)) : suggested;
    this.last = ending;
    this.failures++;
    if (verdict === 'fatal' && isNormal(ending)) {
      this.finish();
      return;
    }
    if (verdict === 'fatal' || this.attempts >= maxAttempts) throw ending.error;
    if (verdict === 'retry') this.delay = this.backOff();
    else this.delay = verdict === suggested ? this.obey(verdict.after) : verdict.after;
    this.onRetry?.(ending);
  }

  private backOff(): number {
    return delayAfter(this.failures, this.settings.backoff, time.random());
  }

  /** What a server asks of many clients at once is spread. A short time does not end the back-off. */
  private obey(after: number): number {
    const spread = time.random() * Math.min(after, this.settings.backoff.first);
    return Math.max(after + spread, this.failures > 1 ? this.backOff() : 0);
  }

  private enter(state: ReconnectorState): void {
    if (!this.isEnded) this.state = state;
  }

  private finish(): void {
    this.state = 'ENDED';
    this.settings.signal?.removeEventListener('abort', this.onAbort);
  }
}

/** The peer has closed the connection because nothing is left to do. RFC 6455 §7.4.1. */
function isNormal({ during, closeInfo }: Ending): boolean {
  const isOfPeer = during === 'connection' && closeInfo?.by === 'peer';
  return isOfPeer && closeInfo.received?.code === CloseCode.NORMAL;
}

/** @throws TypeError for a value that is no verdict */
function checkVerdict(verdict: unknown): Verdict {
  if (verdict === 'retry' || verdict === 'fatal') return verdict;
  const after = (verdict as { after?: unknown } | undefined)?.after;
  if (typeof after === 'number' && after >= 0) return verdict as { after: number };
  throw new TypeError(
    `classify() must return 'retry', 'fatal' or { after: milliseconds }: ${describeValue(verdict)} was given`,
  );
}
