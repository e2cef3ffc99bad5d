/** What ESM programs get: the very same objects as those that call `require`. */

import type { IncomingMessage } from 'node:http';
import WebSocket from './index.js';

export default WebSocket;
export { WebSocket };
export const {
  WebSocketServer,
  createWebSocketStream,
  hardened,
  METRICS_CONTENT_TYPE,
  prepareMessage,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocketError,
  HandshakeError,
  ProtocolError,
  CloseError,
} = WebSocket;

export interface WebSocketServer<
  T extends WebSocket.AnySocketClass = WebSocket.SocketClass,
  U extends typeof IncomingMessage = typeof IncomingMessage,
  Context = unknown,
> extends WebSocket.WebSocketServer<T, U, Context> {}
export type PerMessageDeflate = WebSocket.PerMessageDeflate;
export type Receiver = WebSocket.Receiver;
export type Sender = WebSocket.Sender;
export type WebSocketError = WebSocket.WebSocketError;
export type HandshakeError = WebSocket.HandshakeError;
export type ProtocolError = WebSocket.ProtocolError;
export type CloseError = WebSocket.CloseError;

export type {
  AddressInfo,
  Authenticate,
  AuthenticationRefusal,
  BackpressureDiagnostic,
  BinaryType,
  BroadcastOptions,
  BroadcastReport,
  Broker,
  BrokerEvents,
  BufferLike,
  CertMeta,
  ClientOptions,
  CloseDiagnostic,
  CloseEvent,
  CloseInfo,
  ConnectionOptions,
  ConnectOptions,
  Data,
  DropDiagnostic,
  ErrorEvent,
  Event,
  EventListenerOptions,
  FinishRequestCallback,
  FrameDiagnostic,
  FrameOptions,
  HandshakeDiagnostic,
  HeartbeatOptions,
  MaxLifetime,
  MeasureOptions,
  MessageDiagnostic,
  MessageEvent,
  MessageRate,
  MessagesOptions,
  MetricsOptions,
  OpenDiagnostic,
  OriginPolicy,
  OverflowMessage,
  OverflowPolicy,
  PerMessageDeflateOptions,
  PingDiagnostic,
  PongDiagnostic,
  PreparedMessage,
  PrepareOptions,
  ProxyOption,
  ProxyOptions,
  PublishOptions,
  QueueOptions,
  Rate,
  RateVerdict,
  RawData,
  ReadyState,
  ReceivedMessage,
  ReceiverOptions,
  RefusalDiagnostic,
  RouteOptions,
  SendOptions,
  Server,
  ServerOptions,
  ServerState,
  ServerStats,
  ShutdownDiagnostic,
  ShutdownOptions,
  ShutdownProgress,
  ShutdownReport,
  SocketOptions,
  SocketStats,
  TopicMessageOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
  VerifyClientInfo,
  ViolationDiagnostic,
  WebSocketEventMap,
  WebSocketEvents,
  WithContext,
} from './index.js';
