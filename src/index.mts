/** What ESM programs get: the very same objects as those that call `require`. */

import WebSocket from './index.js';

export default WebSocket;
export { WebSocket };
export const {
  WebSocketServer,
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocketError,
  HandshakeError,
  ProtocolError,
} = WebSocket;

export type WebSocketServer<
  T extends typeof WebSocket.WebSocket = typeof WebSocket.WebSocket,
  U extends typeof import('node:http').IncomingMessage = typeof import('node:http').IncomingMessage,
> = WebSocket.WebSocketServer<T, U>;
export type { WebSocketServer as Server };
export type WebSocketError = WebSocket.WebSocketError;
export type HandshakeError = WebSocket.HandshakeError;
export type ProtocolError = WebSocket.ProtocolError;
export type PerMessageDeflate = WebSocket.PerMessageDeflate;
export type Receiver = WebSocket.Receiver;
export type ReceiverOptions = WebSocket.ReceiverOptions;
export type Sender = WebSocket.Sender;
export type FrameOptions = WebSocket.FrameOptions;
export type ServerOptions<
  T extends typeof WebSocket.WebSocket = typeof WebSocket.WebSocket,
  U extends typeof import('node:http').IncomingMessage = typeof import('node:http').IncomingMessage,
> = WebSocket.ServerOptions<T, U>;
export type AddressInfo = WebSocket.AddressInfo;
export type BinaryType = WebSocket.BinaryType;
export type BufferLike = WebSocket.BufferLike;
export type CertMeta = WebSocket.CertMeta;
export type ConnectionOptions = WebSocket.ConnectionOptions;
export type ReadyState = WebSocket.ReadyState;
export type SocketOptions = WebSocket.SocketOptions;
export type WebSocketEvents = WebSocket.WebSocketEvents;
export type VerifyClientInfo<
  R extends import('node:http').IncomingMessage = import('node:http').IncomingMessage,
> = WebSocket.VerifyClientInfo<R>;
export type ClientOptions = WebSocket.ClientOptions;
export type CloseEvent = WebSocket.CloseEvent;
export type CloseInfo = WebSocket.CloseInfo;
export type Data = WebSocket.Data;
export type ErrorEvent = WebSocket.ErrorEvent;
export type Event = WebSocket.Event;
export type EventListenerOptions = WebSocket.EventListenerOptions;
export type FinishRequestCallback = WebSocket.FinishRequestCallback;
export type MessageEvent = WebSocket.MessageEvent;
export type PerMessageDeflateOptions = WebSocket.PerMessageDeflateOptions;
export type RawData = WebSocket.RawData;
export type SendOptions = WebSocket.SendOptions;
export type VerifyClientCallbackSync<
  R extends import('node:http').IncomingMessage = import('node:http').IncomingMessage,
> = WebSocket.VerifyClientCallbackSync<R>;
export type VerifyClientCallbackAsync<
  R extends import('node:http').IncomingMessage = import('node:http').IncomingMessage,
> = WebSocket.VerifyClientCallbackAsync<R>;
export type WebSocketEventMap = WebSocket.WebSocketEventMap;
