/** WebSocketStream draft §2: the options of the constructor, and those that browsers do not have. */

import { readClientOptions } from '../client/options.js';
import { isSignal } from '../websocket/events.js';
import { checkSubprotocols } from './arguments.js';
import type { Settings, WebSocketInit } from './options.js';
import { toUsvString } from './web-idl.js';

/** The options of the constructor. */
export interface WebSocketStreamInit<Socket = never> extends WebSocketInit<Socket> {
  /** The list of subprotocols. RFC 6455 §1.9. */
  protocols?: Iterable<string> | undefined;
  /** Ends connecting. It does nothing to an open connection. */
  signal?: AbortSignal | undefined;
}

/** The options, checked. */
export interface StreamSettings extends Settings {
  readonly signal: AbortSignal | undefined;
}

/** @throws TypeError for another type; DOMException SyntaxError for subprotocols */
export function readStreamSettings(given: unknown): StreamSettings {
  if (given !== undefined && typeof given !== 'object' && typeof given !== 'function') {
    throw new TypeError(`The options of WebSocketStream must be an object, not ${String(given)}`);
  }
  const init = (given ?? {}) as WebSocketStreamInit;
  const { protocols, signal, concurrentHandshakes = false, ...client } = init;
  if (signal !== undefined && !isSignal(signal)) {
    throw new TypeError('The option signal must be an AbortSignal');
  }
  return {
    subprotocols: protocols === undefined ? [] : toNames(protocols),
    signal,
    concurrentHandshakes: Boolean(concurrentHandshakes),
    client: readClientOptions(client),
  };
}

/** `sequence<USVString>`. */
function toNames(given: unknown): string[] {
  if (typeof given !== 'object' || given === null || !(Symbol.iterator in given)) {
    throw new TypeError('The option protocols must be a list of strings');
  }
  const names = Array.from(given as Iterable<unknown>, toUsvString);
  checkSubprotocols(names);
  return names;
}
