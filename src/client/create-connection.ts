/** How a client's request gets its connection: by a program's own function, or from Node. */

import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { isThenable, toError } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import type { ClientOptions } from './options.js';

type CreateConnection = NonNullable<ClientOptions['createConnection']>;

type Callback = (error: Error | null, socket?: unknown) => void;

/** @param own the program's own function; without it `net.connect` or `tls.connect` is used */
export function connectorFor(own: unknown, secure: boolean): CreateConnection {
  if (typeof own === 'function') return checked(own as CreateConnection);
  return secure ? connectTls : connectTcp;
}

/**
 * `node:http` takes whatever a program's function gives for a socket, and throws where nobody can
 * catch it when it is none. A promise of a socket is awaited.
 */
function checked(create: CreateConnection): CreateConnection {
  return (options: object, callback: Callback) => {
    const made: unknown = create(options, (error: Error | null, socket: unknown) => {
      if (error) callback(error);
      else handOver(socket, callback);
    });
    if (isThenable(made)) {
      made.then(
        (socket) => handOver(socket, callback),
        (reason: unknown) => callback(toError(reason)),
      );
      return undefined;
    }
    if (made && !isDuplex(made)) throw noDuplex(made);
    return made as Duplex | null | undefined;
  };
}

function handOver(socket: unknown, callback: Callback): void {
  if (isDuplex(socket)) callback(null, socket);
  else callback(noDuplex(socket));
}

function isDuplex(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ['on', 'write', 'destroy'].every((name) => typeof Reflect.get(value, name) === 'function');
}

function noDuplex(value: unknown): TypeError {
  return new TypeError(`createConnection must make a Duplex: ${describeValue(value)} was given`);
}

function connectTcp(options: net.NetConnectOpts & { socketPath?: string }): net.Socket {
  return net.connect({ ...options, path: options.socketPath } as net.NetConnectOpts);
}

function connectTls(options: tls.ConnectionOptions & { socketPath?: string }): tls.TLSSocket {
  const { host = '' } = options;
  // RFC 6455 §4.1 MUST: the name of the host is sent (Server Name Indication).
  const servername = options.servername ?? (net.isIP(host) === 0 ? host : '');
  return tls.connect({ ...options, path: options.socketPath, servername } as tls.ConnectionOptions);
}
