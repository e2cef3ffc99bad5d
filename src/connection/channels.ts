/** The channels of `node:diagnostics_channel`, and what is published on them. */

import {
  type Channel,
  channel,
  type TracingChannel,
  tracingChannel,
} from 'node:diagnostics_channel';
import type { HandshakeError } from '../handshake/errors.js';
import type { ProtocolError } from '../protocol/errors.js';
import type { Role } from '../protocol/receiver.js';
import type { CloseInfo } from './close-info.js';

/** Which way a frame or a message went, seen from this end. */
export type Direction = 'sent' | 'received';

/** Why a message was dropped: a reason of the send limit, or the `messageRate` of its sender. */
export type DropReason = 'full' | 'replaced' | 'expired' | 'closing' | 'messageRate';

/** Every message on a channel of a connection has this. */
export interface ConnectionDiagnostic<Socket = object, Server = object> {
  /** The WebSocket. */
  readonly websocket: Socket;
  /** The server that accepted it; undefined for a client. */
  readonly server: Server | undefined;
}

/** `tracing:ws6455:handshake:*`: one object for all five events of an opening handshake. */
export interface HandshakeDiagnostic<Socket = object, Server = object, Request = object> {
  /** The role of this end. */
  readonly role: Role;
  /** A client from the start; the connection that a server accepted. */
  websocket?: Socket;
  /** The server that was asked. */
  readonly server?: Server;
  /** The request that a server received. */
  readonly request?: Request;
  /** The URL of a client, after redirects, without user name and password. */
  url?: string;
  /** The result, from 'asyncStart' on. 'failed': the connection was lost, or the client gave up. */
  verdict?: 'accepted' | 'refused' | 'failed';
  /** The HTTP status of the response, if there was one. */
  status?: number;
  /** Why a server refused: the name that `stats().refused` has. */
  reason?: string;
  /** The error, with which 'error' is published. */
  error?: Error;
}

/** `ws6455:open`: a connection is open. It is published before the event 'open'. */
export interface OpenDiagnostic<Socket = object, Server = object, Request = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** The role of this end of the connection. */
  readonly role: Role;
  /** The request that the server accepted; undefined for a client. */
  readonly request: Request | undefined;
}

/** `ws6455:close`: a connection that was open is closed. It is published before the event 'close'. */
export interface CloseDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** The code that the event 'close' has. */
  readonly code: number;
  /** The reason that the event has. */
  readonly reason: string;
  /** How the connection ended. */
  readonly closeInfo: CloseInfo;
}

/** `ws6455:frame`: a frame was given to the socket, or its header was received. RFC 6455 §5.2. */
export interface FrameDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** 'sent' or 'received', seen from this end. */
  readonly direction: Direction;
  /** 0 continuation, 1 text, 2 binary, 8 Close, 9 Ping, 10 Pong. */
  readonly opcode: number;
  /** The FIN bit. */
  readonly fin: boolean;
  /** The reserved bits: RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly reserved: number;
  /** The MASK bit. */
  readonly masked: boolean;
  /** Whether the message is compressed: its first frame has RSV1. RFC 7692 §6. */
  readonly compressed: boolean;
  /** The length of the payload as it is framed. */
  readonly bytes: number;
  /** That with the header. */
  readonly wireBytes: number;
  /** The payload of a control frame: do not change it. */
  readonly payload: Buffer | undefined;
}

/** `ws6455:message`: a message was received, or its last frame was given to the socket. */
export interface MessageDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** As for a frame. */
  readonly direction: Direction;
  /** 1 text, 2 binary. */
  readonly opcode: number;
  /** The length of the message, uncompressed. */
  readonly bytes: number;
  /** The length of its frames, with their headers. */
  readonly wireBytes: number;
  /** Whether it was compressed. */
  readonly compressed: boolean;
}

/** `ws6455:ping`: a Ping was received. */
export interface PingDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** Its payload: do not change it. */
  readonly payload: Buffer;
}

/** `ws6455:pong`: a Pong was received. */
export interface PongDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** What it carries: do not change it. */
  readonly payload: Buffer;
  /** The round-trip time in milliseconds, if it answers a Ping of the library. */
  readonly rtt: number | undefined;
}

/** `ws6455:violation`: the peer broke a rule or a limit, which fails the connection. */
export interface ViolationDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** Its message is the reason that the peer gets. */
  readonly error: ProtocolError;
  /** `code` of the error: `WS_ERR_…`. */
  readonly code: string;
  /** The close code for the peer. */
  readonly closeCode: number;
  /** The section that has the rule, as `RFC 6455 §5.1`. */
  readonly rfc: string;
}

/** `ws6455:refusal`: a server refused an opening handshake. */
export interface RefusalDiagnostic<Server = object, Request = object> {
  /** The server that refused. */
  readonly server: Server;
  /** Its request. */
  readonly request: Request;
  /** The key in `stats().refused`. */
  readonly reason: string;
  /** The HTTP status. With a listener of 'wsClientError' the program answers, with any status. */
  readonly status: number;
  /** A HandshakeError for a malformed request; else what a callback of the program threw, if one did. */
  readonly error: HandshakeError | Error | undefined;
}

/** `ws6455:backpressure`: what waits for a slow peer passed a mark. */
export interface BackpressureDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /**
   * 'full': `send` returns false from now on. 'drained': more may be sent; it is not published if the
   * connection closes first.
   */
  readonly state: 'full' | 'drained';
  /** `bufferedAmount` of the WebSocket. */
  readonly bufferedAmount: number;
}

/** `ws6455:drop`: a message will not be sent, or a received one not delivered. */
export interface DropDiagnostic<Socket = object, Server = object>
  extends ConnectionDiagnostic<Socket, Server> {
  /** 'received' for `messageRate`, else 'sent'. */
  readonly direction: Direction;
  /** The key in `stats().dropped`. */
  readonly reason: DropReason;
  /** The length of the message. */
  readonly bytes: number;
}

/** `ws6455:shutdown`: `server.shutdown()` was called, before 'draining'; and it has ended. */
export interface ShutdownDiagnostic<Server = object> {
  /** The server that shuts down. */
  readonly server: Server;
  /** `state` of the server: 'draining', then 'closed'. */
  readonly state: string;
  /** How many connections are open. */
  readonly open: number;
}

/** The channels, by the second part of their names. */
interface Channels {
  readonly handshake: TracingChannel<object, HandshakeDiagnostic>;
  readonly open: Channel;
  readonly close: Channel;
  readonly frame: Channel;
  readonly message: Channel;
  readonly ping: Channel;
  readonly pong: Channel;
  readonly violation: Channel;
  readonly refusal: Channel;
  readonly backpressure: Channel;
  readonly drop: Channel;
  readonly shutdown: Channel;
}

// Node holds channels weakly: this object keeps the subscribers.
export const channels: Channels = {
  handshake: tracingChannel<object, HandshakeDiagnostic>('ws6455:handshake'),
  open: channel('ws6455:open'),
  close: channel('ws6455:close'),
  frame: channel('ws6455:frame'),
  message: channel('ws6455:message'),
  ping: channel('ws6455:ping'),
  pong: channel('ws6455:pong'),
  violation: channel('ws6455:violation'),
  refusal: channel('ws6455:refusal'),
  backpressure: channel('ws6455:backpressure'),
  drop: channel('ws6455:drop'),
  shutdown: channel('ws6455:shutdown'),
};
