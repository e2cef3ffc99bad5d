/** What a handshake has found out, for the steps that programs call with nothing but the request. */

import type { IncomingMessage } from 'node:http';
import type { HandshakeTrace } from '../connection/handshake-trace.js';
import type { AnySocketClass, ServerOptions } from './options.js';

interface HandshakeState {
  /** The options of the route that the request is for. */
  options?: ServerOptions<AnySocketClass>;
  /** Publishes it, if somebody follows opening handshakes. */
  trace?: HandshakeTrace;
  /** What the option `address` or `trustProxy` found. */
  address?: string | undefined;
  /** What `authenticate` returned. */
  context?: unknown;
}

/** The key of the handshake state in its request. A WeakMap would be slower. */
const STATE = Symbol('ws6455.handshake');

interface Request extends IncomingMessage {
  [STATE]?: HandshakeState;
}

/** Sets what the handshake of a request has found out. */
export function setHandshakeState(request: Request, state: HandshakeState): void {
  request[STATE] = { ...request[STATE], ...state };
}

export function handshakeStateOf(request: Request): HandshakeState | undefined {
  return request[STATE];
}
