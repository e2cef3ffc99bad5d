/** What `require('ws6455')` gives: the WebSocket class, with everything else on it. */

import type { AddressInfo as NetAddressInfo } from 'node:net';
import { extension, subprotocol } from './compat/extension.js';
import { installMembers, installServerMembers } from './compat/members.js';
import * as deflate from './compat/permessage-deflate.js';
import * as receiver from './compat/receiver.js';
import * as sender from './compat/sender.js';
import type * as data from './data.js';
import type * as events from './events.js';
import type * as options from './options.js';
import * as errors from './protocol/errors.js';
import { createWebSocketStream } from './stream.js';
import * as face from './websocket.js';
import * as server from './websocket-server.js';

type Face = typeof face.WebSocket;
type Request = typeof import('node:http').IncomingMessage;

installMembers(face.WebSocket.prototype, face.inside);
installServerMembers(server.WebSocketServer.prototype, server.insideServer);

/**
 * RFC 6455 WebSocket. Made with a URL it is a client; the connections that a
 * {@link WebSocket.WebSocketServer} hands out are instances of it as well.
 */
const WebSocket = Object.assign(face.WebSocket, {
  WebSocket: face.WebSocket,
  WebSocketServer: server.WebSocketServer,
  /** The same class as `WebSocketServer`. */
  Server: server.WebSocketServer,
  createWebSocketStream,
  extension,
  PerMessageDeflate: deflate.PerMessageDeflate,
  Receiver: receiver.Receiver,
  Sender: sender.Sender,
  subprotocol,
  WebSocketError: errors.WebSocketError,
  HandshakeError: errors.HandshakeError,
  ProtocolError: errors.ProtocolError,
});

interface WebSocket extends face.WebSocket {}

// The names that programs written for `ws` and its types use, and ours beside them.
declare namespace WebSocket {
  type WebSocket = face.WebSocket;
  type WebSocketServer<T extends Face = Face, U extends Request = Request> = server.WebSocketServer<
    T,
    U
  >;
  type Server<T extends Face = Face, U extends Request = Request> = server.WebSocketServer<T, U>;
  type ServerOptions<T extends Face = Face, U extends Request = Request> = options.ServerOptions<
    T,
    U
  >;
  type ClientOptions = options.ClientOptions;
  type ConnectionOptions = options.ConnectionOptions;
  type PerMessageDeflateOptions = options.PerMessageDeflateOptions;
  type FinishRequestCallback = options.FinishRequestCallback;
  type VerifyClientInfo<R extends InstanceType<Request> = InstanceType<Request>> =
    options.VerifyClientInfo<R>;
  type VerifyClientCallbackSync<R extends InstanceType<Request> = InstanceType<Request>> =
    options.VerifyClientCallbackSync<R>;
  type VerifyClientCallbackAsync<R extends InstanceType<Request> = InstanceType<Request>> =
    options.VerifyClientCallbackAsync<R>;
  type RawData = data.RawData;
  type Data = string | data.RawData;
  type BinaryType = data.BinaryType;
  type BufferLike = data.BufferLike;
  type CertMeta = string | string[] | Buffer | Buffer[];
  type AddressInfo = NetAddressInfo;
  type SendOptions = options.SendOptions;
  type SocketOptions = options.SocketOptions;
  type CloseInfo = options.CloseInfo;
  type ReadyState = face.ReadyState;
  type WebSocketEvents = events.WebSocketEvents;
  type WebSocketEventMap = events.WebSocketEventMap;
  type Event = { type: string; target: face.WebSocket };
  type MessageEvent = events.WebSocketEventMap['message'];
  type CloseEvent = events.WebSocketEventMap['close'];
  type ErrorEvent = events.WebSocketEventMap['error'];
  type EventListenerOptions = { once?: boolean | undefined };
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
