/** Opens a tunnel: a connection through a proxy, over which the server is reached. */

import type { Buffer } from 'node:buffer';
import * as dns from 'node:dns';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { toError } from '../connection/callbacks.js';
import { HandshakeError } from '../handshake/errors.js';
import type { ProxyDialogue, Step, Target } from './dialogue.js';
import { PROXY_FAILURES } from './failures.js';
import { HttpConnect } from './http-connect.js';
import type { ProxyServer } from './options.js';
import { Socks5 } from './socks5.js';

/** The options of the client for the connection to the proxy. Those of TLS are for the server. */
const SOCKET_OPTIONS = [
  'autoSelectFamily',
  'autoSelectFamilyAttemptTimeout',
  'family',
  'hints',
  'keepAlive',
  'keepAliveInitialDelay',
  'localAddress',
  'localPort',
  'lookup',
] as const;

type SocketOptions = Pick<net.TcpNetConnectOpts, (typeof SOCKET_OPTIONS)[number]>;

interface TunnelOptions extends SocketOptions {
  /** Ends the attempt. */
  signal?: AbortSignal | undefined;
}

/** Called once. Without an error the socket is the tunnel, and nothing that the server sent is read. */
type Callback = (error: Error | null, socket?: net.Socket) => void;

/**
 * Opens a tunnel to a server.
 * @param given the options of the request
 * @returns the connection to the proxy. To destroy it ends the attempt.
 */
export function openTunnel(
  proxy: ProxyServer,
  target: Target,
  given: TunnelOptions,
  callback: Callback,
): net.Socket {
  const options: SocketOptions = Object.fromEntries(
    SOCKET_OPTIONS.map((name) => [name, given[name]]),
  );
  const socket = connectTo(proxy, options);
  const tunnel = new Tunnel(socket, given.signal, callback);
  socket.once(proxy.secure ? 'secureConnect' : 'connect', () => {
    if (!proxy.looksUp || net.isIP(target.host) !== 0) tunnel.start(dialogueFor(proxy, target));
    else lookUp(target, options, tunnel, (address) => tunnel.start(dialogueFor(proxy, address)));
  });
  return socket;
}

function connectTo(proxy: ProxyServer, options: SocketOptions): net.Socket {
  const { host, port, secure, tlsOptions } = proxy;
  const place = { ...options, host, port, noDelay: true };
  if (!secure) return net.connect(place);
  const servername = net.isIP(host) === 0 ? host : '';
  return tls.connect({ servername, ALPNProtocols: ['http/1.1'], ...tlsOptions, ...place });
}

function dialogueFor(proxy: ProxyServer, target: Target): ProxyDialogue {
  const { protocol, credentials, fields } = proxy;
  return protocol === 'http'
    ? new HttpConnect(target, credentials, fields)
    : new Socks5(target, credentials);
}

function lookUp(
  { host, port }: Target,
  { lookup = dns.lookup, family, hints }: SocketOptions,
  tunnel: Tunnel,
  onFound: (target: Target) => void,
): void {
  const options = { family: family ?? 0, hints: hints ?? 0 };
  lookup(host, options, (error, found) => {
    const address = typeof found === 'string' ? found : found?.[0]?.address;
    if (error) tunnel.fail(error);
    else if (address === undefined) tunnel.fail(new Error(`No address was found for ${host}`));
    else onFound({ host: address, port });
  });
}

/** The socket until the tunnel is open. */
class Tunnel {
  private readonly socket: net.Socket;
  private readonly signal: AbortSignal | undefined;
  private readonly callback: Callback;
  private dialogue: ProxyDialogue | undefined;
  private isOver = false;

  constructor(socket: net.Socket, signal: AbortSignal | undefined, callback: Callback) {
    this.socket = socket;
    this.signal = signal;
    this.callback = callback;
    socket.on('error', this.onError);
    socket.on('end', this.onClosed);
    socket.on('close', this.onClosed);
    if (signal?.aborted) this.onAbort();
    else signal?.addEventListener('abort', this.onAbort);
  }

  start(dialogue: ProxyDialogue): void {
    if (this.isOver) return;
    this.dialogue = dialogue;
    this.socket.on('readable', this.onReadable);
    this.socket.write(dialogue.start());
  }

  fail(error: Error): void {
    if (!this.finish()) return;
    this.socket.on('error', ignore);
    this.socket.destroy();
    this.callback(error);
  }

  private readonly onError = (error: Error): void => {
    this.fail(explain(error));
  };

  /** Destroys with the error that `node:http` has for an aborted signal. */
  private readonly onAbort = (): void => {
    const error = new Error('The operation was aborted', { cause: this.signal?.reason });
    this.socket.destroy(Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' }));
  };

  private readonly onClosed = (): void => {
    this.fail(new HandshakeError(PROXY_FAILURES.CLOSED));
  };

  private readonly onReadable = (): void => {
    while (!this.isOver) {
      const chunk = this.socket.read() as Buffer | null;
      if (chunk === null) return;
      this.receive(chunk);
    }
  };

  private receive(chunk: Buffer): void {
    let step: Step | undefined;
    try {
      step = this.dialogue?.receive(chunk);
    } catch (error) {
      this.fail(toError(error));
    }
    if (step?.send !== undefined) this.socket.write(step.send);
    if (step?.rest !== undefined) this.open(step.rest);
  }

  // RFC 9110 §9.3.6: what follows the response is from the server.
  private open(rest: Buffer): void {
    if (!this.finish()) return;
    if (rest.length > 0) this.socket.unshift(rest);
    this.callback(null, this.socket);
  }

  /** @returns false if it was called before */
  private finish(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    const { socket, signal } = this;
    signal?.removeEventListener('abort', this.onAbort);
    socket.removeListener('error', this.onError);
    socket.removeListener('end', this.onClosed);
    socket.removeListener('close', this.onClosed);
    socket.removeListener('readable', this.onReadable);
    return true;
  }
}

/** Says that the proxy was not reached: the message of Node names an address only. */
function explain(error: NodeJS.ErrnoException): Error {
  if (error.code === 'ABORT_ERR') return error;
  const text = error.message.trimEnd() || error.code; // an AggregateError has no message
  const message = `${text} (the connection to the proxy failed)`;
  return Object.assign(new Error(message, { cause: error }), error);
}

function ignore(): void {}
