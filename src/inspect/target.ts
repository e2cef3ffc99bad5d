/** The server behind the inspector: its address, how it is connected to, and what it is sent. */

import type { Socket } from 'node:net';
import { connectEventOf, openSocket } from '../client/open-socket.js';
import { type Address, readAddress } from '../client/url.js';
import { time } from '../connection/time.js';

/** How connections to the target are made. */
export interface TargetOptions {
  /** Whether a certificate that cannot be verified is accepted. Default false. */
  readonly insecure?: boolean | undefined;
  /** Whether the target gets the field Host of the client. Default: it gets its own. */
  readonly keepHost?: boolean | undefined;
}

/** The time limit for a connection to the target, in milliseconds. */
const CONNECT_TIMEOUT = 10_000;

/** A server that connections are forwarded to. */
export class Target {
  readonly address: Address;
  private readonly options: TargetOptions;

  /** @throws SyntaxError if it is not a WebSocket URL */
  constructor(url: string | URL, options: TargetOptions = {}) {
    this.address = readAddress(url);
    this.options = options;
  }

  get url(): string {
    return this.address.url.href;
  }

  /** Calls back once: with the error, or with undefined if the socket is connected. */
  connect(callback: (error: Error | undefined) => void): Socket {
    const rejectUnauthorized = this.options.insecure !== true;
    const socket = openSocket(this.address, { rejectUnauthorized, ALPNProtocols: ['http/1.1'] });
    const timer = time.setTimeout(
      () => socket.destroy(new Error(`the target did not answer within ${CONNECT_TIMEOUT} ms`)),
      CONNECT_TIMEOUT,
    );
    const settle = (error?: Error): void => {
      time.clearTimeout(timer);
      socket.off('error', settle).off('close', closed).off(event, connected);
      callback(error);
    };
    const connected = (): void => settle();
    const closed = (): void => settle(new Error('the connection was closed'));
    const event = connectEventOf(this.address);
    socket.once('error', settle).once('close', closed).once(event, connected);
    return socket;
  }

  /**
   * Changes the head of a request as a reverse proxy does. Host becomes that of the target, which may
   * be one of many on its machine. The path `/` becomes the path of the target's URL.
   */
  rewrite(head: string): string {
    const { url, resourceName, socketPath } = this.address;
    const withPath = head.replace(
      /^(\S+) \/ (?=HTTP)/,
      (_, method) => `${method} ${resourceName} `,
    );
    if (this.options.keepHost === true || socketPath !== undefined) return withPath;
    return withPath.replace(/(\r\nhost:)([ \t]*)[^\r\n]*/i, (_, name, space) => {
      return name + space + url.host;
    });
  }
}
