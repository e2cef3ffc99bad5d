/** RFC 6455 §4.1: the opening handshake of a client: requests, redirects, deadline. */

import type * as http from 'node:http';
import type { Duplex } from 'node:stream';
import { isThenable, toError } from '../connection/callbacks.js';
import { toTimeout } from '../connection/options.js';
import { type Timer, time } from '../connection/time.js';
import { zlibPool } from '../connection/zlib.js';
import {
  buildRequest,
  type Request,
  type ServerResponse,
  validateResponse,
} from '../handshake/client.js';
import { HandshakeError, type Refusal } from '../handshake/errors.js';
import { formatExtension, newKey } from '../handshake/fields.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import type { PerMessageDeflateOptions } from '../permessage-deflate/options.js';
import { deflateOptions } from '../permessage-deflate/options.js';
import { acceptResponse, makeOffer } from '../permessage-deflate/parameters.js';
import { createRequest } from './create-request.js';
import { explainError } from './explain-error.js';
import type { HandshakeListener, Negotiated } from './handshake-listener.js';
import { type ClientOptions, DEFAULT_HANDSHAKE_TIMEOUT, DEFAULT_MAX_REDIRECTS } from './options.js';
import { isSameHost, mayReceiveCredentials, readLocation, removeCredentials } from './redirect.js';
import { readRefusal } from './refusal-body.js';
import { type Address, credentialsOf, readAddress } from './url.js';

/** One opening handshake: a request, and one more for each redirect. */
export class ClientHandshake {
  /** The current request. */
  request: http.ClientRequest | undefined;
  /** The number of redirects followed. */
  redirects = 0;
  private readonly subprotocols: readonly string[];
  private readonly options: ClientOptions;
  /** undefined if permessage-deflate is not offered. */
  private readonly deflate: PerMessageDeflateOptions | undefined;
  private readonly listener: HandshakeListener;
  private readonly headers: http.OutgoingHttpHeaders;
  private auth: string | undefined;
  private readonly initialAddress: Address;
  private isOver = false;
  private socket: Duplex | undefined;
  private deadline: Timer | undefined;

  /** @throws SyntaxError if the address is not a valid WebSocket URL */
  constructor(
    address: string | URL,
    subprotocols: readonly string[],
    options: ClientOptions,
    listener: HandshakeListener,
  ) {
    this.initialAddress = readAddress(address);
    this.subprotocols = subprotocols;
    this.options = options;
    this.deflate = deflateOptions(options.perMessageDeflate, true);
    this.listener = listener;
    this.headers = { ...options.headers };
    this.auth = credentialsOf(this.initialAddress.url) ?? (options.auth || undefined);
  }

