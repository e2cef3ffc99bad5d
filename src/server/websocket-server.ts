/** The class WebSocketServer: arguments in; the work is done by lifecycle and upgrade. */

import { EventEmitter } from 'node:events';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { hasConnection } from '../connection/connection.js';
import { pathOf } from '../handshake/server.js';
import { EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage } from '../websocket/prepared.js';
import { sessionOf, WebSocket } from '../websocket/websocket.js';
import { type Acceptance, accept, openClient } from './accept.js';
import type { BroadcastApi, BroadcastOptions, Reached, ServerApi } from './api.js';
import { checkIsObject, checkServerOptions } from './check-options.js';
import { Lifecycle, type LifecycleOwner } from './lifecycle.js';
import { type AnySocketClass, type ServerOptions, serverOptions } from './options.js';
import { refuse } from './refusal.js';
import { beginHandshake, socketInUseError } from './shared-server.js';
import { OpeningHandshake } from './upgrade.js';
import {
  type Accepted,
  destroyOnThrow,
  failHandshake,
  ignore,
  type NegotiatedExtensions,
  type UpgradeServer,
} from './upgrade-server.js';

type Request = typeof IncomingMessage;

/** Where a server keeps its state: found through proxies and objects that inherit from it, too. */
const LIFECYCLE = Symbol('ws6455.lifecycle');

export function lifecycleOf(server: { readonly [LIFECYCLE]: Lifecycle }): Lifecycle {
  return server[LIFECYCLE];
}

/** A server of WebSockets: on a port of its own, on an http server, or used through `handleUpgrade`. */
export class WebSocketServer<T extends AnySocketClass = AnySocketClass, U extends Request = Request>
  extends EventEmitter
  implements ServerApi<InstanceType<T>, InstanceType<U>>, BroadcastApi<InstanceType<T>>
{
  options: ServerOptions<T, U>;
  declare clients: Set<InstanceType<T>>;
  declare path: string;
  /** @internal */
  declare readonly [LIFECYCLE]: Lifecycle;

  /**
   * @param options exactly one of `port`, `server` and `noServer` must be in it
   * @param callback a listener of 'listening', with `port`
   * @throws TypeError if none or several of these three are given; TypeError or RangeError for an
   * option that makes no sense
   */
  constructor(options?: ServerOptions<T, U>, callback?: () => void) {
    super();
    checkIsObject(options);
    const comparesPath = () => this.shouldHandle === WebSocketServer.prototype.shouldHandle;
    this.options = serverOptions(options ?? {}, WebSocket);
    checkServerOptions(this.options, comparesPath());
    const lifecycle = new Lifecycle(this as unknown as LifecycleOwner, comparesPath);
    // Not enumerable: programs that list or copy the properties find those of `ws` only.
    Object.defineProperty(this, LIFECYCLE, { value: lifecycle });
    const { server, noServer, clientTracking, port, host, backlog } = this.options;
    if (clientTracking) this.clients = new Set();
    if (server) lifecycle.attachTo(server as HttpServer);
    else if (!noServer) lifecycle.listen(port ?? 0, host, backlog, callback);
  }

  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this[LIFECYCLE].http?.address() ?? null;
  }

  broadcast(
    data: BufferLike | PreparedMessage,
    options: BroadcastOptions<InstanceType<T>> = {},
  ): Reached {
    if (!this.clients) throw new Error('broadcast() needs the option clientTracking');
    const prepared = data instanceof PreparedMessage ? data : new PreparedMessage(data, options);
    const { except, filter } = options;
    let reached = 0;
    for (const client of this.clients) {
      if (client === except || (filter && !filter(client))) continue;
      if (sendPrepared(client as unknown as WebSocket, prepared)) reached++;
    }
    return reached;
  }

  close(callback?: (error?: Error) => void): void {
    this[LIFECYCLE].close(callback);
  }

  shouldHandle(request: InstanceType<U>): boolean | Promise<boolean> {
    return matchesPath(this.options.path, request);
  }

  handleUpgrade(
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
  ): void {
    if (!beginHandshake(socket)) return;
    socket.on('error', ignore);
    const lifecycle = this[LIFECYCLE];
    const context = {
      pending: lifecycle.pending,
      isClaimed: () => lifecycle.takeClaim(request),
      matchesPath: () => matchesPath(this.options.path, request),
    };
    const upgrade = { request, socket, head };
    const server = this as unknown as UpgradeServer;
    const handshake = new OpeningHandshake(server, context, upgrade, callback as Accepted);
    destroyOnThrow(socket, () => handshake.start());
  }

  completeUpgrade(
    extensions: NegotiatedExtensions,
    key: string,
    subprotocols: Set<string>,
    request: InstanceType<U>,
    socket: Duplex,
    head: Buffer,
    callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
  ): void {
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (hasConnection(socket)) throw socketInUseError();
    const { phase, onClientEnd } = this[LIFECYCLE];
    if (phase !== 'RUNNING') {
      refuse(socket, 503);
      return;
    }
    const server = this as unknown as UpgradeServer;
    const extension = extensions[EXTENSION_NAME];
    let acceptance: Acceptance;
    try {
      acceptance = accept(server, extension, key, subprotocols, request, onClientEnd);
    } catch (error) {
      failHandshake(this, error, { request, socket });
      return;
    }
    openClient(acceptance, server, socket, head);
    callback(acceptance.client as unknown as InstanceType<T>, request);
  }
}

function matchesPath(path: string | null | undefined, request: IncomingMessage): boolean {
  return !path || pathOf(request.url) === path;
}

/** Sends directly, whatever `send` of a subclass does. @returns whether the connection is open */
function sendPrepared(client: WebSocket, prepared: PreparedMessage): boolean {
  const { connection, extension } = sessionOf(client);
  return (
    connection !== undefined && prepared.sendOn(connection.endpoint.sender, extension, undefined)
  );
}
