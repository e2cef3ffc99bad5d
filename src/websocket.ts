/** The face of one connection: arguments, state, events; the work is done below. */

import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { ClientRequest, ClientRequestArgs, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { readClientOptions } from './client-options.js';
import { Connection } from './connection.js';
import {
  type BinaryType,
  callbackAmong,
  isBinaryType,
  lengthOf,
  readBlob,
  toBinary,
  toClose,
  toControlPayload,
  toPayload,
  toSubprotocols,
} from './data.js';
import { type Established, Establishment } from './establish.js';
import {
  addEventListener,
  defineAttributes,
  type Event,
  isListenedType,
  type Listener,
  removeEventListener,
  WAS_CLEAN,
} from './events.js';
import type {
  ClientOptions,
  CloseInfo,
  ControlCallback,
  MaySendMore,
  SendOptions,
  SocketOptions,
} from './options.js';
import { PreparedMessage } from './prepared.js';
import { CloseCode, type ClosingState } from './protocol/close.js';
import type { Application } from './protocol/endpoint.js';
import { HandshakeError } from './protocol/errors.js';
import type { Extension } from './protocol/extension.js';
import { Opcode } from './protocol/frame.js';
import type { MessageData, Role } from './protocol/receiver.js';
import type { Sender } from './protocol/sender.js';
import type { SendCallback } from './protocol/write-batch.js';
import { DEFAULTS, endpointOptions, limitOf } from './settings.js';
import { time } from './time/time.js';

import type Face = require('./index.js');

type WebSocketEventMap = Face.WebSocketEventMap;

/** A listener in the way of browsers: one, set like a property. */
type Attribute<K extends keyof WebSocketEventMap> = ((event: WebSocketEventMap[K]) => void) | null;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** RFC 6455 §4.1, §7: how far a connection is, as WHATWG's WebSocket counts it. */
export type ReadyState = typeof CONNECTING | typeof OPEN | typeof CLOSING | typeof CLOSED;

const STATE_NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;
const NO_REASON = Buffer.alloc(0);

// Doors for the server and for what a connection tells, opened in the class's static block.
let agree: (
  ws: WebSocket,
  subprotocol: string,
  extension: Extension | undefined,
  onClosed: (ws: WebSocket) => void,
) => void;
let closed: (ws: WebSocket, code: number, reason: Buffer) => void;

/** What adapters for programs written for `ws` see of a WebSocket. */
export interface Inside {
  readonly connection: Connection | undefined;
  readonly establishment: Establishment | undefined;
  /** How many redirects a client followed. */
  readonly redirects: number;
  readonly extension: Extension | undefined;
  readonly application: Application;
  readonly failure: Error | undefined;
  role: Role;
}

let inside: (ws: WebSocket) => Inside;

/** Sends to a connection, past whatever stands in the place of its `send`. @returns if it is open */
let sendTo: (ws: WebSocket, prepared: PreparedMessage) => boolean;

export { agree, inside, sendTo };

/** Turns what a connection tells into events. */
class Delivery implements Application {
  binaryType: BinaryType = 'nodebuffer';
  private readonly ws: WebSocket;

  constructor(ws: WebSocket) {
    this.ws = ws;
  }

  onMessage(data: MessageData, isBinary: boolean): void {
    this.ws.emit('message', isBinary ? toBinary(data, this.binaryType) : data, isBinary);
  }

  onPing(payload: Buffer): void {
    this.ws.emit('ping', payload);
  }

  onPong(payload: Buffer): void {
    this.ws.emit('pong', payload);
  }

  onFailure(error: Error): void {
    this.ws.emit('error', error);
  }

  onDrain(): void {
    this.ws.emit('drain');
  }

  onClosed(code: number, reason: Buffer): void {
    closed(this.ws, code, reason);
  }
}

/**
 * A WebSocket: one end of a connection. A client makes it with a URL; a server hands it out with
 * its 'connection' event.
 */
export class WebSocket extends EventEmitter {
  /** The opening handshake is under way. */
  declare static readonly CONNECTING: 0;
  /** Messages go both ways. */
  declare static readonly OPEN: 1;
  /** The closing handshake is under way, or the connection is being failed. */
  declare static readonly CLOSING: 2;
  /** The connection is closed. */
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  /** The listener of 'open'. */
  declare onopen: Attribute<'open'>;
  /** The listener of 'message'. */
  declare onmessage: Attribute<'message'>;
  /** The listener of 'close'. */
  declare onclose: Attribute<'close'>;
  /** The listener of 'error'. */
  declare onerror: Attribute<'error'>;

  /** How the connection ended; undefined until 'close'. */
  closeInfo: CloseInfo | undefined;

  #establishment: Establishment | undefined;
  #connection: Connection | undefined;
  readonly #delivery = new Delivery(this);
  readonly #options: ClientOptions;
  #role: Role;
  /** The state before there is a connection, and when all is over. */
  #state: ReadyState = CONNECTING;
  /** The server that handed it out, to be told before any listener of 'close'. */
  #toldFirst: ((ws: WebSocket) => void) | undefined;
  /** What made the opening handshake fail. */
  #failure: Error | undefined;
  #paused = false;
  /** Where a client connects to, and how many redirects led there. */
  #address: { url: string; redirects: number } | undefined;
  #subprotocol = '';
  #extension: Extension | undefined;
  /** Bytes given to `send` after it could still send them. */
  #unsendable = 0;

  static {
    agree = (ws, subprotocol, extension, onClosed) => {
      ws.#subprotocol = subprotocol;
      ws.#extension = extension;
      ws.#toldFirst = onClosed;
    };
    closed = (ws, code, reason) => ws.#onClosed(code, reason);
    sendTo = (ws, prepared) => {
      const sender = ws.#connection?.endpoint.sender;
      return sender !== undefined && prepared.sendBy(sender, ws.#extension, undefined);
    };
    inside = (ws) => ({
      connection: ws.#connection,
      establishment: ws.#establishment,
      redirects: ws.#establishment?.redirects ?? ws.#address?.redirects ?? 0,
      extension: ws.#extension,
      application: ws.#delivery,
      failure: ws.#failure,
      get role() {
        return ws.#role;
      },
      set role(role) {
        ws.#role = role;
      },
    });
  }

  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions | ClientRequestArgs,
    options?: (ClientOptions & { isServer?: boolean | undefined }) | ClientRequestArgs,
  ) {
    super();
    const given = isOptions(protocols) ? protocols : options;
    if (address === null) {
      this.#role = (options as { isServer?: boolean })?.isServer === false ? 'client' : 'server';
      this.#options = (given ?? {}) as ClientOptions;
      return;
    }
    this.#role = 'client';
    this.#options = readClientOptions(given);
    const asked = isOptions(protocols) ? undefined : (protocols as string | string[] | undefined);
    const subprotocols = toSubprotocols(asked === undefined ? this.#options.protocols : asked);
    this.#establishment = new Establishment(
      address,
      [...subprotocols],
      this.#options,
      this.#establishing(),
    );
    this.#establishment.start();
  }

  /** RFC 6455 §4.1, §7: 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED. */
  get readyState(): ReadyState {
    const connection = this.#connection;
    if (connection === undefined || this.#state === CLOSED) return this.#state;
    return stateOf(connection.endpoint.state);
  }

  /** The URL in use; undefined for a socket that a server handed out. */
  get url(): string {
    return this.#address?.url as string; // typed as programs written for `ws` expect it
  }

  /** The subprotocol agreed on, '' if there is none. RFC 6455 §1.9. */
  get protocol(): string {
    return this.#subprotocol;
  }

  /** The names of the extensions agreed on, '' if there are none. RFC 6455 §9. */
  get extensions(): string {
    return this.#extension?.name ?? '';
  }

  /** Bytes that were sent and have not left yet, framing included. */
  get bufferedAmount(): number {
    return (this.#connection?.bufferedAmount ?? 0) + this.#unsendable;
  }

  /** Whether `pause` was called last. */
  get isPaused(): boolean {
    return this.#paused;
  }

  /** In which form binary messages are delivered; default 'nodebuffer'. Others are ignored. */
  get binaryType(): BinaryType {
    return this.#delivery.binaryType;
  }

  set binaryType(type: BinaryType) {
    if (!isBinaryType(type)) return;
    this.#delivery.binaryType = type;
    if (this.#connection !== undefined) {
      this.#connection.endpoint.receiver.inFragments = type === 'fragments';
    }
  }

  /** @internal for the 'close' event's `wasClean` */
  get [WAS_CLEAN](): boolean {
    return this.#connection?.endpoint.wasClean ?? false;
  }

  send(data: unknown, options?: SendOptions | SendCallback, callback?: SendCallback): MaySendMore {
    this.#refuseWhileConnecting();
    const told = callbackAmong(options, callback);
    if (data instanceof PreparedMessage) return this.#sendPrepared(data, told);
    const settings = typeof options === 'function' ? undefined : options;
    const payload = toPayload(data);
    const isBinary = settings?.binary ?? typeof payload !== 'string';
    const fin = settings?.fin ?? true;
    const compress = settings?.compress ?? true;
    const endpoint = this.#connection?.endpoint;
    if (!endpoint || !sendPayload(endpoint.sender, payload, isBinary, fin, compress, told)) {
      this.#refuseToSend(payload, told);
      return false;
    }
    return endpoint.canSendMore();
  }

  #sendPrepared(prepared: PreparedMessage, told: SendCallback | undefined): boolean {
    const endpoint = this.#connection?.endpoint;
    if (!endpoint || !prepared.sendBy(endpoint.sender, this.#extension, told)) {
      this.#refuseToSend(prepared.payload, told);
      return false;
    }
    return endpoint.canSendMore();
  }

  /**
   * Sends a Ping. RFC 6455 §5.5.2.
   * @param data at most 125 bytes
   * @throws Error while connecting; RangeError for too much data
   */
  ping(data?: unknown, mask?: boolean | ControlCallback, callback?: ControlCallback): void {
    this.#control(Opcode.PING, data, mask, callback);
  }

  /**
   * Sends a Pong. RFC 6455 §5.5.3.
   * @param data at most 125 bytes
   * @throws Error while connecting; RangeError for too much data
   */
  pong(data?: unknown, mask?: boolean | ControlCallback, callback?: ControlCallback): void {
    this.#control(Opcode.PONG, data, mask, callback);
  }

  #control(
    opcode: number,
    data: unknown,
    mask: boolean | ControlCallback | undefined,
    callback: ControlCallback | undefined,
  ): void {
    this.#refuseWhileConnecting();
    const told = callbackAmong(data, mask, callback);
    const payload = typeof data === 'function' ? undefined : data;
    const connection = this.#connection;
    if (connection === undefined || connection.endpoint.state !== 'OPEN') {
      this.#refuseToSend(toPayload(payload), told);
      return;
    }
    const bytes = toControlPayload(payload);
    const { sender } = connection.endpoint;
    if (Buffer.isBuffer(bytes)) sender.sendControl(opcode, bytes, told);
    else {
      const frame = sender.sendUnreadControl(opcode, bytes.size, told);
      readBlob(bytes, (read) => sender.resolve(frame, read));
    }
  }

  /**
   * Starts the closing handshake. RFC 6455 §7.1.2. While connecting it gives the connection up.
   * @param code 1000 to 1014 but 1004 to 1006, or 3000 to 4999; none sends an empty Close
   * @param reason at most 123 bytes of UTF-8
   * @throws TypeError for another code or kind of reason; RangeError for a longer reason
   */
  close(code?: number, reason?: string | Uint8Array): void {
    if (this.readyState === CONNECTING) this.#giveUp();
    else if (this.readyState === OPEN) {
      this.#connection?.endpoint.startClosingHandshake(toClose(code, reason));
    }
  }

  /** Drops the connection. Nothing more is delivered; 'close' says 1006 unless a Close had come. */
  terminate(): void {
    if (this.readyState === CONNECTING) this.#giveUp();
    else if (this.#state !== CLOSED) this.#connection?.endpoint.terminate();
  }

  /** Stops delivering; TCP holds the peer back. Does nothing while connecting or when closed. */
  pause(): void {
    if (this.#connection === undefined || this.#state === CLOSED) return;
    this.#paused = true;
    this.#connection.pause();
  }

  /** Goes on delivering. Does nothing while connecting or when closed. */
  resume(): void {
    if (this.#connection === undefined || this.#state === CLOSED) return;
    this.#paused = false;
    this.#connection.resume();
  }

  /** Adds a listener in the way of browsers; it receives an event object. */
  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: Listener<WebSocketEventMap[K]>,
    options?: { once?: boolean | undefined },
  ): void {
    if (!isListenedType(type)) return;
    addEventListener(this, type, listener as Listener<Event>, options?.once === true);
  }

  /** Removes a listener that `addEventListener` added. */
  removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: Listener<WebSocketEventMap[K]>,
  ): void {
    if (isListenedType(type)) removeEventListener(this, type, listener);
  }

  /**
   * Puts the connection on a Duplex whose opening handshake is over, and emits 'open'.
   * @param head bytes that came behind the handshake
   * @param options limits; those left out are off
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions = {}): void {
    const settings = endpointOptions(this.#role, options, this.#options, this.#extension);
    const isPlain = Object.getPrototypeOf(socket) === Socket.prototype;
    this.#connection = new Connection(socket, isPlain, settings, this.#delivery);
    this.#connection.endpoint.receiver.inFragments = this.binaryType === 'fragments';
    this.#connection.start(head);
    this.emit('open');
  }

  /** Marks the connection as closed and emits 'close'. */
  emitClose(): void {
    const received = this.#connection?.endpoint.received;
    this.#onClosed(received?.code ?? CloseCode.ABNORMAL, received?.reason ?? NO_REASON);
  }

  #onClosed(code: number, reason: Buffer): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.closeInfo = this.#connection?.describeClose() ?? { wasClean: false };
    if (this.#failure !== undefined) this.closeInfo.error = this.#failure;
    this.#toldFirst?.(this);
    this.emit('close', code, reason);
  }

  #refuseWhileConnecting(): void {
    if (this.#connection === undefined && this.readyState === CONNECTING) {
      throw new Error('WebSocket is not open: readyState 0 (CONNECTING)');
    }
  }

  /** RFC 6455 §6.1: when the connection is no longer open, the message is not sent. */
  #refuseToSend(payload: Buffer | string | Blob, callback: SendCallback | undefined): void {
    this.#unsendable += lengthOf(payload);
    if (callback === undefined) return;
    const state = this.readyState;
    const error = new Error(`WebSocket is not open: readyState ${state} (${STATE_NAMES[state]})`);
    time.nextTick(callback, error);
  }

  #giveUp(): void {
    const error = new HandshakeError('CLOSED_EARLY');
    if (this.#establishment !== undefined) {
      this.#establishment.abort(error);
      return;
    }
    this.#startFailing();
    time.nextTick(() => this.#fail(error));
  }

  /** The opening handshake is failing: 'error' and 'close' follow. */
  #startFailing(): void {
    if (this.#state !== CLOSED) this.#state = CLOSING;
  }

  #fail(error: Error): void {
    this.#failure = error;
    try {
      this.emit('error', error);
    } finally {
      this.emitClose();
    }
  }

  #establishing() {
    return {
      onAddress: (url: string, redirects: number) => {
        this.#address = { url, redirects };
      },
      onRedirect: (url: string, request: ClientRequest) => {
        this.emit('redirect', url, request);
      },
      watchesRedirects: () => this.listenerCount('redirect') > 0,
      finishRequest: (request: ClientRequest): unknown =>
        this.#options.finishRequest?.(request, this),
      onUpgrade: (response: IncomingMessage) => {
        this.emit('upgrade', response);
      },
      onUnexpectedResponse: (request: ClientRequest, response: IncomingMessage) =>
        this.emit('unexpected-response', request, response),
      onEstablished: (socket: Duplex, head: Buffer, agreed: Established) => {
        this.#establishment = undefined;
        this.#subprotocol = agreed.subprotocol;
        this.#extension = agreed.extension;
        const { maxPayload, maxFragments } = this.#options;
        this.setSocket(socket, head, {
          ...this.#options,
          maxPayload: limitOf(maxPayload, DEFAULTS.maxPayload),
          maxFragments: limitOf(maxFragments, DEFAULTS.maxFragments),
        });
      },
      onFailing: () => this.#startFailing(),
      onFailure: (error: Error) => this.#fail(error),
    };
  }
}

