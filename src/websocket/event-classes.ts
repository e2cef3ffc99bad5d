/**
 * The event objects of WHATWG's WebSocket. For `instanceof` they are Node's events. They cost a
 * fraction: `new MessageEvent` of Node takes more than 1 µs.
 */

import { type InspectOptions, inspect } from 'node:util';
import { time } from '../connection/time.js';

// The state has symbols as keys: JSON and logs do not show it, and proxies of an event work.
const TYPE = Symbol('type');
const TARGET = Symbol('target');
const TIME = Symbol('timeStamp');
const DATA = Symbol('data');
const CODE = Symbol('code');
const REASON = Symbol('reason');
const WAS_CLEAN = Symbol('wasClean');
const ERROR = Symbol('error');
const MESSAGE = Symbol('message');

/** The members of an event that `util.inspect` shows. The target is too large. */
const SHOWN = ['type', 'data', 'code', 'reason', 'wasClean', 'message', 'error'] as const;

const NONE = 0;
const AT_TARGET = 2;

/** The members of a new event, or another event to copy. */
type Init<Members> = { readonly [Name in keyof Members]?: Members[Name] | undefined };

/**
 * The object that a listener of `addEventListener` receives. Each listener has its own event, without
 * default action and bubbling, so the methods have no effect.
 */
export class Event<T = unknown> {
  readonly [TYPE]: string;
  readonly [TARGET]: T | null;
  [TIME]: number | undefined;

  /**
   * @param type the event name
   * @param target the WebSocket; null for an event that a program makes
   */
  constructor(type: string, _init?: object, target: T | null = null) {
    this[TYPE] = type;
    this[TARGET] = target;
  }

  /** The event name. */
  get type(): string {
    return this[TYPE];
  }

  /** The WebSocket; null for an event that a program made. */
  get target(): T | null {
    return this[TARGET];
  }

  get currentTarget(): T | null {
    return this[TARGET];
  }

  get srcElement(): T | null {
    return this[TARGET];
  }

  /** 2 (at the target); 0 without a target. */
  get eventPhase(): number {
    return this[TARGET] === null ? NONE : AT_TARGET;
  }

  get bubbles(): boolean {
    return false;
  }

  get cancelable(): boolean {
    return false;
  }

  get composed(): boolean {
    return false;
  }

  get defaultPrevented(): boolean {
    return false;
  }

  get returnValue(): boolean {
    return true;
  }

  set returnValue(_value: boolean) {}

  get cancelBubble(): boolean {
    return false;
  }

  set cancelBubble(_value: boolean) {}

  /** False, as in the WebSocket of Node. */
  get isTrusted(): boolean {
    return false;
  }

  /**
   * The time of the first access, as `performance.now()` counts. Reading the clock for each event would
   * double its cost.
   */
  get timeStamp(): number {
    this[TIME] ??= time.now();
    return this[TIME];
  }

  composedPath(): T[] {
    return this[TARGET] === null ? [] : [this[TARGET]];
  }

  preventDefault(): void {}

  stopPropagation(): void {}

  /** No effect: the other listeners have their own events. */
  stopImmediatePropagation(): void {}

  /** No effect, as for every dispatched event. */
  initEvent(): void {}

  [inspect.custom](depth: number, options: InspectOptions): string {
    const name = Object.prototype.toString.call(this).slice('[object '.length, -1);
    if (depth < 0) return `[${name}]`;
    const event = this as unknown as Record<string, unknown>;
    const shown = SHOWN.filter((member) => member in event);
    const members = Object.fromEntries(shown.map((member) => [member, event[member]]));
    return `${name} ${inspect(members, options)}`;
  }
}

/** A received message. RFC 6455 §6.2. */
export class MessageEvent<T = unknown, D = unknown> extends Event<T> {
  readonly [DATA]: D | null;

  constructor(type: string, init: Init<{ data: D }> = {}, target: T | null = null) {
    super(type, init, target);
    const { data = null } = init;
    this[DATA] = data;
  }

