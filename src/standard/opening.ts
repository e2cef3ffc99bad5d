/** WHATWG WebSockets §2.1: the opening handshake of a WebSocket, and the wait for its turn. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ClientHandshake } from '../client/establish.js';
import type { HandshakeListener, Negotiated } from '../client/handshake-listener.js';
import { toError } from '../connection/callbacks.js';
import { followHandshake, type HandshakeTrace } from '../connection/handshake-trace.js';
import { time } from '../connection/time.js';
import { HandshakeError } from '../handshake/errors.js';
import { WebSocketError } from '../protocol/errors.js';
import { verdictOn, withoutCredentials } from '../websocket/client-handshake.js';
import { hasBadPort } from './bad-ports.js';
import { HandshakeTurn } from './handshake-queue.js';
import type { Settings } from './options.js';

/** Learns how an opening handshake ended. */
export interface OpeningListener {
  /** The WebSocket. */
  readonly owner: object;
  /** @param extensions the value of the header field, as the server wrote it */
  onEstablished(socket: Duplex, head: Buffer, negotiated: Negotiated, extensions: string): void;
  /** The handshake failed. It is called in a task of its own. */
  onFailed(error: Error): void;
}

/** One opening handshake. */
export class Opening implements HandshakeListener {
  private readonly url: URL;
  private readonly settings: Settings;
  private readonly listener: OpeningListener;
  private readonly turn: HandshakeTurn | undefined;
  private handshake: ClientHandshake | undefined;
  private trace: HandshakeTrace | undefined;
  private extensions = '';

  constructor(url: URL, settings: Settings, listener: OpeningListener) {
    this.url = url;
    this.settings = settings;
    this.listener = listener;
    if (settings.concurrentHandshakes) return;
    this.turn = new HandshakeTurn(url, (hasWaited) => {
      if (hasWaited) this.startLate();
      else this.start();
    });
  }

  /**
   * Starts the opening handshake, or waits for its turn.
   * @throws errors of `http.request` and `finishRequest`
   */
  begin(): void {
    if (hasBadPort(this.url)) this.fail(badPortError(this.url));
    else if (this.turn === undefined) this.start();
    else this.turn.enter();
  }

  /** Ends the handshake, or the wait for it. */
  abort(): void {
    const error = new HandshakeError('CLOSED_EARLY');
    if (this.handshake === undefined) this.fail(error);
    else this.handshake.abort(error);
  }

  /** @throws as {@link begin} */
  private start(): void {
    const { subprotocols, client } = this.settings;
    const url = withoutCredentials(this.url.href);
    this.trace = followHandshake(() => ({ role: 'client', websocket: this.listener.owner, url }));
    const handshake = new ClientHandshake(this.url, subprotocols, client, this);
    this.handshake = handshake;
    try {
      if (this.trace === undefined) handshake.start();
      else this.trace.run(() => handshake.start());
    } catch (error) {
      this.turn?.leave();
      throw error;
    }
  }

  /** The constructor has returned: an exception fails the connection. */
  private startLate(): void {
    try {
      this.start();
    } catch (error) {
      this.fail(toError(error));
    }
  }

  /** WHATWG: the state and the events of a connection that failed follow in a task of their own. */
  private fail(error: Error): void {
    this.turn?.leave();
    time.setImmediate(() => this.listener.onFailed(error));
  }

  onAddress(): void {}

  onRedirect(): void {}

  hasRedirectListener(): boolean {
    return false;
  }

  finishRequest(request: ClientRequest): unknown {
    const { finishRequest } = this.settings.client;
    return finishRequest?.(request, this.listener.owner as never); // the program's own type
  }

  onUpgrade({ headers }: IncomingMessage): void {
    this.extensions = headers['sec-websocket-extensions'] ?? '';
  }

  onUnexpectedResponse(): boolean {
    return false;
  }

  onEstablished(socket: Duplex, head: Buffer, negotiated: Negotiated): void {
    const { listener, trace, extensions } = this;
    const open = (): void => listener.onEstablished(socket, head, negotiated, extensions);
    if (trace === undefined) open();
    else trace.settle({ verdict: 'accepted', status: 101 }, open);
    this.turn?.leave();
  }

  onFailing(): void {
    this.turn?.leave();
  }

  onHandshakeFailed(error: Error): void {
    const fail = (): void => this.fail(error);
    if (this.trace === undefined) fail();
    else this.trace.settle({ ...verdictOn(error), error }, fail);
  }
}

function badPortError({ port }: URL): WebSocketError {
  return new WebSocketError(
    `The port ${port} belongs to another service: no WebSocket may be opened to it`,
    'WS_ERR_BAD_PORT',
  );
}
