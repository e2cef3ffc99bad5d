/** WebSocketStream draft §2.3: the state of one WebSocketStream: opening handshake, streams, the end. */

import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { Negotiated } from '../client/handshake-listener.js';
import { type CloseInfo, describeFailure } from '../connection/close-info.js';
import { DEFAULTS, toLimit } from '../connection/options.js';
import { type Close, CloseCode } from '../protocol/close.js';
import type { Session } from '../websocket/session.js';
import { closeSession, EMPTY_CLOSE, type StreamRules, Streams } from '../websocket/streams.js';
import { sessionOf, WebSocket } from '../websocket/websocket.js';
import { Opening, type OpeningListener } from './opening.js';
import type { StreamClose, WebSocketConnection } from './stream-interface.js';
import type { StreamSettings } from './stream-options.js';
import { type CheckedClose, connectionError, WebSocketError } from './websocket-error.js';

/** A promise that nobody needs to handle. */
class Outcome<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void; // the executor sets both
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A program that awaits one of the two promises does not end for the other.
    this.promise.catch(ignore);
  }
}

/** Connects a WebSocketStream to its handshake, and then to the streams of a connection. */
export class StreamSession implements OpeningListener, StreamRules {
  readonly opened = new Outcome<WebSocketConnection>();
  readonly closed = new Outcome<StreamClose>();
  readonly url: string;
  /** The WebSocketStream. */
  owner: object;
  private settings: StreamSettings | undefined;
  private opening: Opening | undefined;
  private session: Session | undefined;

  constructor(owner: object, url: string) {
    this.owner = owner;
    this.url = url;
  }

  /** Starts the opening handshake, unless the signal was aborted. @throws as `Opening.begin` */
  connect(url: URL, settings: StreamSettings): void {
    const { signal } = settings;
    if (signal?.aborted) {
      this.reject(signal.reason);
      return;
    }
    this.settings = settings;
    this.opening = new Opening(url, settings, this);
    this.opening.begin();
    signal?.addEventListener('abort', this.onAbort);
  }

  /** Takes the messages of an open connection. @throws as `toStream` of a WebSocket */
  start(ws: WebSocket, extensions: string): void {
    const session = sessionOf(ws);
    const { readable, writable } = new Streams(ws, session, this);
    this.session = session;
    this.opened.resolve({ readable, writable, extensions, protocol: session.subprotocol });
  }

  close(info: CheckedClose): void {
    if (this.session !== undefined) closeSession(this.session, toClose(info));
    else this.opening?.abort();
  }

  private readonly onAbort = (): void => {
    const signal = this.settings?.signal;
    this.ignoreSignal();
    this.opening?.abort();
    this.reject(signal?.reason);
  };

  private ignoreSignal(): void {
    this.settings?.signal?.removeEventListener('abort', this.onAbort);
  }

  private reject(error: unknown): void {
    this.opened.reject(error);
    this.closed.reject(error);
  }

  // Called by the opening handshake:

  onEstablished(
    socket: Duplex,
    head: Buffer,
    { subprotocol, extension }: Negotiated,
    extensions: string,
  ): void {
    this.ignoreSignal();
    this.opening = undefined;
    const client = { ...this.settings?.client, unheardErrors: 'close' } as const;
    const ws = new WebSocket(null, undefined, { ...client, isServer: false });
    const session = sessionOf(ws);
    session.subprotocol = subprotocol;
    session.extension = extension;
    session.address = { url: this.url, redirects: 0 };
    ws.once('open', () => this.start(ws, extensions));
    ws.setSocket(socket, head, {
      ...client,
      maxPayload: toLimit(client.maxPayload, DEFAULTS.maxPayload),
      maxFragments: toLimit(client.maxFragments, DEFAULTS.maxFragments),
    });
  }

  onFailed(error: Error): void {
    this.ignoreSignal();
    this.opening = undefined;
    this.reject(this.errorFor(describeFailure(error)));
  }

  // Called by the streams:

  closeFor(reason: unknown): Close {
    if (!(reason instanceof WebSocketError)) return EMPTY_CLOSE;
    const { closeCode } = reason;
    return toClose({ closeCode: closeCode ?? undefined, reason: reason.reason });
  }

  errorFor({ received, error, by, cause }: CloseInfo): WebSocketError {
    if (received !== undefined) {
      const message = `The connection was closed with ${received.code} before everything was sent`;
      return connectionError(message, received.code, received.reason, error);
    }
    const message = `The connection failed (by ${by}: ${error?.message ?? cause})`;
    return connectionError(message, CloseCode.ABNORMAL, '', error);
  }

  onEnd({ received }: CloseInfo, error: Error | undefined): void {
    if (error !== undefined) this.closed.reject(error);
    else {
      const { code = CloseCode.NO_STATUS, reason = '' } = received ?? {};
      this.closed.resolve({ closeCode: code, reason });
    }
  }
}

function toClose({ closeCode = CloseCode.NO_STATUS, reason }: CheckedClose): Close {
  return { code: closeCode, reason: Buffer.from(reason) };
}

function ignore(): void {}
