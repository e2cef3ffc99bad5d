/** Listeners for the events of WHATWG's WebSocket, on an EventEmitter. */

import type { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { CloseEvent, ErrorEvent, Event, MessageEvent } from './event-classes.js';

/** A listener: a function, or an object with the method `handleEvent`. */
export type Listener<E> = ((event: E) => void) | { handleEvent(event: E): void };

/** The events of WHATWG's WebSocket. */
const DOM_EVENTS = ['open', 'message', 'close', 'error'] as const;

export type DomEventType = (typeof DOM_EVENTS)[number];

const LISTENER = Symbol('ws6455.listener');
const IS_HANDLER = Symbol('ws6455.handler');
const CLOSED = 3;
const UNSUBSCRIBE = Symbol('ws6455.unsubscribe');
const SUBSCRIPTIONS = Symbol('ws6455.subscriptions');

type Emitted = (this: EventSource, ...args: never[]) => void;

/** A listener of the EventEmitter. It makes an event of its arguments and calls `[LISTENER]`. */
interface Adapter extends Emitted {
  [LISTENER]?: unknown;
  [IS_HANDLER]?: boolean;
  /** Removes its listener from the signal. */
  [UNSUBSCRIBE]?: () => void;
}

/** The members of a WebSocket that adapters use. */
export interface EventSource extends EventEmitter {
  readonly readyState: number;
  readonly closeInfo?: { readonly wasClean: boolean } | undefined;
  /** Each removes a listener from a signal. */
  [SUBSCRIPTIONS]?: Set<() => void>;
}

/** The options of `addEventListener`, not checked yet. */
interface ListenerOptions {
  readonly once?: unknown;
  readonly signal?: unknown;
}

/** Whether a listener of this event receives event objects. */
export function isDomEvent(type: unknown): type is DomEventType {
  return DOM_EVENTS.includes(type as DomEventType);
}

/** @returns what the listener returns: it may be a promise, which `captureRejections` watches */
function call(listener: Listener<Event>, source: EventSource, event: Event): unknown {
  if (typeof listener === 'function') return listener.call(source, event);
  return listener.handleEvent(event);
}

function adapt(type: DomEventType, listener: Listener<Event>): Adapter {
  switch (type) {
    case 'open':
      return function () {
        return call(listener, this, new Event('open', undefined, this));
      };
    case 'message':
      return function (data: unknown, isBinary: boolean) {
        const init = { data: isBinary ? data : String(data) };
        return call(listener, this, new MessageEvent('message', init, this));
      };
    case 'close':
      return function (code: number, reason: Buffer) {
        const init = { code, reason: String(reason), wasClean: this.closeInfo?.wasClean ?? false };
        return call(listener, this, new CloseEvent('close', init, this));
      };
    case 'error':
      return function (error: Error) {
        const init = { error, message: error.message };
        return call(listener, this, new ErrorEvent('error', init, this));
      };
  }
}

function adapters(source: EventSource, type: DomEventType): Adapter[] {
  return source.listeners(type) as Adapter[];
}

function install(source: EventSource, type: DomEventType, adapter: Adapter, once: boolean): void {
  const listener = adapter as (...args: unknown[]) => void;
  if (once) source.once(type, listener);
  else source.on(type, listener);
}

function uninstall(source: EventSource, type: DomEventType, adapter: Adapter): void {
  source.removeListener(type, adapter as (...args: unknown[]) => void);
}

/**
 * Implements `addEventListener`. undefined is ignored, as null.
 * @throws TypeError as documented there, with the code ERR_INVALID_ARG_TYPE
 */
export function addEventListener(
  source: EventSource,
  type: DomEventType,
  listener: unknown,
  options: unknown,
): void {
  if (!isListener(listener)) return;
  const { once, signal }: ListenerOptions = Object(options ?? {}); // browsers accept a boolean too
  const abortSignal = isSignal(signal) ? signal : undefined;
  if (abortSignal?.aborted || find(source, type, listener) !== undefined) return;
  const plain = adapt(type, listener);
  const adapter = abortSignal
    ? untilAborted(source, type, plain, Boolean(once), abortSignal)
    : plain;
  adapter[LISTENER] = listener;
  install(source, type, adapter, Boolean(once));
}

/** Implements `removeEventListener`. */
export function removeEventListener(
  source: EventSource,
  type: DomEventType,
  listener: unknown,
): void {
  const found = find(source, type, listener);
  if (found === undefined) return;
  found[UNSUBSCRIBE]?.();
  uninstall(source, type, found);
}

/** Returns the adapter of a listener; event handlers such as `onopen` are not listeners. */
function find(source: EventSource, type: DomEventType, listener: unknown): Adapter | undefined {
  return adapters(source, type).find(
    (adapter) => adapter[LISTENER] === listener && adapter[IS_HANDLER] !== true,
  );
}

function isListener(listener: unknown): listener is Listener<Event> {
  if (listener === null || listener === undefined) return false;
  if (typeof listener === 'function' || typeof listener === 'object') return true;
  throw invalidArgument(
    `A listener must be a function or an object with handleEvent(), not ${inspect(listener)}`,
  );
}

/** @throws TypeError for a value that is neither absent nor an AbortSignal */
export function isSignal(signal: unknown): signal is AbortSignal {
  if (signal === null || signal === undefined) return false;
  const { aborted, addEventListener } = signal as Partial<AbortSignal>;
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return true;
  throw invalidArgument(
    `The option signal must be an AbortSignal, not ${inspect(signal, { depth: 0 })}; of an AbortController pass its signal`,
  );
}

function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Returns an adapter that is removed when the signal is aborted. */
function untilAborted(
  source: EventSource,
  type: DomEventType,
  adapter: Adapter,
  once: boolean,
  signal: AbortSignal,
): Adapter {
  const unsubscribe = (): void => {
    signal.removeEventListener('abort', onAbort);
    source[SUBSCRIPTIONS]?.delete(unsubscribe);
  };
  const abortable: Adapter = function (...args) {
    if (once) unsubscribe();
    // An emit calls all listeners that existed at its start, also removed ones.
    return signal.aborted ? undefined : adapter.apply(this, args);
  };
  const onAbort = (): void => {
    unsubscribe();
    uninstall(source, type, abortable);
  };
  abortable[UNSUBSCRIBE] = unsubscribe;
  if (source.readyState === CLOSED) return abortable; // nothing will be emitted
  signal.addEventListener('abort', onAbort);
  subscriptionsOf(source).add(unsubscribe);
  return abortable;
}

function subscriptionsOf(source: EventSource): Set<() => void> {
  const subscriptions = source[SUBSCRIPTIONS] ?? new Set();
  Object.defineProperty(source, SUBSCRIPTIONS, { configurable: true, value: subscriptions });
  return subscriptions;
}

/** After the last event: a signal with a longer life must not keep the listeners alive. */
export function unsubscribeAll(source: EventSource): void {
  for (const unsubscribe of source[SUBSCRIPTIONS] ?? []) unsubscribe();
}

/** Returns the value of `onopen`, `onmessage`, `onclose` or `onerror`. */
function eventHandler(source: EventSource, type: DomEventType): unknown {
  return adapters(source, type).find((one) => one[IS_HANDLER] === true)?.[LISTENER] ?? null;
}

/** Sets `onopen`, `onmessage`, `onclose` or `onerror`. A value that is not a function removes it. */
function setEventHandler(source: EventSource, type: DomEventType, listener: unknown): void {
  const old = adapters(source, type).find((one) => one[IS_HANDLER] === true);
  if (old !== undefined) uninstall(source, type, old);
  if (typeof listener !== 'function') return;
  const adapter = adapt(type, listener as Listener<Event>);
  adapter[LISTENER] = listener;
  adapter[IS_HANDLER] = true;
  install(source, type, adapter, false);
}

/** Defines `onopen`, `onmessage`, `onclose` and `onerror` on a prototype. */
export function defineEventHandlers(prototype: EventSource): void {
  for (const type of DOM_EVENTS) {
    Object.defineProperty(prototype, `on${type}`, {
      configurable: true,
      enumerable: true,
      get(this: EventSource) {
        return eventHandler(this, type);
      },
      set(this: EventSource, listener: unknown) {
        setEventHandler(this, type, listener);
      },
    });
  }
}
