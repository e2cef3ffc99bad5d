/** RFC 6455 §4.1: the client's opening handshake on the wire: URL, request, redirects, deadline. */

import * as http from 'node:http';
import * as https from 'node:https';
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
import { connectorFor } from './create-connection.js';
import { explainError } from './explain-error.js';
import type { HandshakeListener, Negotiated } from './handshake-listener.js';
import { type ClientOptions, DEFAULT_MAX_REDIRECTS } from './options.js';
import { isSameHost, mayReceiveCredentials, readLocation, removeCredentials } from './redirect.js';
import { type Address, credentialsOf, readAddress } from './url.js';

/** One opening handshake, over as many hops as redirects make it take. */
export class Establishment {
  /** The request under way. */
  request: http.ClientRequest | undefined;
  /** How many redirects were followed. */
  redirects = 0;
  private readonly subprotocols: readonly string[];
  private readonly options: ClientOptions;
  /** undefined if it is not offered */
  private readonly deflate: PerMessageDeflateOptions | undefined;
  private readonly listener: HandshakeListener;
  private readonly headers: http.OutgoingHttpHeaders;
  private auth: string | undefined;
  private readonly first: Address;
  private over = false;
  private socket: Duplex | undefined;
  private deadline: Timer | undefined;

  /** @throws SyntaxError if the address can't be used */
  constructor(
    address: string | URL,
    subprotocols: readonly string[],
    options: ClientOptions,
    listener: HandshakeListener,
  ) {
    this.first = readAddress(address);
    this.subprotocols = subprotocols;
    this.options = options;
    this.deflate = deflateOptions(options.perMessageDeflate, true);
    this.listener = listener;
    this.headers = { ...options.headers };
    this.auth = credentialsOf(this.first.url) ?? (options.auth || undefined);
  }

  /** Sends the first request. @throws whatever `http.request` or `finishRequest` throws */
  start(): void {
    try {
      this.finishRequest(this.dial(this.first));
    } catch (error) {
      this.quit();
      throw error;
    }
  }

  /** Gives up; the application is listener so in the next tick. */
  abort(error: Error): void {
    if (this.over) return;
    this.listener.onFailing();
    this.quit();
    time.nextTick(() => this.listener.onHandshakeFailed(error));
  }

  private quit(): void {
    this.finish();
    this.request?.destroy();
    this.socket?.destroy();
  }

  private refuse(refusal: Refusal, status?: number, detail?: string | number): void {
    this.abort(new HandshakeError(refusal, status, detail));
  }

  private finish(): void {
    this.over = true;
    time.clearTimeout(this.deadline);
  }

  /** Makes the request of one hop. @throws whatever `http.request` throws for bad options */
  private dial(address: Address): http.ClientRequest {
    this.listener.onAddress(address.url.href, this.redirects);
    const key = newKey();
    const request = this.makeRequest(address, key);
    this.request = request;
    this.startDeadline();
    request.on('error', (error) => {
      if (this.request === request) this.abort(this.explain(address, request, error));
    });
    request.on('response', (response) => this.onResponse(address, key, request, response));
    request.on('upgrade', (response, socket, head) => this.onUpgrade(key, response, socket, head));
    return request;
  }

  /** An error of the request, as the program is listener it. */
  private explain(
    { secure, socketPath }: Address,
    request: http.ClientRequest,
    error: Error,
  ): Error {
    const isOurs = request.destroyed; // then the server had no part in it
    if (isOurs || socketPath !== undefined) return error;
    return explainError({ error, secure });
  }

  /** Sends the request. What `finishRequest` throws surfaces; a rejection fails the handshake. */
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

  /** Calls the application. What it throws surfaces, but leaves no handshake hanging. */
  private ask(step: () => void): void {
    let threw = true;
    try {
      step();
      threw = false;
    } finally {
      if (threw) this.refuse('CLOSED_EARLY');
    }
  }

  private makeRequest(address: Address, key: string): http.ClientRequest {
    const { url, secure, socketPath } = address;
    const port = secure ? 443 : 80;
    const options = {
      ...this.options,
      createConnection: connectorFor(this.options.createConnection, secure),
      setHost: true, // RFC 6455 §4.1 MUST: also where a redirect takes the Host of the program off
      protocol: undefined,
      hostname: undefined,
      timeout: undefined,
      method: 'GET',
      defaultPort: this.options.defaultPort || port,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || port,
      path: address.path,
      socketPath,
      auth: this.auth,
      headers: {
        ...this.headers,
        ...Object.fromEntries(buildRequest(this.asked(key), this.options.origin)),
      },
    };
    return secure
      ? https.request(options as https.RequestOptions)
      : http.request(options as http.RequestOptions);
  }

