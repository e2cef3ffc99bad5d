/** What a handshake has found out, for the steps that programs call with nothing but the request. */

import type { IncomingMessage } from 'node:http';
import type { AnySocketClass, ServerOptions } from './options.js';

interface HandshakeState {
  /** The options of the route that the request is for. */
  options?: ServerOptions<AnySocketClass>;
  /** What `authenticate` returned. */
  context?: unknown;
}

const states = new WeakMap<IncomingMessage, HandshakeState>();

/** Remembers something of a request until it is collected. */
export function setHandshakeState(request: IncomingMessage, state: HandshakeState): void {
  states.set(request, { ...states.get(request), ...state });
}

export function handshakeStateOf(request: IncomingMessage): HandshakeState | undefined {
  return states.get(request);
}
