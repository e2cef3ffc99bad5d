/** The package for `require`: the class WebSocket, with all other exports as properties. */

import type { EventEmitter } from 'node:events';
import type { ClientRequestArgs, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { debuglog } from 'node:util';
import type * as clientOptions from './client/options.js';
import { extension, subprotocol } from './compat/extension.js';
import * as deflate from './compat/permessage-deflate.js';
import { installMembers, installServerMembers } from './compat/private-members.js';
import * as receiver from './compat/receiver.js';
import * as sender from './compat/sender.js';
import type * as channels from './connection/channels.js';
import type * as closeInfo from './connection/close-info.js';
import type * as connectionOptions from './connection/options.js';
import type * as sendLimit from './connection/send-limit-settings.js';
import type * as tokenBucket from './connection/token-bucket.js';
import * as handshakeErrors from './handshake/errors.js';
import type * as origin from './handshake/origin.js';
import type * as deflateOptions from './permessage-deflate/options.js';
import * as errors from './protocol/errors.js';
import type * as proxy from './proxy/options.js';
import type * as admission from './server/admission-options.js';
import type * as serverApi from './server/api.js';
import type * as broker from './server/broker.js';
import type * as handler from './server/handler-api.js';
import { hardened } from './server/hardened.js';
import type * as serverOptions from './server/options.js';
import type * as shutdown from './server/shutdown-options.js';
import * as stats from './server/stats.js';
import type * as serverTopics from './server/topics-api.js';
import * as server from './server/websocket-server.js';
import type * as api from './websocket/api.js';
import * as closeErrors from './websocket/close-error.js';
import type * as iteration from './websocket/iteration-api.js';
import { createWebSocketStream } from './websocket/node-stream.js';
import type * as data from './websocket/payload.js';
import * as prepared from './websocket/prepared.js';
import type * as topics from './websocket/topics-api.js';
import type * as emitter from './websocket/typed-emitter.js';
import * as websocket from './websocket/websocket.js';

const debug = debuglog('ws6455');
if (debug.enabled) {
  const { startDebugLog } =
    require('./connection/debug-log.js') as typeof import('./connection/debug-log.js');
  startDebugLog((line) => debug('%s', line));
}

installMembers(websocket.WebSocket.prototype);
installServerMembers(server.WebSocketServer.prototype);

/**
 * RFC 6455 WebSocket. With a URL it is a client. The connections of a {@link WebSocket.WebSocketServer}
 * are instances too.
 */
const WebSocket: WebSocket.Module = Object.assign(websocket.WebSocket, {
  WebSocket: websocket.WebSocket as unknown as WebSocket.Module, // complete once this has run
  WebSocketServer: server.WebSocketServer,
  Server: server.WebSocketServer,
  createWebSocketStream,
  hardened,
  METRICS_CONTENT_TYPE: stats.METRICS_CONTENT_TYPE,
  prepareMessage: prepared.prepareMessage,
  extension,
  PerMessageDeflate: deflate.PerMessageDeflate,
  Receiver: receiver.Receiver,
  Sender: sender.Sender,
  subprotocol,
  WebSocketError: errors.WebSocketError,
  HandshakeError: handshakeErrors.HandshakeError,
  ProtocolError: errors.ProtocolError,
  CloseError: closeErrors.CloseError,
});

type Socket = WebSocket;
type Request = typeof IncomingMessage;

/**
 * One end of a connection. It is declared here, not derived from the class, so that other classes may
 * implement it and programs may add members.
 */
interface WebSocket
  extends emitter.TypedEmitter<emitter.WebSocketEvents>,
    api.WebSocketApi<WebSocket.WebSocketEventMap>,
    iteration.IterationApi,
    topics.SubscriberApi {}

// The names of `@types/ws`, and the names of this library.
declare namespace WebSocket {
  interface WebSocket extends Socket {}

  /** The result of `new WebSocket(null)`: an object without a connection, for adapters. */
  interface Unconnected extends Socket {
    /**
     * Starts a connection on a Duplex after its opening handshake, and emits 'open'.
     * @param head the bytes after the handshake
     * @param options the limits; the default of each is no limit
     */
    setSocket(socket: Duplex, head: Buffer, options?: SocketOptions): void;
    /** Sets `readyState` to CLOSED and emits 'close'. */
    emitClose(): void;
  }

  /** The class WebSocket. */
  interface SocketClass extends Omit<typeof EventEmitter, 'prototype'>, api.ReadyStates {
    /** Creates an {@link Unconnected} object, by default for a server. */
    new (
      address: null,
      protocols?: undefined,
      options?: ClientOptions & { isServer?: boolean | undefined },
    ): Socket;
    /**
     * Connects to a server.
     * @param address `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`
     * @param protocols subprotocols to request, in the order of preference
     * @throws SyntaxError for an invalid URL or subprotocol; RangeError for a protocol version other
     * than 13. Later errors are emitted as 'error', then 'close'.
     */
    new (address: string | URL, options?: ClientOptions | ClientRequestArgs): Socket;
    new (
      address: string | URL,
      protocols?: string | string[],
      options?: ClientOptions | ClientRequestArgs,
    ): Socket;
    readonly prototype: Socket;
    /**
     * Connects to a server, and resolves with the open WebSocket. Messages that arrive before the program
     * listens or iterates are held. The default of `unheardErrors` is 'close', so that no peer can end
     * the process.
     * @param address as for the constructor
     * @param protocols as for the constructor; the options may take its place
     * @returns a promise. It is rejected with a HandshakeError if the server refuses or the time is
     * over, with the error of the network, with an AbortError whose `cause` is the reason of `signal`,
     * and with what the constructor throws
     */
    connect<Class extends AnySocketClass>(
      this: Class,
      address: string | URL,
      options?: ClientOptions & iteration.ConnectOptions,
    ): Promise<InstanceType<Class>>;
    connect<Class extends AnySocketClass>(
      this: Class,
      address: string | URL,
      protocols?: string | string[],
      options?: ClientOptions & iteration.ConnectOptions,
    ): Promise<InstanceType<Class>>;
  }

  /** The members that servers of `ws` have too. */
  interface Server<
    T extends AnySocketClass = SocketClass,
    U extends Request = Request,
    Context = unknown,
  > extends emitter.TypedEmitter<
        serverApi.WebSocketServerEvents<WithContext<InstanceType<T>, Context>, InstanceType<U>>
      >,
      serverApi.ServerApi<WithContext<InstanceType<T>, Context>, InstanceType<U>> {
    /** The options, with defaults. They are read at each upgrade, so changes have an effect. */
    options: ServerOptions<T, U>;
  }

  /** @typeParam Context what `authenticate` returns, the type of `socket.context` */
  interface WebSocketServer<
    T extends AnySocketClass = SocketClass,
    U extends Request = Request,
    Context = unknown,
  > extends Server<T, U, Context>,
      serverApi.BroadcastApi<WithContext<InstanceType<T>, Context>, InstanceType<T>>,
      serverApi.EndpointsApi<T, U, Context>,
      serverApi.ShutdownApi,
      serverTopics.TopicsApi<InstanceType<T>> {}

  /** The class WebSocketServer. */
  interface ServerClass extends Omit<typeof EventEmitter, 'prototype'> {
    /**
     * @param options exactly one of `port`, `server` and `noServer` must be in it
     * @param callback a listener of 'listening', with `port`
     * @throws TypeError if none or several of these three are given; TypeError or RangeError for an
     * invalid option
     */
    new <T extends AnySocketClass = SocketClass, U extends Request = Request, Context = unknown>(
      options?: ServerOptions<T, U> & {
        authenticate?: Authenticate<InstanceType<U>, Context> | undefined;
      },
      callback?: () => void,
    ): WebSocketServer<T, U, Context>;
    // biome-ignore lint/suspicious/noExplicitAny: as for every generic class
    readonly prototype: WebSocketServer<any, any>;
  }

  /** The type of the package. */
  interface Module extends SocketClass {
    /** The same class again. */
    readonly WebSocket: Module;
    readonly WebSocketServer: ServerClass;
    /** The same class as `WebSocketServer`. */
    readonly Server: ServerClass;
    readonly createWebSocketStream: typeof createWebSocketStream;
    readonly hardened: typeof hardened;
    readonly METRICS_CONTENT_TYPE: string;
    readonly prepareMessage: typeof prepared.prepareMessage;
    readonly extension: typeof extension;
    readonly PerMessageDeflate: typeof deflate.PerMessageDeflate;
    readonly Receiver: typeof receiver.Receiver;
    readonly Sender: typeof sender.Sender;
    readonly subprotocol: typeof subprotocol;
    readonly WebSocketError: typeof errors.WebSocketError;
    readonly HandshakeError: typeof handshakeErrors.HandshakeError;
    readonly ProtocolError: typeof errors.ProtocolError;
    readonly CloseError: typeof closeErrors.CloseError;
  }

  type AnySocketClass = serverOptions.AnySocketClass<Socket>;

  // Declared here, so that programs can add members.
  interface ServerOptions<T extends AnySocketClass = SocketClass, U extends Request = Request>
    extends serverOptions.ServerOptions<T, U> {}
  interface ClientOptions extends clientOptions.ClientOptions<WebSocket> {}
  interface PerMessageDeflateOptions extends deflateOptions.PerMessageDeflateOptions {}

  type ConnectionOptions = connectionOptions.ConnectionOptions;
  type FinishRequestCallback = clientOptions.FinishRequestCallback<WebSocket>;
  type VerifyClientInfo<R extends IncomingMessage = IncomingMessage> =
    serverOptions.VerifyClientInfo<R>;
  type VerifyClientCallbackSync<R extends IncomingMessage = IncomingMessage> =
    serverOptions.VerifyClientCallbackSync<R>;
  type VerifyClientCallbackAsync<R extends IncomingMessage = IncomingMessage> =
    serverOptions.VerifyClientCallbackAsync<R>;
  type SendOptions = api.SendOptions;
  type MaxLifetime = serverOptions.MaxLifetime;
  type MessageRate = connectionOptions.MessageRate<WebSocket>;
  type RateVerdict = connectionOptions.RateVerdict;
  type HeartbeatOptions = connectionOptions.HeartbeatOptions;
  type MeasureOptions = api.MeasureOptions;
  type ConnectOptions = iteration.ConnectOptions;
  type MessagesOptions = iteration.MessagesOptions;
  type ReceivedMessage<Binary = Buffer> = iteration.ReceivedMessage<Binary>;
  type ProxyOption = proxy.ProxyOption;
  type ProxyOptions = proxy.ProxyOptions;
  type SocketOptions = connectionOptions.SocketOptions;
  type CloseInfo = closeInfo.CloseInfo;
  type RawData = data.RawData;
  type Data = string | data.RawData;
  type BinaryType = data.BinaryType;
  type BufferLike = data.BufferLike;
  type CertMeta = string | string[] | Buffer | Buffer[];
  type ReadyState = api.ReadyState;
  type WebSocketEvents = emitter.WebSocketEvents;

  /** Where a server listens. */
  interface AddressInfo {
    address: string;
    family: string;
    port: number;
  }

  interface Event extends api.EventApi<WebSocket> {}
  interface MessageEvent extends api.MessageEventApi<WebSocket, Data> {}
  interface CloseEvent extends api.CloseEventApi<WebSocket> {}
  interface ErrorEvent extends api.ErrorEventApi<WebSocket> {}

  /** The event objects that listeners receive, by their type. */
  interface WebSocketEventMap {
    open: Event;
    message: MessageEvent;
    close: CloseEvent;
    error: ErrorEvent;
  }

  interface EventListenerOptions extends api.EventListenerOptions {}

  type PreparedMessage = prepared.PreparedMessage;
  type PrepareOptions = api.PrepareOptions;
  type Rate = tokenBucket.Rate;
  type OriginPolicy<R extends IncomingMessage = IncomingMessage> = origin.OriginPolicy<R>;
  type Authenticate<R, Context> = admission.Authenticate<R, Context>;
  type AuthenticationRefusal = admission.AuthenticationRefusal;
  type WithContext<Client, Context> = admission.WithContext<Client, Context>;
  type RouteOptions<
    T extends AnySocketClass = SocketClass,
    U extends Request = Request,
  > = handler.RouteOptions<T, U>;
  type ServerState = serverApi.ServerState;
  type ServerStats = serverApi.ServerStats;
  type MetricsOptions = serverApi.MetricsOptions;
  type SocketStats = api.SocketStats;
  type HandshakeDiagnostic = channels.HandshakeDiagnostic<Socket, WebSocketServer, IncomingMessage>;
  type OpenDiagnostic = channels.OpenDiagnostic<Socket, WebSocketServer, IncomingMessage>;
  type CloseDiagnostic = channels.CloseDiagnostic<Socket, WebSocketServer>;
  type FrameDiagnostic = channels.FrameDiagnostic<Socket, WebSocketServer>;
  type MessageDiagnostic = channels.MessageDiagnostic<Socket, WebSocketServer>;
  type PingDiagnostic = channels.PingDiagnostic<Socket, WebSocketServer>;
  type PongDiagnostic = channels.PongDiagnostic<Socket, WebSocketServer>;
  type ViolationDiagnostic = channels.ViolationDiagnostic<Socket, WebSocketServer>;
  type RefusalDiagnostic = channels.RefusalDiagnostic<WebSocketServer, IncomingMessage>;
  type BackpressureDiagnostic = channels.BackpressureDiagnostic<Socket, WebSocketServer>;
  type DropDiagnostic = channels.DropDiagnostic<Socket, WebSocketServer>;
  type ShutdownDiagnostic = channels.ShutdownDiagnostic<WebSocketServer>;
  type ShutdownOptions = shutdown.ShutdownOptions;
  type ShutdownProgress = shutdown.ShutdownProgress;
  type ShutdownReport = shutdown.ShutdownReport;
  type BroadcastOptions<Client, Plain = Client> = serverApi.BroadcastOptions<Client, Plain>;
  type BroadcastReport = serverApi.BroadcastReport;
  type QueueOptions = api.QueueOptions;
  type TopicMessageOptions = topics.TopicMessageOptions;
  type Broker = broker.Broker;
  type BrokerEvents = broker.BrokerEvents;
  type HistoryLimits = broker.HistoryLimits;
  type TopicHistory<Message> = broker.TopicHistory<Message>;
  type TopicPosition = broker.TopicPosition;
  type TopicMessage = serverTopics.TopicMessage;
  type TopicOptions = serverTopics.TopicOptions;
  type PublishOptions<Client> = serverTopics.PublishOptions<Client>;
  type OverflowMessage = sendLimit.OverflowMessage;
  type OverflowPolicy<Client = never> = connectionOptions.OverflowPolicy<Client>;
  type PerMessageDeflate = deflate.PerMessageDeflate;
  type Receiver = receiver.Receiver;
  type ReceiverOptions = receiver.ReceiverOptions;
  type Sender = sender.Sender;
  type FrameOptions = sender.FrameOptions;
  type WebSocketError = errors.WebSocketError;
  type HandshakeError = handshakeErrors.HandshakeError;
  type ProtocolError = errors.ProtocolError;
  type CloseError = closeErrors.CloseError;
}

export = WebSocket;
