/** The `createConnection` of a request: the option, or `net.connect` or `tls.connect`. */

import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { isThenable, toError } from '../connection/callbacks.js';
import { describeValue } from '../connection/check-options.js';
import type { ProxyServer } from '../proxy/options.js';
import type { ClientOptions } from './options.js';

type CreateConnection = NonNullable<ClientOptions['createConnection']>;

type Callback = (error: Error | null, socket?: unknown) => void;

/** @param custom the option `createConnection`; if it is not a function, that of Node is used */
export function connectorFor(custom: unknown, secure: boolean): CreateConnection {
  if (typeof custom === 'function') return withCheckedResult(custom as CreateConnection);
  return secure ? connectTls : connectTcp;
}

/**
 * Checks the result: with a value that is not a socket, `node:http` throws where the program cannot
 * catch it. A promise is awaited.
 */
function withCheckedResult(create: CreateConnection): CreateConnection {
  return (options: object, callback: Callback) => {
    const result: unknown = create(options, (error: Error | null, socket: unknown) => {
      if (error) callback(error);
      else passSocket(socket, callback);
    });
    if (isThenable(result)) {
      result.then(
        (socket) => passSocket(socket, callback),
        (reason: unknown) => callback(toError(reason)),
      );
      return undefined;
    }
    if (result && !isDuplex(result)) throw notDuplexError(result);
    return result as Duplex | null | undefined;
  };
}

/** A server, and whether TLS is used to it. */
interface SecureTarget {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/**
 * Connects through a proxy.
 * @param signal ends the attempt; `node:http` does not pass its own to `createConnection`
 * @param onTunnel called at once, with the connection to the proxy
 */
export function connectorThrough(
  proxy: ProxyServer,
  target: SecureTarget,
  signal: AbortSignal | undefined,
  onTunnel: (socket: net.Socket) => void,
): CreateConnection {
  // RFC 6455 §4.1 SHOULD: the proxy is asked for a TCP connection to the host and the port.
  return (options: object, callback: Callback) => {
    const { openTunnel } = require('../proxy/tunnel.js') as typeof import('../proxy/tunnel.js');
    const onOpen = (error: Error | null, tunnel?: net.Socket): void => {
      if (error !== null || tunnel === undefined) callback(error);
      else if (target.secure) secureTunnel(tunnel, options, callback);
      else callback(null, tunnel);
    };
    onTunnel(openTunnel(proxy, target, { ...options, signal }, onOpen));
    return undefined;
  };
}

// RFC 6455 §4.1 MUST: for wss TLS with the server comes after the tunnel, before the request.
/** The names that TLS sends and checks are those of the server. */
function secureTunnel(socket: net.Socket, options: object, callback: Callback): void {
  let secured: tls.TLSSocket;
  try {
    secured = connectTls({ ...options, socket });
  } catch (error) {
    socket.destroy();
    callback(toError(error));
    return;
  }
  callback(null, secured);
}

function passSocket(socket: unknown, callback: Callback): void {
  if (isDuplex(socket)) callback(null, socket);
  else callback(notDuplexError(socket));
}

function isDuplex(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ['on', 'write', 'destroy'].every((name) => typeof Reflect.get(value, name) === 'function');
}

function notDuplexError(value: unknown): TypeError {
  return new TypeError(`createConnection must make a Duplex: ${describeValue(value)} was given`);
}

// RFC 6455 §4.1 SHOULD: without a proxy, TCP is opened to the host of the URL.
function connectTcp(options: net.NetConnectOpts & { socketPath?: string }): net.Socket {
  return net.connect({ ...options, path: options.socketPath } as net.NetConnectOpts);
}

// RFC 6455 §10.6 MUST: TLS is supported.
function connectTls(options: tls.ConnectionOptions & { socketPath?: string }): tls.TLSSocket {
  const { host = '' } = options;
  // RFC 6455 §4.1 MUST: the TLS handshake names the host (Server Name Indication).
  const servername = options.servername ?? (net.isIP(host) === 0 ? host : '');
  return tls.connect({ ...options, path: options.socketPath, servername } as tls.ConnectionOptions);
}
