/** The options and the report of `shutdown`, documented, and the check of the options. */

import { Buffer } from 'node:buffer';
import {
  checkFunctions,
  checkNumbers,
  describeValue,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { CloseCode, isCloseCode } from '../protocol/close.js';
import { MAX_CLOSE_REASON } from '../protocol/frame.js';

/** How a server shuts down. */
export interface ShutdownOptions {
  /** The code of each Close. Default 1001, "going away". RFC 6455 §7.4.1. */
  code?: number | undefined;
  /** The reason of each Close. Default: none. */
  reason?: string | undefined;
  /**
   * How long clients are still accepted, in milliseconds, so that load balancers notice the event
   * 'draining' before clients are refused. Default 0.
   */
  lameDuck?: number | undefined;
  /**
   * The period in which the connections are closed, in milliseconds. They are closed at even distances
   * and in random order, so that the clients do not reconnect at once. Default 0: one after the other.
   */
  spread?: number | undefined;
  /**
   * The time limit of the shutdown, in milliseconds. After it the rest is dropped. `closeTimeout` limits
   * each closing handshake as always. Default 30 000.
   */
  timeout?: number | undefined;
  /**
   * When clients should reconnect, in seconds: a number, or a range. Each connection gets its own delay
   * from the range, in the reason of its Close: `retry-after=17.3`, or `deploy; retry-after=17.3` with a
   * `reason`. Refused clients get theirs in `Retry-After`, in whole seconds. Default: none in the Close, 1 in `Retry-After`.
   */
  retryAfter?: number | readonly [min: number, max: number] | undefined;
  /** When it is aborted, the rest is dropped at once. Default: none. */
  signal?: AbortSignal | undefined;
  /**
   * Called when connections were closed or have ended, at most once in a turn of the event loop. An
   * exception is a process warning. Default: none.
   */
  onProgress?: ((progress: ShutdownProgress) => void) | undefined;
}

/** The state of a shutdown in progress. */
export interface ShutdownProgress {
  /** Connections that have not ended. */
  readonly open: number;
  /** Connections that have ended so far. */
  readonly closed: number;
  /** How many of these were dropped. */
  readonly terminated: number;
  /** Milliseconds since the shutdown began. */
  readonly ms: number;
}

/** What a shutdown has done. */
export interface ShutdownReport {
  /** Connections that have ended since the shutdown began. */
  readonly closed: number;
  /** Those of them with a complete closing handshake. */
  readonly clean: number;
  /** Those of them that were dropped, at the time limit or by `signal`. */
  readonly terminated: number;
  /** Clients that were refused because of the shutdown. */
  readonly refused: number;
  /** How long the shutdown took, in milliseconds. */
  readonly ms: number;
}

const TIMES = {
  lameDuck: 'a number of milliseconds',
  spread: 'a number of milliseconds',
  timeout: 'a number of milliseconds',
} as const;

const SHUTDOWN_OPTIONS: readonly string[] = [
  ...Object.keys(TIMES),
  'code',
  'onProgress',
  'reason',
  'retryAfter',
  'signal',
];

/**
 * Checks the options of `shutdown`.
 * @throws TypeError for a value of the wrong type; RangeError for a value out of range
 */
export function checkShutdownOptions(options: ShutdownOptions): void {
  if (typeof options !== 'object' || options === null) {
    const given = describeValue(options);
    throw new TypeError(`The options of shutdown() must be an object: ${given} was given`);
  }
  warnOfUnknownOptions(options, SHUTDOWN_OPTIONS, 'shutdown()');
  checkNumbers(options, TIMES);
  checkFunctions(options, ['onProgress']);
  checkCloseCode('code', options.code);
  checkRetryAfter(options.retryAfter);
  checkReason(options);
  checkSignal(options.signal);
}

/** @throws RangeError for a number that no Close may have; TypeError for another type */
export function checkCloseCode(name: string, code: unknown): void {
  if (code === undefined || isCloseCode(code as number)) return;
  const ErrorClass = typeof code === 'number' ? RangeError : TypeError;
  throw new ErrorClass(
    `The option ${name} must be a close code, such as ${CloseCode.SERVICE_RESTART}: ` +
      `${describeValue(code)} was given`,
  );
}

function checkRetryAfter(value: unknown): void {
  if (value === undefined) return;
  const range: readonly unknown[] = Array.isArray(value) ? value : [value, value];
  const [min, max] = range;
  const areNumbers = range.length === 2 && typeof min === 'number' && typeof max === 'number';
  if (areNumbers && min >= 0 && max >= min && max < Infinity) return;
  const ErrorClass = areNumbers ? RangeError : TypeError;
  throw new ErrorClass(
    'The option retryAfter must be a number of seconds, or a range [min, max] of them: ' +
      `${describeValue(value)} was given`,
  );
}

function checkReason({ reason = '', retryAfter }: ShutdownOptions): void {
  if (typeof reason !== 'string') {
    throw new TypeError(`The option reason must be a string: ${describeValue(reason)} was given`);
  }
  const longest = retryAfter === undefined ? undefined : Math.max(...[retryAfter].flat());
  if (Buffer.byteLength(closeReason(reason, longest)) <= MAX_CLOSE_REASON) return;
  throw new RangeError(
    `The option reason must have at most ${MAX_CLOSE_REASON} bytes, together with the delay of ` +
      `retryAfter: ${describeValue(reason)} was given`,
  );
}

/** Signals of other realms and of packages are accepted. */
function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return;
  throw new TypeError(
    `The option signal must be an AbortSignal: ${describeValue(signal)} was given`,
  );
}

/** The reason of a Close. @param delay when the client should reconnect, in seconds */
export function closeReason(reason: string, delay: number | undefined): string {
  if (delay === undefined) return reason;
  const hint = `retry-after=${delay.toFixed(1)}`;
  return reason === '' ? hint : `${reason}; ${hint}`;
}
