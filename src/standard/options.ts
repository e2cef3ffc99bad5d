/** WHATWG WebSockets §3.1: the second argument of the constructor: subprotocols, or options. */

import { type ClientOptions, readClientOptions } from '../client/options.js';
import { checkSubprotocols } from './arguments.js';
import { toDomString } from './web-idl.js';

/** The options of a client that are about the 'error' of an EventEmitter, or about Node's Buffers. */
type OfTheOtherClass = 'captureRejections' | 'unheardErrors' | 'protocols' | 'protocolVersion';

/** The options of the constructor, in the place of the subprotocols. */
export interface WebSocketInit<Socket = never>
  extends Omit<ClientOptions<Socket>, OfTheOtherClass> {
  /** The subprotocols to request. RFC 6455 §1.9. */
  protocols?: string | Iterable<string> | undefined;
  /**
   * Whether the opening handshake may start while another one to the same host and port is in
   * progress. RFC 6455 §4.1 forbids it, and so it waits. Default false.
   */
  concurrentHandshakes?: boolean | undefined;
}

/** The second argument, checked. */
export interface Settings {
  readonly subprotocols: readonly string[];
  readonly concurrentHandshakes: boolean;
  readonly client: ClientOptions;
}

function isIterable(value: object): value is Iterable<unknown> {
  const method = (value as Partial<Iterable<unknown>>)[Symbol.iterator];
  return method !== undefined && method !== null;
}

/** `(DOMString or sequence<DOMString>)`. */
function toNames(given: unknown): string[] {
  const isList = typeof given === 'object' && given !== null && isIterable(given);
  const names = isList ? Array.from(given, toDomString) : [toDomString(given)];
  checkSubprotocols(names);
  return names;
}

/**
 * Reads subprotocols or options: an object that cannot be iterated has options.
 * @throws DOMException SyntaxError for subprotocols; TypeError or RangeError for options
 */
export function readSettings(given: unknown): Settings {
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function';
  if (!isObject || isIterable(given)) {
    const subprotocols = given === undefined ? [] : toNames(given);
    return { subprotocols, concurrentHandshakes: false, client: readClientOptions({}) };
  }
  const { protocols, concurrentHandshakes = false, ...client } = given as WebSocketInit;
  return {
    subprotocols: protocols === undefined ? [] : toNames(protocols),
    concurrentHandshakes: Boolean(concurrentHandshakes),
    client: readClientOptions(client),
  };
}