  /** A string for text; binary data as `binaryType` says. */
  get data(): D | null {
    return this[DATA];
  }

  /** The origin of the URL of the WebSocket; '' for a connection of a server. */
  get origin(): string {
    const url = String((this.target as { url?: unknown } | null)?.url);
    return URL.canParse(url) ? new URL(url).origin : '';
  }

  get lastEventId(): string {
    return '';
  }

  get source(): null {
    return null;
  }

  get ports(): readonly never[] {
    return [];
  }

  initMessageEvent(): void {}
}

/** The end of a connection. RFC 6455 §7.1.4. */
export class CloseEvent<T = unknown> extends Event<T> {
  readonly [CODE]: number;
  readonly [REASON]: string;
  readonly [WAS_CLEAN]: boolean;

  constructor(
    type: string,
    init: Init<{ code: number; reason: string; wasClean: boolean }> = {},
    target: T | null = null,
  ) {
    super(type, init, target);
    const { code = 0, reason = '', wasClean = false } = init;
    this[CODE] = code;
    this[REASON] = reason;
    this[WAS_CLEAN] = wasClean;
  }

  get code(): number {
    return this[CODE];
  }

  get reason(): string {
    return this[REASON];
  }

  get wasClean(): boolean {
    return this[WAS_CLEAN];
  }
}

/** A failure of the connection. */
export class ErrorEvent<T = unknown> extends Event<T> {
  readonly [ERROR]: Error | null;
  readonly [MESSAGE]: string;

  constructor(
    type: string,
    init: Init<{ error: Error; message: string }> = {},
    target: T | null = null,
  ) {
    super(type, init, target);
    const { error = null, message = '' } = init;
    this[ERROR] = error;
    this[MESSAGE] = message;
  }

  get error(): Error | null {
    return this[ERROR];
  }

  get message(): string {
    return this[MESSAGE];
  }

  get filename(): string {
    return '';
  }

  get lineno(): number {
    return 0;
  }

  get colno(): number {
    return 0;
  }
}

type Name = 'Event' | 'MessageEvent' | 'CloseEvent' | 'ErrorEvent';

function nodePrototype(name: Name): object | undefined {
  const Class = (globalThis as { [Name in string]?: { prototype?: unknown } | undefined })[name];
  const prototype = Class?.prototype;
  return typeof prototype === 'object' && prototype !== null ? prototype : undefined;
}

/**
 * Returns a stand-in for the prototype of Node's class until it is read, by `instanceof` for example.
 * Node loads `MessageEvent`, `CloseEvent` and `ErrorEvent` with fetch at the first access, which takes
 * 45 to 80 ms on Node 22 to 26.
 */
function prototypeOnDemand(of: object, name: Name, base: object): object {
  return new Proxy(Object.create(base), {
    getPrototypeOf() {
      const prototype = nodePrototype(name) ?? base;
      Reflect.setPrototypeOf(of, prototype);
      return prototype;
    },
  });
}

/**
 * Makes the objects of a class `instanceof` Node's class of that name. The prototype has every member:
 * those of Node's classes throw for objects that Node did not make.
 */
function inheritFromNode(Class: typeof Event, name: Name): void {
  const { prototype } = Class;
  const members = Object.getOwnPropertyDescriptors(Event.prototype);
  Object.assign(members, Object.getOwnPropertyDescriptors(prototype));
  for (const [member, descriptor] of Object.entries(members)) {
    descriptor.enumerable = member !== 'constructor';
  }
  Object.defineProperties(prototype, members);
  Object.defineProperty(prototype, Symbol.toStringTag, { configurable: true, value: name });
  const base = nodePrototype('Event');
  if (base === undefined) return;
  Object.setPrototypeOf(
    prototype,
    name === 'Event' ? base : prototypeOnDemand(prototype, name, base),
  );
}

inheritFromNode(MessageEvent as typeof Event, 'MessageEvent');
inheritFromNode(CloseEvent as typeof Event, 'CloseEvent');
inheritFromNode(ErrorEvent as typeof Event, 'ErrorEvent');
inheritFromNode(Event, 'Event');
