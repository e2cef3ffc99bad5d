/** Accepts opening handshakes from node:http. RFC 6455 §4.2. */

import { EventEmitter } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { isTaken } from './connection.js';
import type { BufferLike } from './data.js';
import { formatExtension, isFieldText } from './handshake/fields.js';
import {
  acceptLines,
  fieldLines,
  formatResponse,
  type HandshakeRequest,
  judgeForm,
  judgeLists,
  pathOf,
  refusalFields,
} from './handshake/server.js';
import type {
  AnySocketClass,
  BroadcastOptions,
  Reached,
  ServerOptions,
  VerifyClientInfo,
} from './options.js';
import { PerMessageDeflate } from './permessage-deflate/codec.js';
import { acceptOffer, EXTENSION_NAME } from './permessage-deflate/parameters.js';
import { PreparedMessage } from './prepared.js';
import { HandshakeError } from './protocol/errors.js';
import type { ExtensionOffer } from './protocol/extension.js';
import { answerPlainRequest, hangUp, refuse, wasRefused } from './refuse.js';
import { DEFAULTS, deflateOptions, limitOf, serverOptions } from './settings.js';
import { time } from './time/time.js';
import { agree, sendTo, WebSocket } from './websocket.js';

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
}

type Request = typeof http.IncomingMessage;

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
   * @throws TypeError if none or several of these three are given; RangeError for a window of
   * `perMessageDeflate` that there cannot be
   */
  constructor(options?: ServerOptions<T, U>, callback?: () => void) {
    super();
    this.options = serverOptions(options ?? {}, WebSocket);
    const { port, server, noServer, clientTracking } = this.options;
    const modes = [port !== null && port !== undefined, Boolean(server), Boolean(noServer)];
    if (modes.filter(Boolean).length !== 1) {
      throw new TypeError(
        'One and only one of the "port", "server", or "noServer" options must be specified',
      );
    }
    deflateOptions(this.options.perMessageDeflate, false);
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
      if (sendTo(asOurs(client), prepared)) reached++;
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
    const server = this.#server;
    this.#server = undefined;
    if (this.#ownsServer && server) server.close(() => this.#closeWithClients());
    else time.nextTick(() => this.#closeWithClients());
  }

  /**
   * Whether this server is meant. To be overridden; by default `options.path` decides. A Promise is
   * not awaited and counts as true, as in `ws`: what takes time belongs into `verifyClient`.
   */
  shouldHandle(request: InstanceType<U>): boolean | Promise<boolean> {
    return this.#isOurPath(request);
  }

  /**
   * Accepts or refuses an opening handshake. RFC 6455 §4.2.
   * @param head bytes that came behind the request
   * @param callback receives the connection, if it comes to one
   * @throws Error if the socket became a WebSocket before
   */
  handleUpgrade(
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
  ): void {
    if (isTaken(socket)) throw alreadyTaken();
    socket.on('error', ignore);
    guarded(socket, () => this.#judge(request, socket, head, callback));
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
    const subprotocol = this.#chooseSubprotocol(subprotocols, request);
    const extension = extensions[EXTENSION_NAME];
    const answer = extension === undefined ? '' : formatExtension(extension.answer);
    const lines = acceptLines(key, subprotocol || false, answer);
    this.emit('headers', lines, request);
    // RFC 6455 §4.2.2: the answer is one of those asked for; nothing may break out of its line.
    if ((subprotocol && !subprotocols.has(subprotocol)) || !lines.every(isFieldText)) {
      refuse(socket, 500);
      return;
    }
    const Class = (this.options.WebSocket ?? WebSocket) as typeof WebSocket;
    const client = new Class(null, undefined, this.options) as InstanceType<T>;
    this.#track(client, subprotocol || '', extension);
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

  #listen(callback: (() => void) | undefined): void {
    const { port, host, backlog } = this.options;
    const server = http.createServer(
      {
        headersTimeout: DEFAULTS.requestTimeout,
        requestTimeout: DEFAULTS.requestTimeout,
        connectionsCheckingInterval: DEFAULTS.connectionsCheckingInterval,
      },
      (request, response) => answerPlainRequest(request, response),
    );
    this.#ownsServer = true;
    this.#attach(server);
    server.listen(
      { port: port ?? 0, host: host ?? undefined, backlog: backlog ?? undefined },
      callback,
    );
  }

  #attach(server: http.Server): void {
    const onListening = () => this.emit('listening');
    const onError = (error: Error) => this.emit('error', error);
    const onUpgrade = (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
      if (wasRefused(socket)) {
        hangUp(socket);
        return;
      }
      const connected = (client: InstanceType<T>, of: InstanceType<U>) =>
        this.emit('connection', client, of);
      this.handleUpgrade(request as InstanceType<U>, socket, head, connected);
    };
    server.on('listening', onListening);
    server.on('error', onError);
    server.on('upgrade', onUpgrade);
    this.#server = server;
    this.#detach = () => {
      server.removeListener('listening', onListening);
      server.removeListener('error', onError);
      server.removeListener('upgrade', onUpgrade);
    };
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

  /** RFC 6455 §4.2.2: accept, or refuse with the status that says why. */
  #judge(
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
  ): void {
    const refusal = judgeForm(request as HandshakeRequest);
    if (refusal !== undefined) {
      this.#refuseClient(refusal, request, socket);
      return;
    }
    if (!this.shouldHandle(request)) {
      refuse(socket, this.#isOurPath(request) ? 400 : 404);
      return;
    }
    // What is asked for is judged by the server that is meant.
    const verdict = judgeLists(request as HandshakeRequest);
    if (verdict instanceof HandshakeError) {
      this.#refuseClient(verdict, request, socket);
      return;
    }
    const { key, subprotocols } = verdict;
    const extensions = this.#agree(verdict.extensions);
    this.#verify(request, socket, () =>
      this.completeUpgrade(extensions, key, subprotocols, request, socket, head, callback),
    );
  }

  /** RFC 6455 §9.1: extensions that are unknown are ignored. */
  #agree(offers: readonly ExtensionOffer[]): AgreedExtensions {
    const options = deflateOptions(this.options.perMessageDeflate, false);
    const acceptance = options && acceptOffer(offers, options);
    if (!acceptance) return {};
    return { [EXTENSION_NAME]: new PerMessageDeflate('server', acceptance, options) };
  }

  #refuseClient(error: HandshakeError, request: InstanceType<U>, socket: Duplex): void {
    if (this.listenerCount('wsClientError') > 0) {
      this.emit('wsClientError', error, socket, request);
    } else {
      refuse(socket, error.status, error.message, refusalFields(error.status));
    }
  }

  /** RFC 6455 §4.2.2 item 2: the server may want to know more before it accepts. */
  #verify(request: InstanceType<U>, socket: Duplex, accept: () => void): void {
    const { verifyClient } = this.options;
    if (!verifyClient) {
      accept();
      return;
    }
    const info = describeClient(request);
    let answered = false;
    const answer = (
      welcome: unknown,
      status?: number | null,
      message?: string | null,
      headers?: http.OutgoingHttpHeaders | null,
    ) => {
      if (answered) return;
      answered = true;
      if (welcome) guarded(socket, accept);
      else refuse(socket, status || 401, message, fieldLines(headers ?? {}));
    };
    // Programs for `ws` say by the number of parameters which of the two forms theirs has.
    const answersLater = verifyClient.length === 2;
    const args = answersLater ? [info, answer] : [info];
    const verified: unknown = Reflect.apply(verifyClient, this.options, args);
    if (!answersLater) answer(verified);
  }

  #chooseSubprotocol(asked: Set<string>, request: InstanceType<U>): string | false | undefined {
    if (asked.size === 0) return false;
    if (this.options.handleProtocols) return this.options.handleProtocols(asked, request);
    return [...asked][0];
  }

  #open(client: InstanceType<T>, socket: Duplex, head: Buffer): void {
    const { options } = this;
    asOurs(client).setSocket(socket, head, {
      allowSynchronousEvents: options.allowSynchronousEvents,
      maxPayload: limitOf(options.maxPayload, DEFAULTS.maxPayload),
      maxFragments: limitOf(options.maxFragments, DEFAULTS.maxFragments),
      skipUTF8Validation: options.skipUTF8Validation,
    });
    socket.removeListener('error', ignore);
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
    this.clients?.add(client);
    agree(asOurs(client), subprotocol, extension, this.#forget);
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

/** Every class of sockets extends ours, which its public face does not tell the compiler. */
function asOurs(client: object): WebSocket {
  return client as WebSocket;
}

function alreadyTaken(): Error {
  return new Error(
    'server.handleUpgrade() was called more than once with the same socket, ' +
      'possibly due to a misconfiguration',
  );
}

/** Runs a step that calls the application; if it throws, no socket is left behind. */
function guarded(socket: Duplex, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!isTaken(socket)) socket.destroy();
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
