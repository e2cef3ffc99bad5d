/** A server that listens, and raw clients that ask to get in. */

import { randomUUID } from 'node:crypto';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type WebSocket from '../../src/index.js';
import { type HttpMessage, Inbox, until } from './inbox.js';
import { type RequestParts, upgradeRequest } from './requests.js';
import type { Scope } from './scope.js';
import {
  type Loose,
  next,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from './websockets.js';

export const TRANSPORTS = ['IPv4', 'IPv6', 'a Unix socket'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** A raw client, and the response to its handshake. */
export interface Visitor {
  readonly socket: Socket;
  readonly inbox: Inbox;
  readonly response: HttpMessage;
}

export class Gate {
  readonly wss: ServerInstance;
  /** Connections that were emitted with 'connection'. */
  readonly accepted: WebSocketInstance[] = [];
  /** What 'callbackError' had. */
  readonly errors: string[] = [];
  private readonly scope: Scope;

  private constructor(scope: Scope, options: Loose) {
    this.scope = scope;
    this.wss = serve(scope, options);
    this.wss.on('connection', (ws: WebSocketInstance) => this.accepted.push(ws));
    this.wss.on('callbackError', ({ message }: Error) => this.errors.push(message));
  }

  static async open(
    scope: Scope,
    options: Loose = {},
    transport: Transport = 'IPv4',
  ): Promise<Gate> {
    const path = join(tmpdir(), `${randomUUID()}.sock`);
    const place = {
      IPv4: { port: 0, host: '127.0.0.1' },
      IPv6: { port: 0, host: '::1' },
      'a Unix socket': { port: path },
    }[transport];
    const gate = new Gate(scope, { ...place, ...options });
    await next(gate.wss, 'listening');
    return gate;
  }

  /** How many clients were refused, without the reasons that refused none. */
  get refused(): Partial<Record<keyof WebSocket.ServerStats['refused'], number>> {
    const counts = Object.entries(this.wss.stats().refused);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  /** Sends a request. @param from the address of the client, one of 127.0.0.0/8 */
  async send(parts: RequestParts = {}, from?: string): Promise<Omit<Visitor, 'response'>> {
    const address = this.wss.address() as AddressInfo | string;
    const place =
      typeof address === 'string'
        ? { path: address }
        : { port: address.port, host: address.address, localAddress: from };
    const socket = connect(place as { path: string });
    this.scope.later(() => socket.destroy());
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest(parts));
    await until(() => !socket.connecting, 'a connection');
    return { socket, inbox };
  }

  /** Sends a request, and reads the response. */
  async visit(parts: RequestParts = {}, from?: string): Promise<Visitor> {
    const { socket, inbox } = await this.send(parts, from);
    return { socket, inbox, response: await inbox.message() };
  }

  /** The status of the response to a request. */
  async status(parts: RequestParts = {}, from?: string): Promise<number> {
    const { response } = await this.visit(parts, from);
    return response.status;
  }

  /** The statuses of so many requests, one after the other. */
  async statuses(count: number, parts: RequestParts = {}, from?: string): Promise<number[]> {
    const all: number[] = [];
    while (all.length < count) all.push(await this.status(parts, from));
    return all;
  }

  /** Ends the connection of a client, and waits until the server has seen it. */
  async leave({ socket }: Visitor): Promise<void> {
    const { connections } = this.wss.stats();
    socket.destroy();
    await until(() => this.wss.stats().connections < connections, 'the end of a connection');
  }

  /** Waits until so many handshakes wait for the program. */
  async pending(count: number): Promise<void> {
    await until(
      () => this.wss.stats().pendingHandshakes === count,
      () => `${count} handshakes; pending: ${this.wss.stats().pendingHandshakes}`,
    );
  }
}

/** A request with these fields. */
export function withFields(...add: [string, string][]): RequestParts {
  return { add };
}

/** A request that a proxy forwards for this address. */
export function forwardedFor(address: string): RequestParts {
  return withFields(['X-Forwarded-For', address]);
}
