/** A server as it accepts one request: with the answer of the hooks. */

import type { AnySocketClass, ServerOptions } from '../server/options.js';
import type { WebSocketServer } from '../server/websocket-server.js';
import type { AdapterOptions } from './interface.js';
import type { Accepted } from './upgrade-decision.js';

const DEFAULT_IDLE_TIMEOUT = 30;

/** RFC 6455 §4.2.2: the fields that the handshake itself writes. */
const OWN_FIELDS = new Set([
  'connection',
  'upgrade',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
]);

/** Returns an object that inherits from the server. Only its options and one event differ. */
export function acceptWith(
  server: WebSocketServer,
  accepted: Accepted,
  { idleTimeout }: AdapterOptions,
): WebSocketServer {
  const options = optionsFor(server.options, accepted, idleTimeout);
  const emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event === 'headers') addFields(args[0] as string[], accepted.headers);
    return server.emit(event, ...args);
  };
  return Object.create(server, { options: { value: options }, emit: { value: emit } });
}

function optionsFor(
  given: ServerOptions,
  { perMessageDeflate, protocol }: Accepted,
  idleTimeout = DEFAULT_IDLE_TIMEOUT,
): ServerOptions<AnySocketClass> {
  const options: ServerOptions<AnySocketClass> = { ...given };
  if (protocol !== undefined) options.handleProtocols = () => protocol;
  if (perMessageDeflate === true) options.perMessageDeflate = given.perMessageDeflate || true;
  else if (perMessageDeflate !== undefined) options.perMessageDeflate = perMessageDeflate;
  if ((given.heartbeat ?? undefined) === undefined && idleTimeout > 0) {
    const milliseconds = idleTimeout * 1000;
    options.heartbeat = { interval: milliseconds, timeout: milliseconds };
  }
  return options;
}

function addFields(lines: string[], headers: Headers): void {
  for (const [name, value] of headers) {
    if (!OWN_FIELDS.has(name)) lines.push(`${name}: ${value}`);
  }
}
