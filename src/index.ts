/** What `require('ws6455')` gives: the WebSocket class, with everything else on it, and the types. */

import type { EventEmitter } from 'node:events';
import type { ClientRequestArgs, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { extension, subprotocol } from './compat/extension.js';
import { installMembers, installServerMembers } from './compat/members.js';
import * as deflate from './compat/permessage-deflate.js';
import * as receiver from './compat/receiver.js';
import * as sender from './compat/sender.js';
import type * as data from './data.js';
import type * as events from './events.js';
import type * as options from './options.js';
import * as prepared from './prepared.js';
import * as errors from './protocol/errors.js';
import type { SendCallback } from './protocol/write-batch.js';
import { createWebSocketStream } from './stream.js';
import * as face from './websocket.js';
import * as server from './websocket-server.js';

installMembers(face.WebSocket.prototype, face.inside);
installServerMembers(server.WebSocketServer.prototype, server.insideServer);

/**
 * RFC 6455 WebSocket. Made with a URL it is a client; the connections that a
 * {@link WebSocket.WebSocketServer} hands out are instances of it as well.
 */
const WebSocket: WebSocket.Module = Object.assign(face.WebSocket, {
  WebSocket: face.WebSocket,
  WebSocketServer: server.WebSocketServer,
  /** The same class as `WebSocketServer`. */
  Server: server.WebSocketServer,
  createWebSocketStream,
  prepareMessage: prepared.prepareMessage,
  extension,
  PerMessageDeflate: deflate.PerMessageDeflate,
  Receiver: receiver.Receiver,
  Sender: sender.Sender,
  subprotocol,
  WebSocketError: errors.WebSocketError,
  HandshakeError: errors.HandshakeError,
  ProtocolError: errors.ProtocolError,
});

type Socket = WebSocket;
type Request = typeof IncomingMessage;

/**
 * One end of a connection. Everything that programs see of it is named here and not taken from the
 * class: stand-ins may implement it, and programs may add members of their own to it.
 */
interface WebSocket extends events.Heard<events.WebSocketEvents> {
  /** The opening handshake is under way. */
  readonly CONNECTING: 0;
  /** Messages go both ways. */
  readonly OPEN: 1;
  /** The closing handshake is under way, or the connection is being failed. */
  readonly CLOSING: 2;
  /** The connection is closed. */
  readonly CLOSED: 3;

  /** In which form binary messages are delivered; default 'nodebuffer'. Others are ignored. */
  binaryType: WebSocket.BinaryType;
  /** Bytes that were sent and have not left yet, framing included. */
  readonly bufferedAmount: number;
  /** How the connection ended; undefined until 'close'. */
  closeInfo?: WebSocket.CloseInfo | undefined;
  /** The names of the extensions agreed on, '' if there are none. RFC 6455 §9. */
  readonly extensions: string;
  /** Whether `pause` was called last. */
  readonly isPaused: boolean;
  /** The subprotocol agreed on, '' if there is none. RFC 6455 §1.9. */
  readonly protocol: string;
  /** RFC 6455 §4.1, §7: 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED. */
  readonly readyState: WebSocket.ReadyState;
  /** The URL in use; undefined for a socket that a server handed out. */
  readonly url: string;

  /** The listener of 'open'. */
  onopen: ((event: WebSocket.Event) => void) | null;
  /** The listener of 'message'. */
  onmessage: ((event: WebSocket.MessageEvent) => void) | null;
  /** The listener of 'close'. */
  onclose: ((event: WebSocket.CloseEvent) => void) | null;
  /** The listener of 'error'. */
  onerror: ((event: WebSocket.ErrorEvent) => void) | null;

  /**
   * Sends a message, or with `{ fin: false }` a fragment of one. RFC 6455 §5.4, §6.1.
   * @param callback called when the message left, or with the error that kept it from leaving
   * @returns false when the caller should wait for 'drain' before it sends more, as `write` of a
   * stream does; what was given is sent all the same
   * @throws Error while connecting; TypeError for data that has no bytes. When the connection is
   * closing or closed nothing is thrown: the callback gets the error.
   */
  send(data: WebSocket.BufferLike, callback?: SendCallback): options.MaySendMore;
  send(
    data: WebSocket.BufferLike,
    options: undefined,
    callback?: SendCallback,
  ): options.MaySendMore;
  send(
    data: WebSocket.BufferLike,
    options: WebSocket.SendOptions,
    callback?: SendCallback,
  ): options.MaySendMore;

  /**
   * Sends a Ping. RFC 6455 §5.5.2.
   * @param data at most 125 bytes
   * @throws Error while connecting; RangeError for too much data
   */
  ping(
    data?: unknown,
    mask?: boolean | options.ControlCallback,
    callback?: options.ControlCallback,
  ): void;

  /**
   * Sends a Pong. RFC 6455 §5.5.3.
   * @param data at most 125 bytes
   * @throws Error while connecting; RangeError for too much data
   */
  pong(
    data?: unknown,
    mask?: boolean | options.ControlCallback,
    callback?: options.ControlCallback,
  ): void;

  /**
   * Starts the closing handshake. RFC 6455 §7.1.2. While connecting it gives the connection up.
   * @param code 1000 to 1014 but 1004 to 1006, or 3000 to 4999; none sends an empty Close
   * @param reason at most 123 bytes of UTF-8
   * @throws TypeError for another code or kind of reason; RangeError for a longer reason
   */
  close(code?: number, reason?: string | Uint8Array): void;

  /** Drops the connection. Nothing more is delivered; 'close' says 1006 unless a Close had come. */
  terminate(): void;
  /** Stops delivering; TCP holds the peer back. Does nothing while connecting or when closed. */
  pause(): void;
  /** Goes on delivering. Does nothing while connecting or when closed. */
  resume(): void;

  /** Adds a listener in the way of browsers; it receives an event object. */
  addEventListener<K extends keyof WebSocket.WebSocketEventMap>(
    type: K,
    listener: events.Listener<WebSocket.WebSocketEventMap[K]>,
    options?: WebSocket.EventListenerOptions,
  ): void;
  /** Removes a listener that `addEventListener` added. */
  removeEventListener<K extends keyof WebSocket.WebSocketEventMap>(
    type: K,
    listener: events.Listener<WebSocket.WebSocketEventMap[K]>,
  ): void;
}

// The names that programs written for `ws` and its types use, and ours beside them.
declare namespace WebSocket {
  interface WebSocket extends Socket {}

  /** An object without a connection, as `new WebSocket(null)` makes it. For adapters. */
  interface Unconnected extends Socket {
    /**
     * Puts the connection on a Duplex whose opening handshake is over, and emits 'open'.
     * @param head bytes that came behind the handshake
     * @param options limits; those left out are off
     */
    setSocket(socket: Duplex, head: Buffer, options?: SocketOptions): void;
    /** Marks the connection as closed and emits 'close'. */
    emitClose(): void;
  }

  /** The class WebSocket. */
  interface SocketClass extends Omit<typeof EventEmitter, 'prototype'> {
    /** Makes an {@link Unconnected} object, by default a server's end. */
    new (
      address: null,
      protocols?: undefined,
      options?: ClientOptions & { isServer?: boolean | undefined },
    ): Socket;
    /**
     * Connects to a server.
     * @param address `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`
     * @param protocols subprotocols to ask for, in the order of preference
     * @throws SyntaxError for a URL or subprotocol that can't be used; RangeError for a protocol
     * version other than 13. What goes wrong later is told by 'error', then 'close'.
     */
    new (address: string | URL, options?: ClientOptions | ClientRequestArgs): Socket;
    new (
      address: string | URL,
      protocols?: string | string[],
      options?: ClientOptions | ClientRequestArgs,
    ): Socket;
    readonly prototype: Socket;
    /** The opening handshake is under way. */
    readonly CONNECTING: 0;
    /** Messages go both ways. */
    readonly OPEN: 1;
    /** The closing handshake is under way, or the connection is being failed. */
    readonly CLOSING: 2;
    /** The connection is closed. */
    readonly CLOSED: 3;
  }

  /** A server of WebSockets: on a port of its own, on an http server, or fed by `handleUpgrade`. */
  interface Server<T extends AnySocketClass = SocketClass, U extends Request = Request>
    extends events.Heard<server.WebSocketServerEvents<InstanceType<T>, InstanceType<U>>> {
    /** What was given, over the defaults. Read at each upgrade: changes take effect. */
    options: ServerOptions<T, U>;
    /** Never set, but in the types that programs are written for: it is `options.path`. */
    path: string;
    /** The open connections; undefined with `clientTracking: false`. */
    clients: Set<InstanceType<T>>;

    /** Where the server listens; null when it does not. @throws Error with `noServer` */
    address(): AddressInfo | string | null;
    /**
     * Stops accepting; connections stay open. Own http server: it is closed. Another's: it is left
     * alone. 'close' comes when the last client is gone.
     * @param callback called at 'close'; with an Error if the server was closed already
     */
    close(callback?: (error?: Error) => void): void;
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
    ): void;
    /**
     * Whether this server is meant. To be overridden; by default `options.path` decides. A Promise
     * is awaited.
     */
    shouldHandle(request: InstanceType<U>): boolean | Promise<boolean>;
    /**
     * Accepts a request that was found valid; the last step of `handleUpgrade`, which programs
     * written for `ws` call or replace. Always there; stand-ins need none.
     * @param extensions those that are in force, by their names
     * @param key the request's Sec-WebSocket-Key
     * @param subprotocols those the client asks for
     */
    completeUpgrade?(
      extensions: object,
      key: string,
      subprotocols: Set<string>,
      request: InstanceType<U>,
      socket: Duplex,
      head: Buffer,
      callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
    ): void;
  }

  interface WebSocketServer<T extends AnySocketClass = SocketClass, U extends Request = Request>
    extends Server<T, U> {
    /**
     * Sends one message to every open connection, framed and compressed once for all of them.
     * @param data as for `send`; a Blob has to be read first
     * @returns how many connections it was sent to
     * @throws TypeError for data that has no bytes; Error with `clientTracking: false`
     */
    broadcast(
      data: BufferLike | PreparedMessage,
      options?: BroadcastOptions<InstanceType<T>>,
    ): options.Reached;
  }

  /** The class WebSocketServer. */
  interface ServerClass extends Omit<typeof EventEmitter, 'prototype'> {
    /**
     * @param options exactly one of `port`, `server` and `noServer` must be in it
     * @param callback a listener of 'listening', with `port`
     * @throws TypeError if none or several of these three are given; TypeError or RangeError for an
     * option that makes no sense
     */
    new <T extends AnySocketClass = SocketClass, U extends Request = Request>(
      options?: ServerOptions<T, U>,
      callback?: () => void,
    ): WebSocketServer<T, U>;
    // biome-ignore lint/suspicious/noExplicitAny: as for every generic class
    readonly prototype: WebSocketServer<any, any>;
  }

  /** What `require` gives. */
  interface Module extends SocketClass {
    readonly WebSocket: SocketClass;
    readonly WebSocketServer: ServerClass;
    /** The same class as `WebSocketServer`. */
    readonly Server: ServerClass;
    readonly createWebSocketStream: typeof createWebSocketStream;
    readonly prepareMessage: typeof prepared.prepareMessage;
    readonly extension: typeof extension;
    readonly PerMessageDeflate: typeof deflate.PerMessageDeflate;
    readonly Receiver: typeof receiver.Receiver;
    readonly Sender: typeof sender.Sender;
    readonly subprotocol: typeof subprotocol;
    readonly WebSocketError: typeof errors.WebSocketError;
    readonly HandshakeError: typeof errors.HandshakeError;
    readonly ProtocolError: typeof errors.ProtocolError;
  }

  type AnySocketClass = options.AnySocketClass;

  // Declared here, so that programs can add members of their own.
  interface ServerOptions<T extends AnySocketClass = SocketClass, U extends Request = Request>
    extends options.ServerOptions<T, U> {}
  interface ClientOptions extends options.ClientOptions {}
  interface PerMessageDeflateOptions extends options.PerMessageDeflateOptions {}

  type ConnectionOptions = options.ConnectionOptions;
  type FinishRequestCallback = options.FinishRequestCallback;
  type VerifyClientInfo<R extends IncomingMessage = IncomingMessage> = options.VerifyClientInfo<R>;
  type VerifyClientCallbackSync<R extends IncomingMessage = IncomingMessage> =
    options.VerifyClientCallbackSync<R>;
  type VerifyClientCallbackAsync<R extends IncomingMessage = IncomingMessage> =
    options.VerifyClientCallbackAsync<R>;
  type SendOptions = options.SendOptions;
  type SocketOptions = options.SocketOptions;
  type CloseInfo = options.CloseInfo;
  type RawData = data.RawData;
  type Data = string | data.RawData;
  type BinaryType = data.BinaryType;
  type BufferLike = data.BufferLike;
  type CertMeta = string | string[] | Buffer | Buffer[];
  type ReadyState = face.ReadyState;
  type WebSocketEvents = events.WebSocketEvents;

  /** Where a server listens. */
  interface AddressInfo {
    address: string;
    family: string;
    port: number;
  }

  /** What every listener added with `addEventListener` receives. */
  interface Event {
    /** The name of the event. */
    type: string;
    /** The WebSocket it happened to. */
    target: WebSocket;
  }

  /** A message came. RFC 6455 §6.2. */
  interface MessageEvent extends Event {
    /** A string for text, else what `binaryType` asks for. */
    data: Data;
  }

  /** The connection is closed. RFC 6455 §7.1.4. */
  interface CloseEvent extends Event {
    /** Whether a Close frame went both ways. */
    wasClean: boolean;
    /** RFC 6455 §7.1.5: the peer's close code; 1005 if its Close had none, 1006 without a Close. */
    code: number;
    /** RFC 6455 §7.1.6: the peer's close reason. */
    reason: string;
  }

  /** The connection failed. */
  interface ErrorEvent extends Event {
    /** What happened. */
    // biome-ignore lint/suspicious/noExplicitAny: programs read `error.code` as they do of any error
    error: any;
    /** The error's message. */
    message: string;
  }

  /** What listeners added with `addEventListener` receive. */
  interface WebSocketEventMap {
    open: Event;
    message: MessageEvent;
    close: CloseEvent;
    error: ErrorEvent;
  }

  /** How a listener is added. */
  interface EventListenerOptions {
    /** Whether it is removed when it was called. Default false. */
    once?: boolean | undefined;
  }

  type PreparedMessage = prepared.PreparedMessage;
  type PrepareOptions = options.PrepareOptions;
  type BroadcastOptions<Client> = options.BroadcastOptions<Client>;
  type PerMessageDeflate = deflate.PerMessageDeflate;
  type Receiver = receiver.Receiver;
  type ReceiverOptions = receiver.ReceiverOptions;
  type Sender = sender.Sender;
  type FrameOptions = sender.FrameOptions;
  type WebSocketError = errors.WebSocketError;
  type HandshakeError = errors.HandshakeError;
  type ProtocolError = errors.ProtocolError;
}

export = WebSocket;
