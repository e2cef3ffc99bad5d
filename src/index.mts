/** What ESM programs get: the very same objects as those that call `require`. */

import type { IncomingMessage } from 'node:http';
import WebSocket from './index.js';

export default WebSocket;
export { WebSocket };
export const {
  WebSocketServer,
  createWebSocketStream,
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
> extends WebSocket.WebSocketServer<T, U> {}
export type PerMessageDeflate = WebSocket.PerMessageDeflate;
export type Receiver = WebSocket.Receiver;
export type Sender = WebSocket.Sender;
export type WebSocketError = WebSocket.WebSocketError;
export type HandshakeError = WebSocket.HandshakeError;
export type ProtocolError = WebSocket.ProtocolError;

export type {
  AddressInfo,
  BinaryType,
  BroadcastOptions,
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
  MessageEvent,
  PerMessageDeflateOptions,
  PreparedMessage,
  PrepareOptions,
  RawData,
  ReadyState,
  ReceiverOptions,
  SendOptions,
  Server,
  ServerOptions,
  SocketOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
  VerifyClientInfo,
  WebSocketEventMap,
  WebSocketEvents,
} from './index.js';
