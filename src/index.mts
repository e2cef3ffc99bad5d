/** What ESM programs get: the very same objects as those that call `require`. */

import type { IncomingMessage } from 'node:http';
import WebSocket from './index.js';

export default WebSocket;
export { WebSocket };
export const {
  WebSocketServer,
  createWebSocketStream,
  hardened,
  prepareMessage,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocketError,
  HandshakeError,
  ProtocolError,
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

export type {
  AddressInfo,
  Authenticate,
  AuthenticationRefusal,
  BinaryType,
  BroadcastOptions,
  BroadcastReport,
  BufferLike,
  CertMeta,
  ClientOptions,
  CloseEvent,
  CloseInfo,
  ConnectionOptions,
  Data,
  ErrorEvent,
  Event,
  EventListenerOptions,
  FinishRequestCallback,
  FrameOptions,
  MaxLifetime,
  MessageEvent,
  MessageRate,
  OriginPolicy,
  OverflowMessage,
  OverflowPolicy,
  PerMessageDeflateOptions,
  PreparedMessage,
  PrepareOptions,
  QueueOptions,
  Rate,
  RateVerdict,
  RawData,
  ReadyState,
  ReceiverOptions,
  RouteOptions,
  SendOptions,
  Server,
  ServerOptions,
  ServerState,
  ServerStats,
  ShutdownOptions,
  ShutdownProgress,
  ShutdownReport,
  SocketOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
  VerifyClientInfo,
  WebSocketEventMap,
  WebSocketEvents,
  WithContext,
} from './index.js';
