/** `WebSocket.connect`: an opening handshake as a promise. RFC 6455 §4.1. */

import type { EventEmitter } from 'node:events';
import type { ClientOptions } from '../client/options.js';
import { checkNumbers, checkWord } from '../connection/check-options.js';
import type { CloseInfo } from '../connection/close-info.js';
import { MAX_TIMEOUT, toTimeout } from '../connection/options.js';
import { type Timer, time } from '../connection/time.js';
import { HandshakeError } from '../handshake/errors.js';
import { AbortError } from './abort-error.js';
import { CloseError } from './close-error.js';
import { isSignal } from './events.js';
import { Inbox } from './inbox.js';
import type { ConnectOptions } from './iteration-api.js';
import type { Session } from './session.js';

const DEFAULT_TIMEOUT = 30_000;

type Options = ClientOptions & ConnectOptions;

/** A WebSocket, as far as it is used here. */
interface Connecting extends EventEmitter {
  readonly closeInfo: CloseInfo | undefined;
  close(code: number): void;
}

/** The class, or a subclass. */
type SocketClass<Socket> = new (
  address: string | URL,
  protocols: string | string[] | undefined,
  options: ClientOptions,
) => Socket;

/** Implements `WebSocket.connect`. It rejects with what the constructor throws, too. */
export async function connectSocket<Socket extends Connecting>(
  Class: SocketClass<Socket>,
  sessionOf: (ws: Socket) => Session,
  address: string | URL,
  protocols: string | string[] | Options | undefined,
  given: Options | undefined,
): Promise<Socket> {
  const isList = !protocols || typeof protocols === 'string' || Array.isArray(protocols);
  const { signal, signalScope, timeout, ...rest } = (isList ? given : protocols) ?? {};
  checkNumbers({ timeout }, { timeout: 'a number of milliseconds' });
  checkWord({ signalScope }, 'signalScope', ['connect', 'connection']);
  const abortSignal = isSignal(signal) ? signal : undefined;
  if (abortSignal?.aborted) throw new AbortError(abortSignal);
  if (address === null) throw new TypeError('connect() needs the URL of a server: null was given');
  // An error after the handshake is in `closeInfo` and the error of the iteration.
  const options = { handshakeTimeout: 0, unheardErrors: 'close', ...rest } as const;
  const ws = new Class(address, isList ? protocols : undefined, options);
  const attempt = new Attempt(ws, sessionOf(ws), abortSignal, signalScope === 'connection');
  return attempt.start(toTimeout(timeout, DEFAULT_TIMEOUT));
}

/** One opening handshake. */
class Attempt<Socket extends Connecting> {
  private readonly ws: Socket;
  private readonly session: Session;
  private readonly signal: AbortSignal | undefined;
  private readonly endsConnection: boolean;
  private timer: Timer | undefined;

  constructor(
    ws: Socket,
    session: Session,
    signal: AbortSignal | undefined,
    endsConnection: boolean,
  ) {
    this.ws = ws;
    this.session = session;
    this.signal = signal;
    this.endsConnection = endsConnection;
  }

  start(timeout: number): Promise<Socket> {
    const { session, signal } = this;
    const ws: EventEmitter = this.ws;
    // What arrives before the program listens or iterates is held.
    Inbox.of(ws, session);
    if (timeout > 0 && timeout < MAX_TIMEOUT) {
      this.timer = time.setTimeout(
        () => this.fail(new HandshakeError('HANDSHAKE_TIMEOUT')),
        timeout,
      );
    }
    signal?.addEventListener('abort', this.onAbort);
    return new Promise((resolve, reject) => {
      ws.once('error', reject);
      const onClosed = (): void => {
        this.end();
        signal?.removeEventListener('abort', this.onAbort);
        reject(new CloseError(this.ws.closeInfo as never)); // without effect after 'error'
      };
      ws.prependOnceListener('close', onClosed);
      ws.prependOnceListener('open', () => {
        this.end();
        ws.removeListener('error', reject);
        if (!this.endsConnection) {
          signal?.removeEventListener('abort', this.onAbort);
          ws.removeListener('close', onClosed);
        }
        resolve(this.ws);
      });
    });
  }

  private readonly onAbort = (): void => {
    const { session, signal } = this;
    signal?.removeEventListener('abort', this.onAbort);
    if (session.connection === undefined)
      this.fail(new AbortError(signal as AbortSignal)); // it called this
    else this.ws.close(1000);
  };

  private fail(error: Error): void {
    this.end();
    this.session.handshake?.abort(error);
  }

  private end(): void {
    time.clearTimeout(this.timer);
  }
}
