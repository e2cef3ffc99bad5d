/** TCP and TLS connections to a WebSocket URL, for programs that send bytes of their own. */

import type { Socket } from 'node:net';
import { type ConnectionOptions, TLSSocket } from 'node:tls';
import { connectorFor } from './create-connection.js';
import { type Address, hostnameOf, portOf } from './url.js';

/** Begins to connect. An end that the peer sends does not end the other direction. */
export function openSocket(address: Address, tlsOptions: ConnectionOptions = {}): Socket {
  const { url, secure, socketPath } = address;
  const place =
    socketPath === undefined ? { host: hostnameOf(url), port: portOf(url) } : { socketPath };
  const options = { ...(secure && tlsOptions), ...place, allowHalfOpen: true, noDelay: true };
  return connectorFor(undefined, secure)(options) as Socket; // as Node's connectors do
}

/** The event of a socket that is connected. */
export function connectEventOf({ secure }: Address): 'connect' | 'secureConnect' {
  return secure ? 'secureConnect' : 'connect';
}

/** Ends a connection with a reset where the transport has one: not below TLS, nor for a local socket. */
export function resetSocket(socket: Socket): void {
  if (socket instanceof TLSSocket || socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
