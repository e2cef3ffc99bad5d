/** RFC 6455 §4.2: one opening handshake at a server: validate, ask the program, accept or refuse. */

import type { EventEmitter } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { callProgram, isThenable, toError } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import { hasConnection } from '../connection/connection.js';
import { DEFAULTS, limitOf } from '../connection/options.js';
import { zlibPool } from '../connection/zlib.js';
import { HandshakeError } from '../handshake/errors.js';
import { formatExtension } from '../handshake/fields.js';
import {
  acceptLines,
  fieldLines,
  formatResponse,
  type HandshakeRequest,
  refusalFields,
  validateForm,
  validateLists,
} from '../handshake/server.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import { deflateOptions } from '../permessage-deflate/options.js';
import { acceptOffer, EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { ExtensionOffer } from '../protocol/extension.js';
import { sessionOf, WebSocket } from '../websocket/websocket.js';
import type { AnySocketClass, ServerOptions, VerifyClientAnswer } from './options.js';
import type { PendingHandshakes } from './pending-handshakes.js';
import { checkLines, refuse } from './refusal.js';
import type { Upgrade } from './upgrade-request.js';

/** The negotiated extensions, by name. */
export type NegotiatedExtensions = { [EXTENSION_NAME]?: PerMessageDeflate };

/** What a handshake needs of its server. Programs override these methods. */
export interface UpgradeServer extends EventEmitter {
  readonly options: ServerOptions<AnySocketClass>;
  readonly clients: Set<object> | undefined;
  shouldHandle(request: IncomingMessage): unknown;
  completeUpgrade(
    extensions: NegotiatedExtensions,
    key: string,
    subprotocols: Set<string>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: Accepted,
  ): void;
}

/** Receives the connection. */
export type Accepted = (client: object, request: IncomingMessage) => void;

/** What a handshake needs of its server's state. */
export interface HandshakeContext {
  readonly pending: PendingHandshakes;
  /** Whether the server was asked before whether it handles this request. */
  isClaimed(request: IncomingMessage): boolean;
  /** Whether the option `path` matches the request. */
  matchesPath(request: IncomingMessage): boolean;
}

/** Steps from a request to `completeUpgrade`. Each may wait for the program. */
export class OpeningHandshake {
  private readonly server: UpgradeServer;
  private readonly context: HandshakeContext;
  private readonly upgrade: Upgrade;
  private readonly onAccepted: Accepted;

  constructor(
    server: UpgradeServer,
    context: HandshakeContext,
    upgrade: Upgrade,
    onAccepted: Accepted,
  ) {
    this.server = server;
    this.context = context;
    this.upgrade = upgrade;
    this.onAccepted = onAccepted;
  }

  // RFC 6455 §4.2.1 MUST: a request that is no opening handshake is answered with an HTTP error.
  start(): void {
    const { request, socket } = this.upgrade;
    const error = validateForm(request as HandshakeRequest);
    if (error !== undefined) {
      this.refuseInvalid(error);
      return;
    }
    const isClaimed = this.context.isClaimed(request);
    const question = () => isClaimed || this.server.shouldHandle(request);
    this.ask(question, (isOurs) => {
      // What is requested is validated by the server that is meant.
      if (isOurs) this.negotiate();
      // RFC 6455 §4.2.2 MUST: a resource that is not available is answered with an HTTP error.
      else refuse(socket, this.context.matchesPath(request) ? 400 : 404);
    });
  }

  private negotiate(): void {
    const { request, socket, head } = this.upgrade;
    const requested = validateLists(request as HandshakeRequest);
    if (requested instanceof HandshakeError) {
      this.refuseInvalid(requested);
      return;
    }
    const { key, subprotocols } = requested;
    // Options may be changed at any time, also to values that the constructor would refuse.
    this.ask(
      () => negotiateExtensions(requested.extensions, this.server.options),
      (negotiated) => {
        const extensions = negotiated as NegotiatedExtensions;
        const complete = () =>
          this.server.completeUpgrade(
            extensions,
            key,
            subprotocols,
            request,
            socket,
            head,
            this.onAccepted,
          );
        this.verify(complete);
      },
    );
  }

  /** RFC 6455 §4.2.2 item 2: the server may authenticate the client before it accepts. */
  private verify(accept: () => void): void {
    const { options } = this.server;
    const { verifyClient } = options;
    if (!verifyClient) {
      accept();
      return;
    }
    const info = describeClient(this.upgrade.request);
    const call = (...args: unknown[]): unknown =>
      Reflect.apply(verifyClient, options, [info, ...args]);
    // As in `ws`, the number of parameters says which of the two forms a program uses.
    if (verifyClient.length === 2) this.verifyWithCallback(call, accept);
    else {
      this.ask(call, (isWelcome) => {
        if (isWelcome) accept();
        else refuse(this.upgrade.socket, 401);
      });
    }
  }

  private verifyWithCallback(
    verify: (answer: VerifyClientAnswer) => unknown,
    accept: () => void,
  ): void {
    const { socket } = this.upgrade;
    const end = this.context.pending.wait(socket, () => refuse(socket, 503));
    /** What a listener threw when the answer was acted on: that is no failure of `verifyClient`. */
    let escaped: { readonly error: unknown } | undefined;
    const answer: VerifyClientAnswer = (isWelcome, status, message, fields) => {
      if (!end()) return;
      try {
        if (isWelcome) destroyOnThrow(socket, accept);
        else this.refuseAs(status, message, fields);
      } catch (error) {
        escaped = { error };
        throw error;
      }
    };
    const onError = (error: unknown): void => {
      if (escaped?.error === error) throw error;
      if (end()) this.fail(error);
      else this.report(error);
    };
    callProgram(() => verify(answer), ignore, onError);
  }

  /** Asks the program. A server that was closed and a callback that fails refuse the client. */
  private ask(question: () => unknown, onAnswer: (answer: unknown) => void): void {
    const { socket } = this.upgrade;
    this.context.pending.ask(socket, question, {
      onAnswer: (answer) => destroyOnThrow(socket, () => onAnswer(answer)),
      onError: (error, isPending) => {
        if (isPending) this.fail(error);
        else this.report(error);
      },
      onClosed: () => refuse(socket, 503),
    });
  }

  private refuseInvalid(error: HandshakeError): void {
    const { request, socket } = this.upgrade;
    if (this.server.listenerCount('wsClientError') === 0) {
      refuse(socket, error.status, error.message, refusalFields(error.status));
      return;
    }
    try {
      this.server.emit('wsClientError', error, socket, request);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** Refuses as the program says, unless that cannot be written. */
  private refuseAs(
    status: number | null | undefined,
    message: string | null | undefined,
    fields: OutgoingHttpHeaders | null | undefined,
  ): void {
    try {
      refuse(this.upgrade.socket, Number(status || 401), message, fieldLines(fields ?? {}));
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(thrown: unknown): void {
    failHandshake(this.server, thrown, this.upgrade);
  }

  private report(thrown: unknown): void {
    reportCallbackError(this.server, thrown, this.upgrade.request);
  }
}

/** RFC 6455 §9.1: unknown extensions are ignored. */
function negotiateExtensions(
  offers: readonly ExtensionOffer[],
  { perMessageDeflate }: ServerOptions<AnySocketClass>,
): NegotiatedExtensions {
  const options = deflateOptions(perMessageDeflate, false);
  const negotiation = options && acceptOffer(offers, options);
  if (!negotiation) return {};
  return { [EXTENSION_NAME]: new PerMessageDeflate('server', negotiation, options, zlibPool) };
}

function describeClient(req: IncomingMessage): object {
  const socket = req.socket as TLSSocket | undefined;
  return {
    origin: req.headers.origin,
    secure: Boolean(socket?.authorized || socket?.encrypted),
    req,
  };
}

/** An accepted client, and the lines of the response that accepts it. */
export interface Acceptance {
  readonly client: WebSocket;
  readonly lines: string[];
}

/**
 * RFC 6455 §4.2.2: creates the client and the response.
 * @param onEnd called when the connection is closed, before the listeners of 'close'
 * @throws what a callback of the program throws, and TypeError for what it must not return
 */
export function accept(
  server: UpgradeServer,
  extension: PerMessageDeflate | undefined,
  key: string,
  subprotocols: Set<string>,
  request: IncomingMessage,
  onEnd: (client: object) => void,
): Acceptance {
  const subprotocol = chooseSubprotocol(server, subprotocols, request);
  const response = extension === undefined ? '' : formatExtension(extension.response);
  // RFC 6455 §4.2.2 MUST NOT: without a subprotocol the field is not sent.
  const lines = acceptLines(key, subprotocol || false, response);
  server.emit('headers', lines, request);
  checkLines(lines);
  const client = createClient(server.options);
  sessionOf(client).accept(subprotocol, extension, onEnd);
  return { client, lines };
}

/** Writes the response and opens the connection. */
export function openClient(
  { client, lines }: Acceptance,
  { options, clients }: UpgradeServer,
  socket: Duplex,
  head: Buffer,
): void {
  clients?.add(client);
  socket.write(formatResponse(lines));
  let isOpen = false;
  try {
    client.setSocket(socket, head, {
      allowSynchronousEvents: options.allowSynchronousEvents,
      maxPayload: limitOf(options.maxPayload, DEFAULTS.maxPayload),
      maxFragments: limitOf(options.maxFragments, DEFAULTS.maxFragments),
      skipUTF8Validation: options.skipUTF8Validation,
    });
    // A subclass may put the connection elsewhere: then the socket still needs a listener.
    if (hasConnection(socket)) socket.removeListener('error', ignore);
    isOpen = true;
  } finally {
    // A listener of 'open' or a method of a subclass threw: the program never gets this client.
    if (!isOpen) {
      clients?.delete(client);
      socket.destroy();
    }
  }
}

/** RFC 6455 §4.2.2 MUST: the subprotocol is one of those that the client requests. @returns '' for none */
function chooseSubprotocol(
  server: UpgradeServer,
  requested: Set<string>,
  request: IncomingMessage,
): string {
  const { options } = server;
  const { handleProtocols } = options;
  if (requested.size === 0) return '';
  if (!handleProtocols) return [...requested][0] ?? '';
  const chosen: unknown = Reflect.apply(handleProtocols, options, [requested, request]);
  if (isThenable(chosen)) {
    // A promise is no answer. Its rejection is reported too.
    callProgram(
      () => chosen,
      ignore,
      (error) => reportCallbackError(server, error, request),
    );
  }
  if (chosen && !requested.has(chosen as string)) throw notRequestedError(chosen);
  return (chosen || '') as string;
}

function notRequestedError(subprotocol: unknown): TypeError {
  const hint = isThenable(subprotocol) ? ', and is not awaited' : '';
  return new TypeError(
    `handleProtocols must return a subprotocol that the client asks for, or false: ` +
      `it returned ${describeValue(subprotocol)}${hint}`,
  );
}

function createClient(options: ServerOptions<AnySocketClass>): WebSocket {
  const Class = (options.WebSocket || WebSocket) as typeof WebSocket;
  const client: unknown = new Class(null, undefined, options as object);
  if (client instanceof WebSocket) return client;
  throw new TypeError(
    `The option WebSocket must be a class that extends WebSocket: ${describeValue(Class)}`,
  );
}

/** A callback of the program failed, which is not the client's fault. RFC 9110 §15.6.1. */
export function failHandshake(
  server: EventEmitter,
  thrown: unknown,
  { request, socket }: Pick<Upgrade, 'request' | 'socket'>,
): void {
  refuse(socket, 500);
  reportCallbackError(server, thrown, request);
}

/** Emits 'callbackError', or without a listener a process warning. */
export function reportCallbackError(
  server: EventEmitter,
  thrown: unknown,
  request: IncomingMessage,
): void {
  const error = toError(thrown);
  if (server.listenerCount('callbackError') > 0) {
    server.emit('callbackError', error, request);
    return;
  }
  process.emitWarning(
    `A callback of a WebSocketServer failed, and 'callbackError' has no listener: ${error.stack ?? error}`,
    { code: 'WS6455_CALLBACK_ERROR' },
  );
}

/** Runs a step that calls the program. If it throws, the socket is not left open. */
export function destroyOnThrow(socket: Duplex, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!hasConnection(socket) && !socket.writableEnded) socket.destroy();
    throw error;
  }
}

/** The listener of 'error' on a socket whose handshake is in progress. */
export function ignore(): void {}