  /** Sends the first request. @throws any error of `http.request` and `finishRequest` */
  start(): void {
    try {
      this.finishRequest(this.connect(this.initialAddress));
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  // RFC 6455 §7.2.1 MUST: a client that fails the handshake fails the connection as in §7.1.7.
  /** Fails the handshake. `onHandshakeFailed` is called in the next tick. */
  abort(error: Error): void {
    if (this.isOver) return;
    this.listener.onFailing();
    this.destroy();
    time.nextTick(() => this.listener.onHandshakeFailed(error));
  }

  private destroy(): void {
    this.finish();
    this.request?.destroy();
    this.socket?.destroy();
  }

  private fail(refusal: Refusal, status?: number, detail?: string | number): void {
    this.abort(new HandshakeError(refusal, status, detail));
  }

  private finish(): void {
    this.isOver = true;
    time.clearTimeout(this.deadline);
  }

  // RFC 6455 §4.1 MUST: a client opens a connection, sends a handshake and reads the response.
  /** Creates the request to one address. @throws any error of `http.request` */
  private connect(address: Address): http.ClientRequest {
    this.listener.onAddress(address.url.href, this.redirects);
    const key = newKey(); // RFC 6455 §4.1 MUST: each connection has a new key.
    const request = this.createRequest(address, key);
    this.request = request;
    this.startDeadline();
    // RFC 6455 §4.1 MUST: if TCP or TLS fails, the connection fails.
    request.on('error', (error) => {
      if (this.request === request) this.abort(this.explain(address, request, error));
    });
    request.on('response', (response) => this.onResponse(address, key, request, response));
    request.on('upgrade', (response, socket, head) => this.onUpgrade(key, response, socket, head));
    return request;
  }

  /** Adds the probable cause to an error of the request. */
  private explain(
    { secure, socketPath }: Address,
    request: http.ClientRequest,
    error: Error,
  ): Error {
    const isLocal = request.destroyed; // this end destroyed it, so the server did not cause the error
    const isOfProxy = this.options.proxy && request.socket === null;
    if (isLocal || isOfProxy || socketPath !== undefined) return error;
    return explainError({ error, secure });
  }

  /** Sends the request. A rejection of `finishRequest` fails the handshake. @throws its exceptions */
  private finishRequest(request: http.ClientRequest): void {
    if (!this.options.finishRequest) {
      request.end();
      return;
    }
    const result = this.listener.finishRequest(request);
    if (isThenable(result)) {
      result.then(undefined, (reason: unknown) => this.abort(toError(reason)));
    }
  }

  /** Calls a listener of the program. An exception fails the handshake, and is rethrown. */
  private callListener(step: () => void): void {
    let threw = true;
    try {
      step();
      threw = false;
    } finally {
      if (threw) this.fail('CLOSED_EARLY');
    }
  }

  private createRequest(address: Address, key: string): http.ClientRequest {
    const { auth, options } = this;
    const handshake = Object.fromEntries(buildRequest(this.requestFor(key), options.origin));
    return createRequest({
      address,
      options,
      auth,
      headers: { ...this.headers, ...handshake },
      onTunnel: (socket) => {
        this.socket = socket;
      },
    });
  }

  /** Starts the time limit for the whole response. Partial data does not extend it. */
  private startDeadline(): void {
    time.clearTimeout(this.deadline);
    if (this.timeout === 0) return;
    this.deadline = time.setTimeout(() => this.fail('HANDSHAKE_TIMEOUT'), this.timeout);
  }

  private get timeout(): number {
    return toTimeout(this.options.handshakeTimeout, DEFAULT_HANDSHAKE_TIMEOUT);
  }

  private onUpgrade(
    key: string,
    response: http.IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    socket.on('error', ignore);
    this.socket = socket;
    if (this.isOver) {
      socket.destroy();
      return;
    }
    this.callListener(() => this.listener.onUpgrade(response));
    if (this.isOver) return;
    const result = this.validate(key, response);
    if (result instanceof HandshakeError) {
      this.abort(result);
      return;
    }
    this.finish();
    this.listener.onEstablished(socket, head, result);
    socket.removeListener('error', ignore);
  }

  private validate(key: string, response: http.IncomingMessage): Negotiated | HandshakeError {
    const result = validateResponse(response, this.requestFor(key));
    return result instanceof HandshakeError ? result : this.negotiate(result);
  }

  // RFC 6455 §5.8 MUST: an extension is negotiated in the opening handshake.
  // RFC 7692 §5.1: a response that the offer does not allow fails the connection.
  private negotiate({ subprotocol, extensions }: ServerResponse): Negotiated | HandshakeError {
    const [extension] = extensions; // at most one: only permessage-deflate is offered
    if (extension === undefined) return { subprotocol, extension };
    const { deflate = {} } = this;
    const negotiation = acceptResponse(extension, deflate);
    if (negotiation === undefined) return new HandshakeError('INVALID_EXTENSIONS_RESPONSE', 101);
    return {
      subprotocol,
      extension: new PerMessageDeflate('client', negotiation, deflate, zlibPool),
    };
  }

  private requestFor(key: string): Request {
    const extensions = this.deflate ? formatExtension(makeOffer(this.deflate)) : '';
    return { key, subprotocols: this.subprotocols, extensions };
  }

  private onResponse(
    address: Address,
    key: string,
    request: http.ClientRequest,
    response: http.IncomingMessage,
  ): void {
    if (this.isOver || this.request !== request) return;
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (this.options.followRedirects && location && status >= 300 && status < 400) {
      this.redirect(address, request, response, location);
      return;
    }
    // The deadline continues: the listener may do nothing.
    if (this.passToApplication(request, response)) return;
    if (status === 101) this.fail101(key, response);
    else this.refused(status, response);
  }

  /** The server refused. The error carries its response, so the body is read first. */
  private refused(status: number, response: http.IncomingMessage): void {
    this.listener.onFailing();
    this.finish();
    readRefusal(response, status, this.timeout, (error) => {
      this.destroy();
      time.nextTick(() => this.listener.onHandshakeFailed(error));
    });
  }

  /** @returns whether the application handles the response */
  private passToApplication(request: http.ClientRequest, response: http.IncomingMessage): boolean {
    let isHandled = false;
    // An agent reuses the socket after the response. Without an agent it is closed here.
    if (!this.options.agent) {
      const { socket } = response;
      this.socket = socket;
      request.once('close', () => socket.destroy());
    }
    this.callListener(() => {
      isHandled = this.listener.onUnexpectedResponse(request, response);
    });
    return isHandled;
  }

  /** For `node:http` a 101 without valid Upgrade and Connection fields is an ordinary response. */
  private fail101(key: string, response: http.IncomingMessage): void {
    const result = this.validate(key, response);
    if (result instanceof HandshakeError) this.abort(result);
    else this.fail('UNEXPECTED_RESPONSE', 101, 101);
  }

  private redirect(
    from: Address,
    request: http.ClientRequest,
    response: http.IncomingMessage,
    location: string,
  ): void {
    if (++this.redirects > (this.options.maxRedirects ?? DEFAULT_MAX_REDIRECTS)) {
      this.fail('TOO_MANY_REDIRECTS');
      return;
    }
    this.request = undefined;
    request.destroy();
    const to = readLocation(location, from, response.statusCode ?? 0);
    if (to instanceof Error) this.abort(to);
    else this.follow(to);
  }

  private follow(to: Address): void {
    const { initialAddress: first } = this;
    if (!this.listener.hasRedirectListener() && !mayReceiveCredentials(first, to)) {
      this.auth = undefined;
      removeCredentials(this.headers, to.url, isSameHost(first, to));
    }
    // Credentials of the program take precedence over those of the Location.
    this.auth ??= credentialsOf(to.url);
    const request = this.abortOnThrow(() => this.connect(to));
    if (request === undefined) return;
    this.callListener(() => this.listener.onRedirect(to.url.href, request));
    if (!this.isOver) this.abortOnThrow(() => this.finishRequest(request));
  }

  /** After a redirect the constructor has returned, so an exception fails the handshake. */
  private abortOnThrow<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      this.abort(toError(error));
      return undefined;
    }
  }
}

function ignore(): void {}
