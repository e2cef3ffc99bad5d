/**
 * Members that `ws` calls private and programs read all the same. They are made of what is really
 * there, when they are asked for; assigning to one puts the value in its place, as a subclass that
 * has a member of that name expects.
 */

import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { toLimit } from '../connection/options.js';
import { time } from '../connection/time.js';
import { CloseCode, readClose } from '../protocol/close.js';
import type { Application } from '../protocol/endpoint.js';
import { ProtocolError } from '../protocol/errors.js';
import type { ExtensionOffer } from '../protocol/extension.js';
import { Opcode } from '../protocol/frame.js';
import type { ControlSink, MessageData, MessageSink } from '../protocol/receiver.js';
import type { SendCallback } from '../protocol/write-batch.js';
import { lifecycleOf, type WebSocketServer } from '../server/websocket-server.js';
import type { Session } from '../websocket/session.js';
import { sessionOf, type WebSocket } from '../websocket/websocket.js';

const NO_REASON = Buffer.alloc(0);

/** How a member is read, and set where setting it has an effect. */
interface Member<T> {
  read(of: T): unknown;
  write?(of: T, value: unknown): void;
}

type Members<T> = Record<string, Member<T>>;

function install<T extends object>(prototype: T, members: Members<T>): void {
  for (const [name, { read, write }] of Object.entries(members)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: T) {
        return read(this);
      },
      set(this: T, value: unknown) {
        if (write !== undefined) write(this, value);
        else keep(this, name, value);
      },
    });
  }
}

/** Puts a value where the prototype's member was. */
function keep<T>(on: object, name: string, value: T): T {
  Object.defineProperty(on, name, { configurable: true, writable: true, value });
  return value;
}

/** Gives every WebSocket the members that programs written for `ws` reach for. */
export function installMembers(prototype: WebSocket): void {
  const endpoint = (ws: WebSocket) => sessionOf(ws).connection?.endpoint;
  install<WebSocket>(prototype, {
    // engine.io reads `remoteAddress`, engine.io-client calls `unref`, and many more.
    _socket: { read: (ws) => socketOf(sessionOf(ws).connection) },
    // socket.io sends frames that it made once for a whole room.
    _sender: { read: (ws) => senderOf(ws, sessionOf(ws)) },
    // Programs tighten `_maxPayload` until a client has logged in, and take Pings over.
    _receiver: { read: (ws) => receiverOf(ws, sessionOf(ws)) },
    // @fastify/websocket makes a client of an unconnected object.
    _isServer: {
      read: (ws) => sessionOf(ws).role === 'server',
      write: (ws, isServer) => {
        sessionOf(ws).role = isServer ? 'server' : 'client';
      },
    },
    _autoPong: {
      read: (ws) => endpoint(ws)?.autoPong ?? true,
      write: (ws, autoPong) => {
        const open = endpoint(ws);
        if (open !== undefined) open.autoPong = Boolean(autoPong);
      },
    },
    // Programs tell by these which end closed the connection.
    _closeFrameReceived: { read: (ws) => endpoint(ws)?.received !== undefined },
    _closeFrameSent: { read: (ws) => endpoint(ws)?.sent !== undefined },
    _closeCode: { read: (ws) => endpoint(ws)?.received?.code ?? CloseCode.ABNORMAL },
    _closeMessage: { read: (ws) => endpoint(ws)?.received?.reason ?? NO_REASON },
    _closeTimer: { read: (ws) => sessionOf(ws).connection?.closeTimer ?? null },
    _errorEmitted: { read: (ws) => hasFailed(sessionOf(ws)) },
    // Proxies and adapters look at the opening handshake under way.
    _req: { read: (ws) => sessionOf(ws).handshake?.request ?? null },
    _redirects: { read: (ws) => redirectsOf(sessionOf(ws)) },
    _extensions: { read: (ws) => extensionsOf(sessionOf(ws)) },
    // The same as the public members of these names.
    _binaryType: { read: (ws) => ws.binaryType },
    _bufferedAmount: { read: (ws) => ws.bufferedAmount },
    _paused: { read: (ws) => ws.isPaused },
    _protocol: { read: (ws) => ws.protocol },
    _readyState: { read: (ws) => ws.readyState },
    _url: { read: (ws) => ws.url },
  });
}

