/** The options of a client that stays connected: documented, checked, with their defaults. */

import type { ClientOptions } from '../client/options.js';
import { checkFunctions, checkNumbers, warnOfUnknownOptions } from '../connection/check-options.js';
import type { CloseInfo } from '../connection/close-info.js';
import { toTimeout } from '../connection/options.js';
import { isSignal } from '../websocket/events.js';
import { type Backoff, type BackoffOptions, DEFAULT_BACKOFF } from './backoff.js';
import type { Ending, Verdict } from './verdict.js';

const DEFAULT_CONNECT_TIMEOUT = 10_000;
const DEFAULT_MIN_UPTIME = 5000;

/** What is known before an attempt. */
export interface AttemptInfo {
  /** 1 for the first attempt. It counts on until a connection has lasted `minUptime`. */
  readonly attempt: number;
  /** Why there is no connection; undefined before the first attempt. */
  readonly last: Ending | undefined;
}

/** The second argument of `resume`: facts about a new connection. */
export interface ResumeInfo {
  /** How many attempts it took. */
  readonly attempt: number;
  /** How long there was no connection, in milliseconds; 0 for the first connection. */
  readonly downtime: number;
  /** How the connection before ended; undefined for the first one. */
  readonly last: CloseInfo | undefined;
}

/** A value, or a function that returns it, or a promise of it, for each attempt. */
export type PerAttempt<T> = T | ((info: AttemptInfo) => T | PromiseLike<T>);

/** The options of `reconnect` and `ReconnectingWebSocket`, beside those of a client. */
export interface ReconnectOptions<Socket = unknown>
  extends Omit<ClientOptions, 'headers' | 'handshakeTimeout' | 'protocols' | 'signal'> {
  /** The subprotocols that the client offers. RFC 6455 §1.9. */
  protocols?: PerAttempt<string | string[] | undefined>;
  /** Header fields of the request, beside those of the handshake. */
  headers?: PerAttempt<ClientOptions['headers']>;
  /** A token that is sent as `Authorization: Bearer …`. RFC 6750 §2.1. */
  token?: PerAttempt<string | undefined>;
  /** How long to wait between attempts. */
  backoff?: BackoffOptions | undefined;
  /** How long an attempt may take, in milliseconds, and then `resume`; 0 for no limit. Default 10 000. */
  connectTimeout?: number | undefined;
  /** How long a connection must last, in milliseconds, before delays begin anew. Default 5000. */
  minUptime?: number | undefined;
  /** How many attempts in a row may fail. Default: no limit. */
  maxAttempts?: number | undefined;
  /** Decides whether to connect again; `suggested` is what is done without this option. */
  classify?: ((ending: Ending, suggested: Verdict) => Verdict) | undefined;
  /**
   * Called with each new connection before the program gets it: to log in, to subscribe, to ask for what
   * was missed. If its promise is rejected, the attempt has failed.
   */
  resume?: ((socket: Socket, info: ResumeInfo) => unknown) | undefined;
  /** Ends everything: attempts, waiting, and an open connection with 1000. */
  signal?: AbortSignal | undefined;
}

/** {@link ReconnectOptions}, checked, with their defaults. */
export interface Settings {
  /** What `prepare` reads. */
  readonly perAttempt: Pick<ReconnectOptions, 'protocols' | 'headers' | 'token'>;
  readonly backoff: Backoff;
  readonly connectTimeout: number;
  readonly minUptime: number;
  readonly maxAttempts: number;
  readonly classify: ReconnectOptions['classify'];
  readonly resume: ReconnectOptions<never>['resume'];
  readonly signal: AbortSignal | undefined;
  /** The options of each connection. */
  readonly client: ClientOptions;
}

const NUMBERS = {
  connectTimeout: 'a number of milliseconds',
  minUptime: 'a number of milliseconds',
  maxAttempts: 'a number of attempts',
} as const;

const BACKOFF_NUMBERS = {
  first: 'a number of milliseconds',
  base: 'a number of milliseconds',
  factor: 'a number',
  max: 'a number of milliseconds',
} as const;

/** Checks the options, and adds the defaults. */
export function readSettings<Socket>(given: ReconnectOptions<Socket> | undefined): Settings {
  const { protocols, headers, token, backoff, connectTimeout, minUptime, maxAttempts, ...rest } =
    given ?? {};
  const { classify, resume, signal, ...client } = rest;
  checkNumbers({ connectTimeout, minUptime, maxAttempts }, NUMBERS);
  checkFunctions({ classify, resume }, ['classify', 'resume']);
  return {
    perAttempt: { protocols, headers, token },
    backoff: readBackoff(backoff),
    connectTimeout: toTimeout(connectTimeout, DEFAULT_CONNECT_TIMEOUT),
    minUptime: minUptime ?? DEFAULT_MIN_UPTIME,
    maxAttempts: maxAttempts ?? Number.POSITIVE_INFINITY,
    classify,
    resume: resume as Settings['resume'],
    signal: isSignal(signal) ? signal : undefined,
    client,
  };
}

function readBackoff(given: BackoffOptions | undefined): Backoff {
  const options = given ?? {};
  checkNumbers(options, BACKOFF_NUMBERS);
  warnOfUnknownOptions(options, Object.keys(BACKOFF_NUMBERS), 'backoff');
  const { first, base, factor, max } = options;
  return {
    first: first ?? DEFAULT_BACKOFF.first,
    base: base ?? DEFAULT_BACKOFF.base,
    factor: factor ?? DEFAULT_BACKOFF.factor,
    max: max ?? DEFAULT_BACKOFF.max,
  };
}
