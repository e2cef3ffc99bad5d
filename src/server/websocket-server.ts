/** Accepts opening handshakes from node:http. RFC 6455 §4.2. */

import { EventEmitter } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TLSSocket, Server as TlsServer } from 'node:tls';
import { callProgram, isThenable, PendingHandshakes, toError } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import { isTaken } from '../connection/connection.js';
import { DEFAULTS, limitOf } from '../connection/options.js';
import { time } from '../connection/time.js';
import { zlibPool } from '../connection/zlib.js';
import { HandshakeError } from '../handshake/errors.js';
import { formatExtension } from '../handshake/fields.js';
import {
  acceptLines,
  fieldLines,
  formatResponse,
  type HandshakeRequest,
  pathOf,
  refusalFields,
  validateForm,
  validateLists,
} from '../handshake/server.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import { deflateOptions } from '../permessage-deflate/options.js';
import { acceptOffer, EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { ExtensionOffer } from '../protocol/extension.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage } from '../websocket/prepared.js';
import { sessionOf, WebSocket } from '../websocket/websocket.js';
import type { BroadcastOptions, Reached } from './api.js';
import { checkIsObject, checkServerOptions } from './check-options.js';
import {
  type AnySocketClass,
  HTTP_TIMEOUTS,
  type ServerOptions,
  serverOptions,
  type VerifyClientAnswer,
  type VerifyClientInfo,
} from './options.js';
import { answerPlainRequest, checkLines, refuse } from './refusal.js';
import type { ConnectionEvent } from './return-request.js';
import {
  alreadyTaken,
  attach,
  beginHandshake,
  type Candidate,
  type Claim,
} from './shared-server.js';
import type { Upgrade } from './upgrade-request.js';

/** The extensions in force on a connection, by their names. */
type AgreedExtensions = { [EXTENSION_NAME]?: PerMessageDeflate };

type Phase = 'RUNNING' | 'CLOSING' | 'CLOSED';

/** What adapters for programs written for `ws` see of a server. */
export interface InsideServer {
  readonly server: http.Server | undefined;
  readonly phase: Phase;
  /** Takes no more upgrades from the http server. */
  detach(): void;
}

let insideServer: (server: WebSocketServer) => InsideServer;

export { insideServer };

/** The arguments of each event. */
export interface WebSocketServerEvents<S, R> {
  connection: [socket: S, request: R];
  listening: [];
  close: [];
  error: [error: Error];
  /** The lines of the response, before it is written; a listener may change them. */
  headers: [headers: string[], request: R];
  /** A request is refused. The listener answers it and ends the socket. */
  wsClientError: [error: Error, socket: Duplex, request: R];
  /** A callback of the program failed; the client was answered 500. */
  callbackError: [error: Error, request: R];
}

type Request = typeof http.IncomingMessage;

/** An opening handshake, and who receives the connection. */
interface Handshake<T extends AnySocketClass, U extends Request> extends Upgrade {
  readonly request: InstanceType<U>;
  readonly callback: (client: InstanceType<T>, request: InstanceType<U>) => void;
}

/** Requests that a server claimed when it was asked before: it is asked once. */
const claimed = new WeakMap<http.IncomingMessage, object>();

/** A server of WebSockets: on a port of its own, on an http server, or fed by `handleUpgrade`. */
export class WebSocketServer<
  T extends AnySocketClass = AnySocketClass,
  U extends Request = Request,
> extends EventEmitter {
  /** What was given, over the defaults. Read at each upgrade: changes take effect. */
  options: ServerOptions<T, U>;
  /** The open connections; undefined with `clientTracking: false`. */
  declare clients: Set<InstanceType<T>>;
  /** Never set. */
  declare path: string;

  #phase: Phase = 'RUNNING';
  #server: http.Server | undefined;
  #ownsServer = false;
  #detach: () => void = () => {};
  /** Whether 'close' waits for the last client. */
  #closeWhenEmpty = false;
  readonly #pending = new PendingHandshakes();

  static {
    insideServer = (of) => ({
      server: of.#server,
      phase: of.#phase,
      detach: () => of.#detach(),
    });
  }

  /**
   * @param options exactly one of `port`, `server` and `noServer` must be in it
   * @param callback a listener of 'listening', with `port`
   * @throws TypeError if none or several of these three are given; TypeError or RangeError for an
   * option that makes no sense
   */
  constructor(options?: ServerOptions<T, U>, callback?: () => void) {
    super();
    checkIsObject(options);
    this.options = serverOptions(options ?? {}, WebSocket);
    checkServerOptions(this.options, this.#comparesPath());
    const { server, noServer, clientTracking } = this.options;
    if (clientTracking) this.clients = new Set();
    if (server) this.#attach(server as http.Server);
    else if (!noServer) this.#listen(callback);
  }

  /** Where the server listens; null when it does not. @throws Error with `noServer` */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this.#server?.address() ?? null;
  }

  /**
   * Sends one message to every open connection, framed and compressed once for all of them.
   * @param data as for `send`; a Blob has to be read first
   * @returns how many connections it was sent to
   * @throws TypeError for data that has no bytes; Error with `clientTracking: false`
   */
  broadcast(
    data: BufferLike | PreparedMessage,
    options: BroadcastOptions<InstanceType<T>> = {},
  ): Reached {
    if (!this.clients) throw new Error('broadcast() needs the option clientTracking');
    const prepared = data instanceof PreparedMessage ? data : new PreparedMessage(data, options);
    const { except, filter } = options;
    let reached = 0;
    for (const client of this.clients) {
      if (client === except || (filter && !filter(client))) continue;
      if (sendPrepared(asOurs(client), prepared)) reached++;
    }
    return reached;
  }

  /**
   * Stops accepting; connections stay open. Own http server: it is closed. Another's: it is left
   * alone. 'close' comes when the last client is gone.
   * @param callback called at 'close'; with an Error if the server was closed already
   */
  close(callback?: (error?: Error) => void): void {
    if (this.#phase === 'CLOSED') {
      if (callback) this.once('close', () => callback(new Error('The server is not running')));
      time.nextTick(() => this.emit('close'));
      return;
    }
    if (callback) this.once('close', () => callback());
    if (this.#phase === 'CLOSING') return;
    this.#phase = 'CLOSING';
    // On a port of our own, upgrades that still come on open connections are answered 503.
    if (!this.#ownsServer) this.#detach();
    this.#pending.close();
    const server = this.#server;
    this.#server = undefined;
    if (this.#ownsServer && server) closeOwn(server, () => this.#closeWithClients());
    else time.nextTick(() => this.#closeWithClients());
  }

  /**
   * Whether this server is meant. To be overridden; by default `options.path` decides. A Promise is
   * awaited.
   */
  shouldHandle(request: InstanceType<U>): boolean | Promise<boolean> {
    return this.#isOurPath(request);
  }

  /**
   * Accepts or refuses an opening handshake. RFC 6455 §4.2.
   * @param head bytes that came behind the request
   * @param callback receives the connection, if it comes to one
   * @throws Error if it was called for this socket before
   */
  handleUpgrade(
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
  ): void {
    if (!beginHandshake(socket)) return;
    socket.on('error', ignore);
    guarded(socket, () => this.#judge({ request, socket, head, callback }));
  }

  /**
   * Accepts a request that was found valid; the last step of `handleUpgrade`, which programs
   * written for `ws` call or replace.
   * @param extensions those that are in force, by their names
   * @param key the request's Sec-WebSocket-Key
   * @param subprotocols those the client asks for
   */
  completeUpgrade(
    extensions: AgreedExtensions,
    key: string,
    subprotocols: Set<string>,
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
  ): void {
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (isTaken(socket)) throw alreadyTaken();
    if (this.#phase !== 'RUNNING') {
      refuse(socket, 503);
      return;
    }
    const accepted = this.#prepare(extensions[EXTENSION_NAME], key, subprotocols, request, socket);
    if (accepted === undefined) return;
    const { client, lines } = accepted;
    socket.write(formatResponse(lines));
    let opened = false;
    try {
      this.#open(client, socket, head);
      opened = true;
    } finally {
      if (!opened) this.#abandon(client, socket);
    }
    callback(client, request);
  }

  /** Makes the client and the response that accepts it. @returns undefined if a callback failed */
  #prepare(
    extension: PerMessageDeflate | undefined,
    key: string,
    subprotocols: Set<string>,
    request: InstanceType<U>,
    socket: Duplex,
  ): { client: InstanceType<T>; lines: string[] } | undefined {
    try {
      const subprotocol = this.#chooseSubprotocol(subprotocols, request);
      const lines = this.#acceptLines(key, subprotocol, extension, request);
      const client = this.#createClient();
      this.#track(client, subprotocol, extension);
      return { client, lines };
    } catch (error) {
      this.#fail(error, request, socket);
      return undefined;
    }
  }

  #listen(callback: (() => void) | undefined): void {
    const { port, host, backlog } = this.options;
    const server = http.createServer(
      {
        headersTimeout: HTTP_TIMEOUTS.requestTimeout,
        requestTimeout: HTTP_TIMEOUTS.requestTimeout,
        connectionsCheckingInterval: HTTP_TIMEOUTS.connectionsCheckingInterval,
      },
      (request, response) => answerPlainRequest(request, response),
    );
    this.#ownsServer = true;
    this.#attach(server);
    server.listen({ ...placeOf(port ?? 0, host), backlog: backlog ?? undefined }, callback);
  }

  #attach(server: http.Server): void {
    const onListening = () => this.emit('listening');
    const onError = (error: Error) => this.emit('error', error);
    server.on('listening', onListening);
    server.on('error', onError);
    const event = this.#ownsServer ? undefined : connectionEventOf(server);
    const detach = attach(server, this.#candidate(), event);
    this.#server = server;
    this.#detach = () => {
      server.removeListener('listening', onListening);
      server.removeListener('error', onError);
      detach();
    };
  }

  /** What the http server sees of this one. */
  #candidate(): Candidate {
    const connected = (client: InstanceType<T>, request: InstanceType<U>) =>
      this.emit('connection', client, request);
    return {
      claimedPath: () => (this.#comparesPath() ? this.options.path || undefined : null),
      ask: (upgrade, answer) => this.#askWhetherOurs(upgrade, answer),
      handle: ({ request, socket, head }, isAsked) => {
        if (isAsked) claimed.set(request, this);
        this.handleUpgrade(request as InstanceType<U>, socket, head, connected);
      },
    };
  }

  #askWhetherOurs({ request, socket }: Upgrade, answer: (claim: Claim) => void): void {
    this.#pending.ask(socket, () => this.shouldHandle(request as InstanceType<U>), {
      onAnswer: (isOurs) => answer(isOurs ? 'YES' : 'NO'),
      onError: (error, isPending) => {
        if (isPending) answer('FAILED');
        this.#report(error, request);
      },
      onClosed: () => answer('NO'),
    });
  }

  /** 'close' comes behind that of the last client. */
  #closeWithClients(): void {
    if (this.clients && this.clients.size > 0) this.#closeWhenEmpty = true;
    else this.#emitClose();
  }

  #emitClose(): void {
    this.#phase = 'CLOSED';
    this.emit('close');
  }

  #isOurPath(request: InstanceType<U>): boolean {
    const { path } = this.options;
    return !path || pathOf(request.url) === path;
  }

  /** Whether `path` alone decides which requests are meant. */
  #comparesPath(): boolean {
    return this.shouldHandle === WebSocketServer.prototype.shouldHandle;
  }

  /** RFC 6455 §4.2.2: accept, or refuse with the status that says why. */
  #judge(handshake: Handshake<T, U>): void {
    const { request, socket } = handshake;
    const refusal = validateForm(request as HandshakeRequest);
    if (refusal !== undefined) {
      this.#refuseClient(refusal, request, socket);
      return;
    }
    const isOurs = () => claimed.get(request) === this || this.shouldHandle(request);
    this.#ask(handshake, isOurs, (ours) => {
      claimed.delete(request);
      // What is asked for is judged by the server that is meant.
      if (ours) this.#validateLists(handshake);
      else refuse(socket, this.#isOurPath(request) ? 400 : 404);
    });
  }

  #validateLists(handshake: Handshake<T, U>): void {
    const { request, socket, head, callback } = handshake;
    const verdict = validateLists(request as HandshakeRequest);
    if (verdict instanceof HandshakeError) {
      this.#refuseClient(verdict, request, socket);
      return;
    }
    const { key, subprotocols } = verdict;
    // Options may be changed at any time, also to what the constructor would refuse.
    this.#ask(
      handshake,
      () => this.#agree(verdict.extensions),
      (agreed) => {
        const extensions = agreed as AgreedExtensions;
        this.#verify(handshake, () =>
          this.completeUpgrade(extensions, key, subprotocols, request, socket, head, callback),
        );
      },
    );
  }

  /** Asks the program; a closed server and a callback that fails refuse the client. */
  #ask(
    { request, socket }: Handshake<T, U>,
    question: () => unknown,
    onAnswer: (answer: unknown) => void,
  ): void {
    this.#pending.ask(socket, question, {
      onAnswer: (answer) => guarded(socket, () => onAnswer(answer)),
      onError: (error, isPending) => {
        if (isPending) this.#fail(error, request, socket);
        else this.#report(error, request);
      },
      onClosed: () => refuse(socket, 503),
    });
  }

  /** RFC 6455 §9.1: extensions that are unknown are ignored. */
  #agree(offers: readonly ExtensionOffer[]): AgreedExtensions {
    const options = deflateOptions(this.options.perMessageDeflate, false);
    const negotiation = options && acceptOffer(offers, options);
    if (!negotiation) return {};
    return { [EXTENSION_NAME]: new PerMessageDeflate('server', negotiation, options, zlibPool) };
  }

  #refuseClient(error: HandshakeError, request: InstanceType<U>, socket: Duplex): void {
    if (this.listenerCount('wsClientError') === 0) {
      refuse(socket, error.status, error.message, refusalFields(error.status));
      return;
    }
    try {
      this.emit('wsClientError', error, socket, request);
    } catch (thrown) {
      this.#fail(thrown, request, socket);
    }
  }

  /** A callback of the program failed: that is not the client's fault. RFC 9110 §15.6.1. */
  #fail(thrown: unknown, request: http.IncomingMessage, socket: Duplex): void {
    refuse(socket, 500);
    this.#report(thrown, request);
  }

  #report(thrown: unknown, request: http.IncomingMessage): void {
    const error = toError(thrown);
    if (this.listenerCount('callbackError') > 0) {
      this.emit('callbackError', error, request);
      return;
    }
    process.emitWarning(
      `A callback of a WebSocketServer failed, and 'callbackError' has no listener: ${error.stack ?? error}`,
      { code: 'WS6455_CALLBACK_ERROR' },
    );
  }

  /** RFC 6455 §4.2.2 item 2: the server may want to know more before it accepts. */
  #verify(handshake: Handshake<T, U>, accept: () => void): void {
    const { verifyClient } = this.options;
    if (!verifyClient) {
      accept();
      return;
    }
    const info = describeClient(handshake.request);
    const call = (...args: unknown[]): unknown =>
      Reflect.apply(verifyClient, this.options, [info, ...args]);
    // Programs for `ws` say by the number of parameters which of the two forms theirs has.
    if (verifyClient.length === 2) this.#verifyWithCallback(handshake, call, accept);
    else {
      this.#ask(handshake, call, (welcome) => {
        if (welcome) accept();
        else refuse(handshake.socket, 401);
      });
    }
  }

  #verifyWithCallback(
    { request, socket }: Handshake<T, U>,
    verify: (answer: VerifyClientAnswer) => unknown,
    accept: () => void,
  ): void {
    const end = this.#pending.wait(socket, () => refuse(socket, 503));
    /** What a listener threw while the answer was acted on: no failure of `verifyClient`. */
    let escaped: { readonly error: unknown } | undefined;
    const answer: VerifyClientAnswer = (welcome, status, message, fields) => {
      if (!end()) return;
      try {
        if (welcome) guarded(socket, accept);
        else this.#refuseAs(request, socket, status, message, fields);
      } catch (error) {
        escaped = { error };
        throw error;
      }
    };
    const onError = (error: unknown): void => {
      if (escaped?.error === error) throw error;
      if (end()) this.#fail(error, request, socket);
      else this.#report(error, request);
    };
    callProgram(() => verify(answer), ignore, onError);
  }

  /** Refuses as the program says, unless that can't be written. */
  #refuseAs(
    request: InstanceType<U>,
    socket: Duplex,
    status: number | null | undefined,
    message: string | null | undefined,
    fields: http.OutgoingHttpHeaders | null | undefined,
  ): void {
    try {
      refuse(socket, Number(status || 401), message, fieldLines(fields ?? {}));
    } catch (error) {
      this.#fail(error, request, socket);
    }
  }

  /** @returns '' for none */
  #chooseSubprotocol(asked: Set<string>, request: InstanceType<U>): string {
    const { handleProtocols } = this.options;
    if (asked.size === 0) return '';
    if (!handleProtocols) return [...asked][0] ?? '';
    const chosen: unknown = Reflect.apply(handleProtocols, this.options, [asked, request]);
    // A promise is no answer; should it be rejected, that is told as well.
    if (isThenable(chosen)) {
      callProgram(
        () => chosen,
        ignore,
        (error) => this.#report(error, request),
      );
    }
    // RFC 6455 §4.2.2: the answer is one of those asked for.
    if (chosen && !asked.has(chosen as string)) throw notAskedFor(chosen);
    return (chosen || '') as string;
  }

  #acceptLines(
    key: string,
    subprotocol: string,
    extension: PerMessageDeflate | undefined,
    request: InstanceType<U>,
  ): string[] {
    const answer = extension === undefined ? '' : formatExtension(extension.response);
    const lines = acceptLines(key, subprotocol || false, answer);
    this.emit('headers', lines, request);
    checkLines(lines);
    return lines;
  }

  #createClient(): InstanceType<T> {
    const Class = (this.options.WebSocket || WebSocket) as typeof WebSocket;
    const client: unknown = new Class(null, undefined, this.options);
    if (client instanceof WebSocket) return client as unknown as InstanceType<T>;
    throw new TypeError(
      `The option WebSocket must be a class that extends WebSocket: ${describeValue(Class)}`,
    );
  }

  #open(client: InstanceType<T>, socket: Duplex, head: Buffer): void {
    const { options } = this;
    asOurs(client).setSocket(socket, head, {
      allowSynchronousEvents: options.allowSynchronousEvents,
      maxPayload: limitOf(options.maxPayload, DEFAULTS.maxPayload),
      maxFragments: limitOf(options.maxFragments, DEFAULTS.maxFragments),
      skipUTF8Validation: options.skipUTF8Validation,
    });
    // A subclass may put the connection elsewhere: an error of the socket must have a listener.
    if (isTaken(socket)) socket.removeListener('error', ignore);
  }

  /** A listener of 'open', or a method of a subclass, threw: nobody will ever hear of the client. */
  #abandon(client: InstanceType<T>, socket: Duplex): void {
    this.clients?.delete(client);
    socket.destroy();
  }

  /** Keeps the client in `clients` until it is closed, whatever its listeners do. */
  #track(
    client: InstanceType<T>,
    subprotocol: string,
    extension: PerMessageDeflate | undefined,
  ): void {
    sessionOf(asOurs(client)).accept(subprotocol, extension, this.#forget);
    this.clients?.add(client);
  }

  /** One function for all connections: it is told which of them is closed. */
  readonly #forget = (client: object): void => {
    const { clients } = this;
    clients?.delete(client as InstanceType<T>);
    if (!this.#closeWhenEmpty || (clients && clients.size > 0)) return;
    this.#closeWhenEmpty = false;
    time.nextTick(() => this.#emitClose());
  };
}

/** Sends directly, whatever `send` of a subclass does. @returns whether the connection is open */
function sendPrepared(client: WebSocket, prepared: PreparedMessage): boolean {
  const { connection, extension } = sessionOf(client);
  return (
    connection !== undefined && prepared.sendBy(connection.endpoint.sender, extension, undefined)
  );
}

/** Every class of sockets extends ours, which its public face does not tell the compiler. */
function asOurs(client: object): WebSocket {
  return client as WebSocket;
}

/** undefined for an object that only passes the events of an http server on. */
function connectionEventOf(server: http.Server): ConnectionEvent | undefined {
  if (server instanceof TlsServer) return 'secureConnection';
  return server instanceof http.Server ? 'connection' : undefined;
}

/** A path (of a Unix socket or a named pipe) or a port, as `net.Server.listen` reads them. */
function placeOf(port: number | string, host: string | null | undefined): ListenOptions {
  const isPath = typeof port === 'string' && !(Number(port) >= 0);
  return isPath ? { path: port } : { port: port as number, host: host ?? undefined };
}

/**
 * Closes an http server of our own, which waits for all of its connections. Node stops looking for
 * requests that are late, so that a client that sends nothing would keep it open.
 */
function closeOwn(server: http.Server, closed: () => void): void {
  const timer = time.setTimeout(() => server.closeAllConnections(), HTTP_TIMEOUTS.requestTimeout);
  timer.unref();
  server.close(() => {
    time.clearTimeout(timer);
    closed();
  });
}

function notAskedFor(subprotocol: unknown): TypeError {
  const hint = isThenable(subprotocol) ? ', and is not awaited' : '';
  return new TypeError(
    `handleProtocols must return a subprotocol that the client asks for, or false: ` +
      `it returned ${describeValue(subprotocol)}${hint}`,
  );
}

/** Runs a step that calls the application; if it throws, no socket is left behind. */
function guarded(socket: Duplex, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!isTaken(socket) && !socket.writableEnded) socket.destroy();
    throw error;
  }
}

function ignore(): void {}

function describeClient<R extends http.IncomingMessage>(req: R): VerifyClientInfo<R> {
  const socket = req.socket as TLSSocket | undefined;
  return {
    origin: req.headers.origin as string, // typed as programs written for `ws` expect it
    secure: Boolean(socket?.authorized || socket?.encrypted),
    req,
  };
}
