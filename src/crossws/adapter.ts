/** The adapter: answers requests, and keeps the connections by namespace. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describeValue } from '../connection/check-options.js';
import { emitSafely } from '../server/emit.js';
import { failHandshake } from '../server/upgrade-server.js';
import { WebSocketServer } from '../server/websocket-server.js';
import type { WebSocket } from '../websocket/websocket.js';
import { acceptWith } from './accept-with.js';
import type {
  AdapterOptions,
  AdapterPublishOptions,
  CrosswsAdapter,
  Peer,
  SyncDriver,
  UpgradeRequest,
} from './interface.js';
import { toPayload, toSyncData } from './payload.js';
import { PeerSession } from './peer-session.js';
import { refuseWith } from './refuse-with.js';
import { toWebRequest } from './request.js';
import { startSync } from './sync.js';
import { topicOf, topicOfAll } from './topic-names.js';
import { type Accepted, decide } from './upgrade-decision.js';

type Upgrade = readonly [request: IncomingMessage, socket: Duplex, head: Buffer];

export class Adapter {
  readonly peers = new Map<string, Set<Peer>>();
  readonly server: WebSocketServer;
  readonly sync: SyncDriver | undefined;
  private readonly options: AdapterOptions;

  /** @throws TypeError for a `wss` that has no topics, and for both `sync` and a broker */
  constructor(options: AdapterOptions) {
    this.options = options;
    this.server = serverOf(options);
    if (options.sync && this.server.options.broker) {
      throw new TypeError(
        'Messages would arrive twice: give the adapter `sync` or a broker, not both',
      );
    }
    this.sync = startSync(options, ({ namespace, topic, data }) => {
      this.publishHere(topic, data, { namespace });
    });
  }

  publish(topic: string, data: unknown, options: AdapterPublishOptions = {}): number {
    const count = this.publishHere(topic, data, options);
    const { namespace = '' } = options;
    void this.sync?.publish({ namespace, topic, data: toSyncData(toPayload(data)) });
    return count;
  }

  /** Never rejected: an error of the program is answered and reported. */
  async handleUpgrade(upgrade: Upgrade, given: Request | undefined): Promise<void> {
    const [incoming, socket] = upgrade;
    // The client may leave while a hook decides.
    socket.on('error', ignoreError);
    try {
      const request: UpgradeRequest | undefined = given ?? toWebRequest(incoming);
      const decision = request === undefined ? noUrl() : await decide(this.options, request);
      if (decision instanceof Response) await refuseWith(socket, decision);
      else {
        socket.off('error', ignoreError);
        if (decision !== 'handled') this.accept(decision, upgrade);
      }
    } catch (error) {
      failHandshake(this.server, error, { request: incoming, socket });
    }
  }

  closeAll(code?: number, reason?: string | Uint8Array, force?: boolean): void {
    for (const peers of this.peers.values()) {
      for (const peer of peers) {
        if (force) peer.terminate();
        else peer.close(code, reason);
      }
    }
  }

  async close(code?: number, reason?: string): Promise<void> {
    this.closeAll(code, reason);
    if (!this.options.wss) this.server.close();
    await this.sync?.close?.();
  }

  private publishHere(
    topic: string,
    data: unknown,
    { namespace, compress = true }: AdapterPublishOptions,
  ): number {
    const name = namespace ? topicOf(namespace, topic) : topicOfAll(topic);
    return this.server.publish(name, toPayload(data), { compress });
  }

  private accept(accepted: Accepted, [incoming, socket, head]: Upgrade): void {
    acceptWith(this.server, accepted, this.options).handleUpgrade(
      incoming,
      socket,
      head,
      (client) => this.onConnection(client as WebSocket, accepted, incoming),
    );
  }

  private onConnection(client: WebSocket, accepted: Accepted, incoming: IncomingMessage): void {
    const { namespace } = accepted;
    const peers = this.peersOf(namespace);
    const isConcurrent = Boolean(this.options.concurrentMessages);
    const group = { peers, sync: this.sync };
    const session = new PeerSession(client, accepted, group, isConcurrent);
    peers.add(session.peer);
    // Before the listener of the session, which may call `close`: the peer is not among the others then.
    client.prependListener('close', () => {
      peers.delete(session.peer);
      if (peers.size === 0) this.peers.delete(namespace);
    });
    session.start();
    emitSafely(this.server, 'connection', client, incoming);
  }

  private peersOf(namespace: string): Set<Peer> {
    const existing = this.peers.get(namespace);
    if (existing !== undefined) return existing;
    const peers = new Set<Peer>();
    this.peers.set(namespace, peers);
    return peers;
  }
}

/** Makes an adapter: `index.ts` documents it. */
export function makeAdapter(options: AdapterOptions = {}): CrosswsAdapter {
  const adapter = new Adapter(options);
  const { peers, server, sync } = adapter;
  return {
    peers,
    server,
    ...(sync && { sync }),
    publish: (topic, data, publishOptions) => adapter.publish(topic, data, publishOptions),
    handleUpgrade: (request, socket, head, webRequest) =>
      adapter.handleUpgrade([request, socket, head], webRequest),
    closeAll: (code, reason, force) => adapter.closeAll(code, reason, force),
    close: (code, reason) => adapter.close(code, reason),
  };
}

/** @throws TypeError for a server without topics, such as one of `ws` */
function serverOf({ wss, serverOptions }: AdapterOptions): WebSocketServer {
  if (!wss) {
    return new WebSocketServer({ noServer: true, handleProtocols: () => false, ...serverOptions });
  }
  if (typeof wss.publish === 'function' && typeof wss.handleUpgrade === 'function') return wss;
  throw new TypeError(
    `The option wss must be a WebSocketServer of ws6455, which has topics: ${describeValue(wss)}`,
  );
}

/** RFC 9112 §3.2 MUST: a request with an invalid Host is answered with 400. */
function noUrl(): Response {
  return new Response('The request target and Host must be a valid URL', { status: 400 });
}

function ignoreError(): void {}