/** Gives every server the members that programs written for `ws` reach for. */
export function installServerMembers(prototype: WebSocketServer): void {
  const phases = ['RUNNING', 'CLOSING', 'CLOSED'];
  install<WebSocketServer>(prototype, {
    // Programs reach for the http server behind `port`, and for how far closing is.
    _server: { read: (server) => lifecycleOf(server).http ?? null },
    _state: { read: (server) => phases.indexOf(lifecycleOf(server).phase) },
    // Programs that share an http server take a WebSocketServer off it.
    _removeListeners: { read: (server) => () => lifecycleOf(server).detach() },
  });
}

/** The wire. A program that writes to it comes behind what was sent: that is flushed first. */
function socketOf(connection: Connection | undefined): Duplex | null {
  connection?.flush();
  return connection?.socket ?? null;
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

/** Parameters as `ws` keeps them: numbers for window bits. */
function paramsOf(answer: ExtensionOffer | undefined): object {
  const entries = (answer?.parameters ?? []).map(([name, value]) => [
    name,
    value === true ? value : Number(value),
  ]);
  return Object.fromEntries(entries);
}

/** What programs use of the `_sender` of `ws`. */
class SenderView {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get _socket(): Duplex | null {
    return socketOf(this.#connection);
  }

  get _bufferedBytes(): number {
    return this.#connection.endpoint.sender.queuedLength;
  }

  /** Sends frames that `Sender.frame` made; after a Close nothing may follow (RFC 6455 §5.5.1). */
  sendFrame(parts: readonly (Buffer | string)[], callback?: SendCallback): void {
    const { sender } = this.#connection.endpoint;
    if (!sender.sendFramed(parts, callback) && callback !== undefined)
      time.nextTick(callback, new Error('The socket is closed'));
  }
}

function senderOf(ws: WebSocket, { connection }: Session): SenderView | null {
  return connection === undefined ? null : keep(ws, '_sender', new SenderView(connection));
}

/**
 * What programs use of the `_receiver` of `ws`: its limits, and its events. From the moment that
 * it is asked for, everything received passes through its listeners; the first one of each event
 * does what is always done, so that removing it takes the event over.
 */
class ReceiverView extends EventEmitter implements MessageSink, ControlSink {
  readonly #connection: Connection;
  #closePayload: Buffer = NO_REASON;

  constructor(connection: Connection, application: Application) {
    super();
    this.#connection = connection;
    const { endpoint } = connection;
    this.on('message', (data: MessageData, isBinary: boolean) =>
      application.onMessage(data, isBinary),
    );
    this.on('ping', (payload: Buffer) => endpoint.onControl(Opcode.PING, payload));
    this.on('pong', (payload: Buffer) => endpoint.onControl(Opcode.PONG, payload));
    this.on('conclude', () => endpoint.onControl(Opcode.CLOSE, this.#closePayload));
    this.on('error', (error: ProtocolError) => endpoint.onViolation(error));
    this.on('drain', () => connection.continueReading());
    endpoint.receiver.redirect(this, this);
  }

  get _maxPayload(): number {
    return this.#connection.endpoint.receiver.options.maxPayload;
  }

  set _maxPayload(bytes: number) {
    const { receiver } = this.#connection.endpoint;
    receiver.options = { ...receiver.options, maxPayload: toLimit(bytes, 0) };
  }

  get _skipUTF8Validation(): boolean {
    return !this.#connection.endpoint.receiver.options.checkUtf8;
  }

  set _skipUTF8Validation(skip: boolean) {
    const { receiver } = this.#connection.endpoint;
    receiver.options = { ...receiver.options, checkUtf8: !skip };
  }

  onMessage(data: MessageData, isBinary: boolean): void {
    this.emit('message', data, isBinary);
  }

  onControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.CLOSE) this.#onClose(payload);
    else this.emit(opcode === Opcode.PING ? 'ping' : 'pong', payload);
  }

  onViolation(error: ProtocolError): void {
    this.emit('error', error);
  }

  onDecoded(): void {
    this.#connection.endpoint.onDecoded();
  }

  #onClose(payload: Buffer): void {
    this.#closePayload = payload;
    const close = readClose(payload, !this._skipUTF8Validation);
    if (close instanceof ProtocolError) this.onViolation(close);
    else this.emit('conclude', close.code, close.reason);
  }
}

function receiverOf(ws: WebSocket, session: Session): ReceiverView | null {
  const { connection } = session;
  if (connection === undefined) return null;
  return keep(ws, '_receiver', new ReceiverView(connection, session));
}