/** @returns false if a Close was sent or the wire is gone: then nothing is sent */
function sendPayload(
  sender: Sender,
  payload: Buffer | string | Blob,
  isBinary: boolean,
  fin: boolean,
  compress: boolean,
  callback: SendCallback | undefined,
): boolean {
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) {
    return sender.sendMessage(payload, isBinary, fin, compress, callback);
  }
  const frame = sender.sendUnreadMessage(payload.size, isBinary, fin, compress, callback);
  if (frame !== undefined) readBlob(payload, (bytes) => sender.resolve(frame, bytes));
  return frame !== undefined;
}

function isOptions(value: unknown): value is ClientOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function stateOf(state: ClosingState): ReadyState {
  if (state === 'OPEN') return OPEN;
  return state === 'CLOSED' ? CLOSED : CLOSING;
}

for (const [value, name] of STATE_NAMES.entries()) {
  const constant = { enumerable: true, value };
  Object.defineProperty(WebSocket, name, constant);
  Object.defineProperty(WebSocket.prototype, name, constant);
}

defineAttributes(WebSocket.prototype);

// Programs that copy or list an object's properties find them as in `ws` and in browsers.
for (const name of [
  'binaryType',
  'bufferedAmount',
  'extensions',
  'isPaused',
  'protocol',
  'readyState',
  'url',
]) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
