/** The opening handshake of a client: what its WebSocket emits, and what is published of it. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ClientHandshake } from '../client/establish.js';
import type { HandshakeListener, Negotiated } from '../client/handshake-listener.js';
import { followHandshake, type HandshakeTrace } from '../connection/handshake-trace.js';
import { DEFAULTS, toLimit } from '../connection/options.js';
import { HandshakeError } from '../handshake/errors.js';
import type { Session } from './session.js';

/** Receives the events of an opening handshake for a session. */
class SessionHandshake implements HandshakeListener {
  private readonly session: Session;
  /** undefined if nobody follows. */
  readonly trace: HandshakeTrace | undefined;

  constructor(session: Session, url: string) {
    this.session = session;
    this.trace = followHandshake(() => {
      return { role: 'client', websocket: session.owner, url: withoutCredentials(url) };
    });
  }

  onAddress(url: string, redirects: number): void {
    this.session.address = { url, redirects };
  }

  onRedirect(url: string, request: ClientRequest): void {
    this.session.owner.emit('redirect', url, request);
  }

  hasRedirectListener(): boolean {
    return this.session.owner.listenerCount('redirect') > 0;
  }

  finishRequest(request: ClientRequest): unknown {
    const { options, owner } = this.session;
    return options.finishRequest?.(request, owner as never); // the program's own type
  }

  onUpgrade(response: IncomingMessage): void {
    this.session.owner.emit('upgrade', response);
  }

  onUnexpectedResponse(request: ClientRequest, response: IncomingMessage): boolean {
    return this.session.owner.emit('unexpected-response', request, response);
  }

  onEstablished(socket: Duplex, head: Buffer, negotiated: Negotiated): void {
    const { session } = this;
    session.handshake = undefined;
    session.subprotocol = negotiated.subprotocol;
    session.extension = negotiated.extension;
    const { maxPayload, maxFragments } = session.options;
    const open = (): void =>
      session.owner.setSocket(socket, head, {
        ...session.options,
        maxPayload: toLimit(maxPayload, DEFAULTS.maxPayload),
        maxFragments: toLimit(maxFragments, DEFAULTS.maxFragments),
      });
    if (this.trace === undefined) open();
    else this.trace.settle({ ...this.place, verdict: 'accepted', status: 101 }, open);
  }

  onFailing(): void {
    this.session.onFailing();
  }

  onHandshakeFailed(error: Error): void {
    const fail = (): void => this.session.onHandshakeFailed(error);
    if (this.trace === undefined) fail();
    else this.trace.settle({ ...this.place, ...verdictOn(error), error }, fail);
  }

  /** The URL after redirects. */
  private get place(): { url?: string } {
    const { address } = this.session;
    return address === undefined ? {} : { url: withoutCredentials(address.url) };
  }
}

/** RFC 3986 §3.2.1: a user name and a password do not belong in traces and logs. */
export function withoutCredentials(url: string): string {
  return url.replace(/^(\w+:)?([/\\]*)[^/\\?#]*@/, '$1$2');
}

/** What the trace of a failed handshake says. */
export function verdictOn(error: Error): { verdict: 'refused' | 'failed'; status?: number } {
  const status = error instanceof HandshakeError ? error.status : 0;
  return status === 0 ? { verdict: 'failed' } : { verdict: 'refused', status };
}

/**
 * Starts the opening handshake of a client.
 * @throws SyntaxError for an address that is no WebSocket URL, and errors of `http.request`
 */
export function connect(
  session: Session,
  address: string | URL,
  subprotocols: readonly string[],
): void {
  const events = new SessionHandshake(session, String(address));
  const handshake = new ClientHandshake(address, subprotocols, session.options, events);
  session.handshake = handshake;
  if (events.trace === undefined) handshake.start();
  else events.trace.run(() => handshake.start());
}
