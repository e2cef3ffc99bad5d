/** ReconnectingWebSocket: shaped like the web's class, for libraries that take a WebSocket. */

import { checkSubprotocols, parseClose, parseData, parseUrl } from '../standard/arguments.js';
import { defineEventHandlers } from '../standard/event-handlers.js';
import { type ReadyState, STATES } from '../standard/session.js';
import { defineInterface, requireArguments, toDomString } from '../standard/web-idl.js';
import type { PerAttempt } from './options.js';
import { type Options, ReconnectingSession } from './reconnecting-session.js';
import type { Payload } from './send-buffer.js';
import type { ReconnectingWebSocketConstructor } from './websocket-interface.js';

let isReconnecting: (value: object) => boolean;

/** Any value may be given, as to a class of Web IDL, and is converted. */
class OwnReconnectingWebSocket extends EventTarget {
  static withOptions(options: Options): typeof OwnReconnectingWebSocket {
    // biome-ignore lint/complexity/noThisInStatic: it may be called on a subclass
    return extend(this, options);
  }

  readonly #session: ReconnectingSession;

  static {
    isReconnecting = (value) => #session in value;
  }

  constructor(url: unknown, protocols: unknown = undefined, given: Options = {}) {
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    requireArguments(arguments.length, 1, 'ReconnectingWebSocket');
    super();
    const [names, options] = readArguments(protocols, given);
    const { protocols: fromOptions, ...rest } = options;
    const all = { ...rest, protocols: readProtocols(names ?? fromOptions) };
    this.#session = new ReconnectingSession(this, readUrl(url), all);
    void this.#session.run();
  }

  get url(): string {
    return this.#session.url;
  }

  get readyState(): ReadyState {
    return this.#session.readyState;
  }

  get bufferedAmount(): number {
    return this.#session.bufferedAmount;
  }

  get extensions(): string {
    return this.#session.extensions;
  }

  get protocol(): string {
    return this.#session.subprotocol;
  }

  get binaryType(): 'blob' | 'arraybuffer' {
    return this.#session.binaryType;
  }

  set binaryType(given: unknown) {
    const session = this.#session;
    const type = toDomString(given);
    if (type === 'blob' || type === 'arraybuffer') session.binaryType = type;
  }

  send(data: unknown): void {
    const session = this.#session;
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    requireArguments(arguments.length, 1, 'send');
    session.send(parseData(data));
  }

  close(code: unknown = undefined, reason: unknown = undefined): void {
    this.#session.close(parseClose(code, reason));
  }

  unsent(): Payload[] {
    return this.#session.unsent();
  }
}

function extend(
  Base: typeof OwnReconnectingWebSocket,
  options: Options,
): typeof OwnReconnectingWebSocket {
  class WithOptions extends Base {
    constructor(url: unknown, protocols: unknown = undefined, given: Options = {}) {
      const [names, own] = readArguments(protocols, given);
      super(url, names, { ...options, ...own });
    }
  }
  Object.defineProperty(WithOptions, 'name', { configurable: true, value: Base.name });
  return WithOptions;
}

/** The second argument has subprotocols, or it has the options. */
function readArguments(protocols: unknown, options: Options): [names: unknown, options: Options] {
  const isOptions =
    typeof protocols === 'object' && protocols !== null && !(Symbol.iterator in protocols);
  return isOptions ? [undefined, protocols] : [protocols ?? undefined, options ?? {}];
}

/** A function is called for each attempt. @throws DOMException SyntaxError */
function readUrl(url: unknown): PerAttempt<string | URL> {
  return typeof url === 'function' ? (url as PerAttempt<string>) : parseUrl(url).href;
}

/** As `readUrl`. */
function readProtocols(given: unknown): PerAttempt<string[] | undefined> {
  if (given === undefined) return undefined;
  if (typeof given === 'function') return given as PerAttempt<string[]>;
  const isList = typeof given === 'object' && given !== null;
  const names = isList ? Array.from(given as Iterable<unknown>, toDomString) : [toDomString(given)];
  checkSubprotocols(names);
  return names;
}

function checkReconnecting(value: unknown): void {
  if (typeof value === 'object' && value !== null && isReconnecting(value)) return;
  throw new TypeError('An event handler of a ReconnectingWebSocket was used on another object');
}

Object.defineProperty(OwnReconnectingWebSocket, 'name', {
  configurable: true,
  value: 'ReconnectingWebSocket',
});
defineEventHandlers(
  OwnReconnectingWebSocket.prototype,
  ['open', 'error', 'close', 'message', 'overflow'],
  checkReconnecting,
);
defineInterface(OwnReconnectingWebSocket, STATES);

/** The class. */
export const ReconnectingWebSocket =
  OwnReconnectingWebSocket as unknown as ReconnectingWebSocketConstructor<never>; // any value is accepted
