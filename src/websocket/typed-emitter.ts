/** The events of a WebSocket, and the types of their listeners. */

import type { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RawData } from './payload.js';

/** The arguments of each event. */
export interface WebSocketEvents {
  open: [];
  /** Text is a Buffer too, unless `isBinary`. */
  message: [data: RawData, isBinary: boolean];
  ping: [data: Buffer];
  pong: [data: Buffer];
  close: [code: number, reason: Buffer];
  error: [error: Error];
  /** More may be sent: `send` had returned false. */
  drain: [];
  upgrade: [response: IncomingMessage];
  redirect: [url: string, request: ClientRequest];
  'unexpected-response': [request: ClientRequest, response: IncomingMessage];
}

/** A listener of an event with known arguments. */
export type TypedListener<Self, Events, E extends keyof Events> = (
  this: Self,
  ...args: Events[E] extends unknown[] ? Events[E] : never
) => void;

/** A listener of another event: programs emit events of their own. */
// biome-ignore lint/suspicious/noExplicitAny: nothing is known of its arguments
export type AnyListener<Self> = (this: Self, ...args: any[]) => void;

/** An EventEmitter that knows the arguments of its own events. */
export interface TypedEmitter<Events> extends EventEmitter {
  on<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  on(event: string | symbol, listener: AnyListener<this>): this;
  once<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  once(event: string | symbol, listener: AnyListener<this>): this;
  off<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  off(event: string | symbol, listener: AnyListener<this>): this;
  addListener<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  addListener(event: string | symbol, listener: AnyListener<this>): this;
  removeListener<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  removeListener(event: string | symbol, listener: AnyListener<this>): this;
  prependListener<E extends keyof Events>(event: E, listener: TypedListener<this, Events, E>): this;
  prependListener(event: string | symbol, listener: AnyListener<this>): this;
}
