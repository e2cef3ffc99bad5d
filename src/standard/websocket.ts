/** WHATWG WebSockets §3: the class WebSocket. */

import { parseClose, parseData, parseUrl } from './arguments.js';
import { defineEventHandlers } from './event-handlers.js';
import type { WebSocket as WebSocketApi, WebSocketConstructor } from './interface.js';
import { readSettings } from './options.js';
import { type ReadyState, Session, STATES } from './session.js';
import { defineInterface, requireArguments, toDomString } from './web-idl.js';

let isWebSocket: (value: object) => boolean;

/** The members have the types of Web IDL: any value is given, and converted. */
class StandardWebSocket extends EventTarget {
  readonly #session: Session;

  static {
    isWebSocket = (value) => #session in value;
  }

  constructor(url: unknown, protocols: unknown = undefined) {
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    requireArguments(arguments.length, 1, 'WebSocket');
    super();
    const address = parseUrl(url);
    this.#session = new Session(this, address, readSettings(protocols));
    this.#session.connect();
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
}

function checkWebSocket(value: unknown): void {
  if (typeof value === 'object' && value !== null && isWebSocket(value)) return;
  throw new TypeError('An event handler of a WebSocket was used on another object');
}

Object.defineProperty(StandardWebSocket, 'name', { configurable: true, value: 'WebSocket' });
defineEventHandlers(
  StandardWebSocket.prototype,
  ['open', 'error', 'close', 'message'],
  checkWebSocket,
);
defineInterface(StandardWebSocket, STATES);

/** The class WebSocket to the letter of WHATWG's standard, on the connections of this library. */
export const WebSocket = StandardWebSocket as unknown as WebSocketConstructor; // any value is accepted
export type WebSocket = WebSocketApi;
