/**
 * Private members of `ws` that programs read. Each is computed when it is read. Assigning to a member
 * replaces it, as a subclass with a field of that name expects.
 */

import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { toLimit } from '../connection/options.js';
import { time } from '../connection/time.js';
import { type Close, CloseCode, readClose } from '../protocol/close.js';
import type { Application } from '../protocol/endpoint.js';
import { ProtocolError } from '../protocol/errors.js';
import type { ExtensionOffer } from '../protocol/extension.js';
import { Opcode } from '../protocol/frame.js';
import type { FrameObserver } from '../protocol/frame-observer.js';
import type { ControlSink, MessageData, MessageSink } from '../protocol/receiver.js';
import type { SendCallback } from '../protocol/write-batch.js';
import type { Lifecycle } from '../server/lifecycle.js';
import { lifecycleOf, type WebSocketServer } from '../server/websocket-server.js';
import { sendFramesLimited } from '../websocket/outgoing.js';
import type { Session } from '../websocket/session.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';

const NO_REASON = Buffer.alloc(0);

/** Reads a member from the state of an object, and sets it if that has an effect. */
interface Member<State, Owner> {
  read(state: State, owner: Owner): unknown;
  write?(state: State, value: unknown): void;
}

type Members<State, Owner> = Record<string, Member<State, Owner>>;

/** @param stateOf returns undefined for objects without state, where the members are undefined */
function install<State, Owner extends object>(
  prototype: Owner,
  stateOf: (owner: Owner) => State | undefined,
  members: Members<State, Owner>,
): void {
  for (const [name, { read, write }] of Object.entries(members)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: Owner) {
        const state = stateOf(this);
        return state && read(state, this);
      },
      set(this: Owner, value: unknown) {
        const state = stateOf(this);
        if (state !== undefined && write !== undefined) write(state, value);
        else keep(this, name, value);
      },
    });
  }
}

/** Defines a member on the object itself. */
function keep(on: object, name: string, value: unknown): void {
  Object.defineProperty(on, name, { configurable: true, writable: true, value });
}

/** Defines the private members of a WebSocket. */
export function installMembers(prototype: WebSocket): void {
  install<Session, WebSocket>(prototype, sessionOf, {
    // engine.io reads its `remoteAddress`, engine.io-client calls its `unref`.
    _socket: { read: ({ connection }) => socketOf(connection) },
    // socket.io sends frames with it that it creates once for a room.
    _sender: { read: senderOf },
    // Programs lower its `_maxPayload` until a client has logged in, and replace its listeners.
    _receiver: { read: receiverOf },
    // @fastify/websocket sets it to make an unconnected object a client.
    _isServer: { read: ({ role }) => role === 'server', write: setRole },
    _autoPong: {
      read: ({ connection }) => connection?.endpoint.autoPong ?? true,
      write: ({ connection }, autoPong) => {
        if (connection !== undefined) connection.endpoint.autoPong = Boolean(autoPong);
      },
    },
    // Programs find out which end closed the connection.
    _closeFrameReceived: { read: (session) => receivedOf(session) !== undefined },
    _closeFrameSent: { read: ({ connection }) => connection?.endpoint.sent !== undefined },
    _closeCode: { read: (session) => receivedOf(session)?.code ?? CloseCode.ABNORMAL },
    _closeMessage: { read: (session) => receivedOf(session)?.reason ?? NO_REASON },
    _closeTimer: { read: ({ connection }) => connection?.closeTimer ?? null },
    _errorEmitted: { read: hasFailed },
    // Proxies and adapters read the opening handshake in progress.
    _req: { read: ({ handshake }) => handshake?.request ?? null },
    _redirects: { read: redirectsOf },
    _extensions: { read: extensionsOf },
    // The same as the public members of these names.
    _binaryType: { read: (_, ws) => ws.binaryType },
    _bufferedAmount: { read: (_, ws) => ws.bufferedAmount },
    _paused: { read: (_, ws) => ws.isPaused },
    _protocol: { read: (_, ws) => ws.protocol },
    _readyState: { read: (_, ws) => ws.readyState },
    _url: { read: (_, ws) => ws.url },
  });
}

/** Defines the private members of a server. */
export function installServerMembers(prototype: WebSocketServer): void {
  const phases = ['RUNNING', 'CLOSING', 'CLOSED'];
  install<Lifecycle, WebSocketServer>(prototype, lifecycleOf, {
    // Programs read the http server of `port`, and the progress of closing.
    _server: { read: ({ http }) => http ?? null },
    _state: { read: ({ phase }) => phases.indexOf(phase) },
    // Programs that share an http server detach a WebSocketServer from it.
    _removeListeners: { read: (lifecycle) => () => lifecycle.detach() },
  });
}

/** Returns the socket. Sent frames are flushed first, because the program may write to it. */
function socketOf(connection: Connection | undefined): Duplex | null {
  connection?.flush();
  return connection?.socket ?? null;
}

function setRole(session: Session, isServer: unknown): void {
  session.role = isServer ? 'server' : 'client';
}