  /** From connect to 101 or the failure, whatever drips in meanwhile. */
  private startDeadline(): void {
    time.clearTimeout(this.deadline);
    const milliseconds = toTimeout(this.options.handshakeTimeout, 0);
    if (milliseconds === 0) return;
    this.deadline = time.setTimeout(() => this.refuse('HANDSHAKE_TIMEOUT'), milliseconds);
  }

  private onUpgrade(
    key: string,
    response: http.IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): void {
    socket.on('error', ignore);
    this.socket = socket;
    if (this.over) {
      socket.destroy();
      return;
    }
    this.ask(() => this.listener.onUpgrade(response));
    if (this.over) return;
    const verdict = this.judge(key, response);
    if (verdict instanceof HandshakeError) {
      this.abort(verdict);
      return;
    }
    this.finish();
    this.listener.onEstablished(socket, head, verdict);
    socket.removeListener('error', ignore);
  }

  private judge(key: string, response: http.IncomingMessage): Negotiated | HandshakeError {
    const verdict = validateResponse(response, this.asked(key));
    return verdict instanceof HandshakeError ? verdict : this.agree(verdict);
  }

  // RFC 7692 §5.1: an answer that the offer does not allow fails the connection.
  private agree({ subprotocol, extensions }: ServerResponse): Negotiated | HandshakeError {
    const [answer] = extensions; // only one is ever offered
    if (answer === undefined) return { subprotocol, extension: undefined };
    const { deflate = {} } = this;
    const negotiation = acceptResponse(answer, deflate);
    if (negotiation === undefined) return new HandshakeError('INVALID_EXTENSIONS_RESPONSE', 101);
    return {
      subprotocol,
      extension: new PerMessageDeflate('client', negotiation, deflate, zlibPool),
    };
  }

  private asked(key: string): Request {
    const extensions = this.deflate ? formatExtension(makeOffer(this.deflate)) : '';
    return { key, subprotocols: this.subprotocols, extensions };
  }

  private onResponse(
    address: Address,
    key: string,
    request: http.ClientRequest,
    response: http.IncomingMessage,
  ): void {
    if (this.over || this.request !== request) return;
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (this.options.followRedirects && location && status >= 300 && status < 400) {
      this.redirect(address, request, response, location);
      return;
    }
    if (this.offer(request, response)) return; // the deadline goes on: the listener may do nothing
    if (status === 101) this.refuse101(key, response);
    else this.refuse('UNEXPECTED_RESPONSE', status, status);
  }

  /** Offers a response to the application. @returns whether it takes it over */
  private offer(request: http.ClientRequest, response: http.IncomingMessage): boolean {
    let isTaken = false;
    // An agent goes on with the socket when the response is complete; without one it is ours.
    if (!this.options.agent) {
      const { socket } = response;
      this.socket = socket;
      request.once('close', () => socket.destroy());
    }
    this.ask(() => {
      isTaken = this.listener.onUnexpectedResponse(request, response);
    });
    return isTaken;
  }

  /** `node:http` sees no upgrade in a 101 without the right Upgrade and Connection fields. */
  private refuse101(key: string, response: http.IncomingMessage): void {
    const verdict = this.judge(key, response);
    if (verdict instanceof HandshakeError) this.abort(verdict);
    else this.refuse('UNEXPECTED_RESPONSE', 101, 101);
  }

  private redirect(
    from: Address,
    request: http.ClientRequest,
    response: http.IncomingMessage,
    location: string,
  ): void {
    if (++this.redirects > (this.options.maxRedirects ?? DEFAULT_MAX_REDIRECTS)) {
      this.refuse('TOO_MANY_REDIRECTS');
      return;
    }
    this.request = undefined;
    request.destroy();
    const to = readLocation(location, from, response.statusCode ?? 0);
    if (to instanceof Error) this.abort(to);
    else this.follow(to);
  }

  private follow(to: Address): void {
    const { first } = this;
    if (!this.listener.watchesRedirects() && !mayReceiveCredentials(first, to)) {
      this.auth = undefined;
      removeCredentials(this.headers, to.url, isSameHost(first, to));
    }
    // The program's own credentials win over those of a Location.
    this.auth ??= credentialsOf(to.url);
    const request = this.attempt(() => this.dial(to));
    if (request === undefined) return;
    this.ask(() => this.listener.onRedirect(to.url.href, request));
    if (!this.over) this.attempt(() => this.finishRequest(request));
  }

  /** Behind a redirect there is no constructor to throw: an exception fails the handshake. */
  private attempt<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      this.abort(toError(error));
      return undefined;
    }
  }
}

function ignore(): void {}
