/** `measureRoundTrip`: a Ping, and a promise of the time until its Pong. RFC 6455 §5.5.3. */

import { checkNumbers } from '../connection/check-options.js';
import type { Connection } from '../connection/connection.js';
import { toTimeout } from '../connection/options.js';
import { type RoundTripListener, type SentPing, sendPing } from '../connection/round-trip.js';
import { type Timer, time } from '../connection/time.js';
import { WebSocketError } from '../protocol/errors.js';
import type { MeasureOptions } from './api.js';
import { isSignal } from './events.js';

const DEFAULT_TIMEOUT = 20_000;

/** @throws what `measureRoundTrip` of a WebSocket rejects with */
export function measureRoundTrip(
  connection: Connection | undefined,
  options: MeasureOptions | undefined,
): Promise<number> {
  const { signal } = options ?? {};
  checkNumbers(options ?? {}, { timeout: 'a number of milliseconds' });
  if (isSignal(signal)) signal.throwIfAborted();
  const timeout = toTimeout(options?.timeout, DEFAULT_TIMEOUT);
  return new Promise((resolve, reject) => {
    new Measurement(resolve, reject, signal ?? undefined).start(connection, timeout);
  });
}

/** One call. It ends once: with the Pong, the time limit, the signal or the connection. */
class Measurement implements RoundTripListener {
  private readonly resolve: (milliseconds: number) => void;
  private readonly reject: (reason: unknown) => void;
  private readonly signal: AbortSignal | undefined;
  private ping: SentPing | undefined;
  private timer: Timer | undefined;

  constructor(
    resolve: (milliseconds: number) => void,
    reject: (reason: unknown) => void,
    signal: AbortSignal | undefined,
  ) {
    this.resolve = resolve;
    this.reject = reject;
    this.signal = signal;
  }

  start(connection: Connection | undefined, timeout: number): void {
    this.timer = time.setTimeout(() => this.onTimeout(timeout), timeout);
    this.timer.unref();
    this.signal?.addEventListener('abort', this.onAbort);
    this.ping = connection && sendPing(connection, this);
    if (this.ping === undefined) this.onClosed();
  }

  onRoundTrip(milliseconds: number): void {
    this.end();
    this.resolve(milliseconds);
  }

  onClosed(): void {
    this.end();
    this.reject(new WebSocketError('The WebSocket is not open', 'WS_ERR_NOT_OPEN'));
  }

  private onTimeout(timeout: number): void {
    this.end();
    const message = `No Pong was received within ${timeout} ms`;
    this.reject(new WebSocketError(message, 'WS_ERR_PONG_TIMEOUT'));
  }

  private readonly onAbort = (): void => {
    this.end();
    this.reject(this.signal?.reason);
  };

  private end(): void {
    time.clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.onAbort);
    if (this.ping !== undefined) this.ping.listener = undefined;
  }
}