function receivedOf({ connection }: Session): Close | undefined {
  return connection?.endpoint.received;
}

function redirectsOf({ handshake, address }: Session): number {
  return handshake?.redirects ?? address?.redirects ?? 0;
}

function hasFailed({ connection, failure }: Session): boolean {
  const { violation, failure: ours } = connection?.endpoint ?? {};
  return (violation ?? ours ?? failure) !== undefined;
}

function extensionsOf({ extension }: Session): object {
  if (extension === undefined) return {};
  const { response } = extension as { response?: ExtensionOffer };
  return { [extension.name]: { params: paramsOf(response) } };
}

/** Returns parameters in the form of `ws`: window bits are numbers. */
function paramsOf(response: ExtensionOffer | undefined): object {
  const entries = (response?.parameters ?? []).map(([name, value]) => [
    name,
    value === true ? value : Number(value),
  ]);
  return Object.fromEntries(entries);
}

/** The members of the `_sender` of `ws` that programs use. */
class SenderView {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** See `Session` for the reason. */
  get [Symbol.toStringTag](): string {
    return 'Sender';
  }

  get _socket(): Duplex | null {
    return socketOf(this.connection);
  }

  get _bufferedBytes(): number {
    return this.connection.endpoint.sender.queuedLength;
  }

  /** Sends frames of `Sender.frame`. RFC 6455 §5.5.1 MUST NOT: no data follows a Close. */
  sendFrame(parts: readonly (Buffer | string)[], callback?: SendCallback): void {
    const { endpoint, limit } = this.connection;
    const isSent =
      limit === undefined
        ? endpoint.sender.sendFramed(parts, callback)
        : sendFramesLimited(limit, parts, callback) !== 'rejected';
    if (!isSent && callback !== undefined) {
      time.nextTick(callback, new Error('The socket is closed'));
    }
  }
}

const senders = new WeakMap<Connection, SenderView>();

/** One for each connection: a WebSocket and an object that inherits from it have the same. */
function senderOf({ connection }: Session): SenderView | null {
  if (connection === undefined) return null;
  const sender = senders.get(connection) ?? new SenderView(connection);
  senders.set(connection, sender);
  return sender;
}

/**
 * The members of the `_receiver` of `ws` that programs use: limits and events. After its first access
 * it emits all received messages and control frames. The first listener of each event is the default
 * one, so a program that removes that listener replaces the default.
 */
class ReceiverView extends EventEmitter implements MessageSink, ControlSink {
  private readonly connection: Connection;
  private closePayload: Buffer = NO_REASON;

  constructor(connection: Connection, application: Application) {
    super();
    this.connection = connection;
    const { endpoint } = connection;
    this.on('message', (data: MessageData, isBinary: boolean) =>
      application.onMessage(data, isBinary),
    );
    this.on('ping', (payload: Buffer) => endpoint.onControl(Opcode.PING, payload));
    this.on('pong', (payload: Buffer) => endpoint.onControl(Opcode.PONG, payload));
    this.on('conclude', () => endpoint.onControl(Opcode.CLOSE, this.closePayload));
    this.on('error', (error: ProtocolError) => endpoint.onViolation(error));
    this.on('drain', () => connection.continueReading());
    endpoint.receiver.redirect(this, this);
  }

  get [Symbol.toStringTag](): string {
    return 'Receiver';
  }

  get frames(): FrameObserver | undefined {
    return this.connection.endpoint.frames;
  }

  get _maxPayload(): number {
    return this.connection.endpoint.receiver.options.maxPayload;
  }

  set _maxPayload(bytes: number) {
    const { receiver } = this.connection.endpoint;
    receiver.options = { ...receiver.options, maxPayload: toLimit(bytes, 0) };
  }

  get _skipUTF8Validation(): boolean {
    return !this.connection.endpoint.receiver.options.checkUtf8;
  }

  set _skipUTF8Validation(skip: boolean) {
    const { receiver } = this.connection.endpoint;
    receiver.options = { ...receiver.options, checkUtf8: !skip };
  }

  onMessage(data: MessageData, isBinary: boolean): void {
    this.emit('message', data, isBinary);
  }

  onControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.CLOSE) this.onClose(payload);
    else this.emit(opcode === Opcode.PING ? 'ping' : 'pong', payload);
  }

  onViolation(error: ProtocolError): void {
    this.emit('error', error);
  }

  onDecoded(): void {
    this.connection.endpoint.onDecoded();
  }

  private onClose(payload: Buffer): void {
    this.closePayload = payload;
    const close = readClose(payload, !this._skipUTF8Validation);
    if (close instanceof ProtocolError) this.onViolation(close);
    else this.emit('conclude', close.code, close.reason);
  }
}

const receivers = new WeakMap<Connection, ReceiverView>();

/** One for each connection: a second one would take the messages of the first. */
function receiverOf(session: Session): ReceiverView | null {
  const { connection } = session;
  if (connection === undefined) return null;
  const receiver = receivers.get(connection) ?? new ReceiverView(connection, session);
  receivers.set(connection, receiver);
  return receiver;
}
