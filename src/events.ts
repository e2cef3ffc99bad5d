/** The events of WHATWG's WebSocket, and listeners for them on an EventEmitter. */

import type { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RawData } from './data.js';

/** What every listener added with `addEventListener` receives. */
export class Event<T = unknown> {
  /** The name of the event. */
  readonly type: string;
  /** The WebSocket it happened to. */
  readonly target: T;

  constructor(type: string, target: T) {
    this.type = type;
    this.target = target;
  }
}

/** A message came. RFC 6455 §6.2. */
export class MessageEvent<T = unknown, D = unknown> extends Event<T> {
  /** A string for text, else what `binaryType` asks for. */
  readonly data: D;

  constructor(target: T, data: D) {
    super('message', target);
    this.data = data;
  }
}

/** The connection is closed. RFC 6455 §7.1.4. */
export class CloseEvent<T = unknown> extends Event<T> {
  /** RFC 6455 §7.1.5: the peer's close code; 1005 if its Close had none, 1006 without a Close. */
  readonly code: number;
  /** RFC 6455 §7.1.6: the peer's close reason. */
  readonly reason: string;
  /** Whether a Close frame went both ways. */
  readonly wasClean: boolean;

  constructor(target: T, code: number, reason: string, wasClean: boolean) {
    super('close', target);
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

/** The connection failed. */
export class ErrorEvent<T = unknown> extends Event<T> {
  /** What happened. */
  readonly error: Error;
  /** The error's message. */
  readonly message: string;

  constructor(target: T, error: Error) {
    super('error', target);
    this.error = error;
    this.message = error.message;
  }
}

/** The arguments of each event. */
export interface WebSocketEvents {
  open: [];
  /** Text comes as a Buffer too; `isBinary` tells them apart. */
  message: [data: RawData, isBinary: boolean];
  ping: [data: Buffer];
  pong: [data: Buffer];
  close: [code: number, reason: Buffer];
  error: [error: Error];
  /** More may be sent again: `send` had returned false. */
  drain: [];
  upgrade: [response: IncomingMessage];
  redirect: [url: string, request: ClientRequest];
  'unexpected-response': [request: ClientRequest, response: IncomingMessage];
}

/** A listener: a function, or an object that has one. */
export type Listener<E> = ((event: E) => void) | { handleEvent(event: E): void };

/** The events that can be listened to in the way of browsers. */
const LISTENED_TYPES = ['open', 'message', 'close', 'error'] as const;

/** One of these. */
export type ListenedType = (typeof LISTENED_TYPES)[number];

const LISTENER = Symbol('ws6455.listener');
const IS_ATTRIBUTE = Symbol('ws6455.attribute');

type Emitted = (...args: never[]) => void;

/** An emitter's listener that turns its arguments into an event for `[LISTENER]`. */
interface Adapter extends Emitted {
  [LISTENER]?: unknown;
  [IS_ATTRIBUTE]?: boolean;
}

/** A listener of an event whose arguments are known. */
export type Hears<Self, Events, E extends keyof Events> = (
  this: Self,
  ...args: Events[E] extends unknown[] ? Events[E] : never
) => void;

/** A listener of an event that a program added itself. */
// biome-ignore lint/suspicious/noExplicitAny: nothing is known of its arguments
export type HearsAny<Self> = (this: Self, ...args: any[]) => void;

/** How listeners are added and removed: their arguments are known for the events of one's own. */
export interface Heard<Events> extends EventEmitter {
  on<E extends keyof Events>(event: E, listener: Hears<this, Events, E>): this;
  on(event: string | symbol, listener: HearsAny<this>): this;
  once<E extends keyof Events>(event: E, listener: Hears<this, Events, E>): this;
  once(event: string | symbol, listener: HearsAny<this>): this;
  off<E extends keyof Events>(event: E, listener: Hears<this, Events, E>): this;
  off(event: string | symbol, listener: HearsAny<this>): this;
  addListener<E extends keyof Events>(event: E, listener: Hears<this, Events, E>): this;
  addListener(event: string | symbol, listener: HearsAny<this>): this;
  removeListener<E extends keyof Events>(event: E, listener: Hears<this, Events, E>): this;
  removeListener(event: string | symbol, listener: HearsAny<this>): this;
  prependListener<E extends keyof Events>(event: E, listener: Hears<this, Events, E>): this;
  prependListener(event: string | symbol, listener: HearsAny<this>): this;
}

/** Where a WebSocket says whether it was closed cleanly. */
export const WAS_CLEAN = Symbol('ws6455.wasClean');

/** What an adapter needs of the WebSocket. */
export interface EventSource extends EventEmitter {
  readonly [WAS_CLEAN]: boolean;
}

/** Whether `type` is one of the events of WHATWG's WebSocket. */
export function isListenedType(type: unknown): type is ListenedType {
  return LISTENED_TYPES.includes(type as ListenedType);
}

function call(listener: Listener<Event>, source: EventSource, event: Event): void {
  if (typeof listener === 'function') listener.call(source, event);
  else listener.handleEvent(event);
}

function adapt(source: EventSource, type: ListenedType, listener: Listener<Event>): Adapter {
  switch (type) {
    case 'open':
      return () => call(listener, source, new Event('open', source));
    case 'message':
      return (data: unknown, isBinary: boolean) =>
        call(listener, source, new MessageEvent(source, isBinary ? data : String(data)));
    case 'close':
      return (code: number, reason: Buffer) =>
        call(listener, source, new CloseEvent(source, code, String(reason), source[WAS_CLEAN]));
    case 'error':
      return (error: Error) => call(listener, source, new ErrorEvent(source, error));
  }
}

function adapters(source: EventSource, type: ListenedType): Adapter[] {
  return source.listeners(type) as Adapter[];
}

function install(source: EventSource, type: ListenedType, adapter: Adapter, once: boolean): void {
  const listener = adapter as (...args: unknown[]) => void;
  if (once) source.once(type, listener);
  else source.on(type, listener);
}

/** Adds a listener that receives events; one that is there already is not added again. */
export function addEventListener(
  source: EventSource,
  type: ListenedType,
  listener: Listener<Event>,
  once: boolean,
): void {
  const isThere = (one: Adapter) => one[LISTENER] === listener && one[IS_ATTRIBUTE] !== true;
  if (adapters(source, type).some(isThere)) return;
  const adapter = adapt(source, type, listener);
  adapter[LISTENER] = listener;
  install(source, type, adapter, once);
}

/** Removes a listener that `addEventListener` added. */
export function removeEventListener(
  source: EventSource,
  type: ListenedType,
  listener: unknown,
): void {
  const found = adapters(source, type).find(
    (one) => one[LISTENER] === listener && one[IS_ATTRIBUTE] !== true,
  );
  if (found !== undefined) source.removeListener(type, found as (...args: unknown[]) => void);
}

/** What `onopen`, `onmessage`, `onclose` or `onerror` holds. */
function attributeListener(source: EventSource, type: ListenedType): unknown {
  return adapters(source, type).find((one) => one[IS_ATTRIBUTE] === true)?.[LISTENER] ?? null;
}

/** Sets `onopen`, `onmessage`, `onclose` or `onerror`; anything but a function clears it. */
function setAttributeListener(source: EventSource, type: ListenedType, listener: unknown): void {
  const old = adapters(source, type).find((one) => one[IS_ATTRIBUTE] === true);
  if (old !== undefined) source.removeListener(type, old as (...args: unknown[]) => void);
  if (typeof listener !== 'function') return;
  const adapter = adapt(source, type, listener as Listener<Event>);
  adapter[LISTENER] = listener;
  adapter[IS_ATTRIBUTE] = true;
  install(source, type, adapter, false);
}

/** Gives a class `onopen`, `onmessage`, `onclose` and `onerror`, to be read and set. */
export function defineAttributes(prototype: EventSource): void {
  for (const type of LISTENED_TYPES) {
    Object.defineProperty(prototype, `on${type}`, {
      configurable: true,
      enumerable: true,
      get(this: EventSource) {
        return attributeListener(this, type);
      },
      set(this: EventSource, listener: unknown) {
        setAttributeListener(this, type, listener);
      },
    });
  }
}
