/** The TCP or TLS connection of a replay. */

import * as net from 'node:net';
import * as tls from 'node:tls';
import { connectEventOf, openSocket } from '../client/open-socket.js';
import { type Address, hostnameOf, portOf } from '../client/url.js';

/** The options of TLS: those of `tls.connect`, and `cert` and `key` for a server. */
export type ReplayTlsOptions = tls.ConnectionOptions;

/** Connects. @throws what the socket reports; the reason of the signal */
export function connectTo(
  address: Address,
  options: ReplayTlsOptions,
  signal: AbortSignal | undefined,
): Promise<net.Socket> {
  const socket = openSocket(address, options);
  return new Promise((resolve, reject) => {
    const abort = () => socket.destroy(signal?.reason);
    const settle = () => signal?.removeEventListener('abort', abort);
    socket.once(connectEventOf(address), () => {
      settle();
      resolve(socket);
    });
    socket.once('close', () => {
      settle();
      reject(signal?.aborted ? signal.reason : new Error('The connection was closed'));
    });
    socket.once('error', reject);
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
  });
}

/** Listens, and accepts one connection. @param onListening called with the URL, which has the real port */
export function acceptOne(
  address: Address,
  options: ReplayTlsOptions,
  signal: AbortSignal | undefined,
  onListening: (url: string) => void,
): Promise<net.Socket> {
  const common = { allowHalfOpen: true, noDelay: true };
  const server = address.secure
    ? tls.createServer({ ...(options as tls.TlsOptions), ...common })
    : net.createServer(common);
  return new Promise((resolve, reject) => {
    const abort = () => {
      server.close();
      reject(signal?.reason);
    };
    server.once(address.secure ? 'secureConnection' : 'connection', (socket: net.Socket) => {
      signal?.removeEventListener('abort', abort);
      server.close(); // only this one
      socket.on('error', () => {}); // until the session listens
      resolve(socket);
    });
    server.once('error', reject);
    server.listen(portOf(address.url), hostnameOf(address.url), () => {
      const url = new URL(address.url);
      url.port = String((server.address() as net.AddressInfo).port); // of TCP: it has one
      onListening(url.href);
    });
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
  });
}
