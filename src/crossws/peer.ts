/** One connection, as the hooks get it. */

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { OPEN } from '../websocket/session.js';
import type { WebSocket } from '../websocket/websocket.js';
import type {
  CompressOptions,
  Peer as PeerApi,
  PeerContext,
  SyncDriver,
  UpgradeRequest,
  WaitForDrainOptions,
} from './interface.js';
import { toPayload, toSyncData } from './payload.js';
import { topicOf, topicOfAll } from './topic-names.js';
import type { Accepted } from './upgrade-decision.js';
import { waitForDrain } from './wait-for-drain.js';

/** What a peer shares with others. */
export interface PeerGroup {
  readonly peers: Set<PeerApi>;
  readonly sync: SyncDriver | undefined;
}

export class Peer implements PeerApi {
  readonly request: UpgradeRequest;
  readonly context: PeerContext;
  readonly namespace: string;
  readonly topics = new Set<string>();
  private readonly socket: WebSocket;
  private readonly group: PeerGroup;
  private readonly onError: (error: unknown) => void;
  private ownId: string | undefined;
  private proxy: WebSocket | undefined;

  /** @param onError receives what a Ping of the program failed with */
  constructor(
    socket: WebSocket,
    { request, context, namespace }: Accepted,
    group: PeerGroup,
    onError: (error: unknown) => void,
  ) {
    this.socket = socket;
    this.request = request;
    this.context = context;
    this.namespace = namespace;
    this.group = group;
    this.onError = onError;
  }

  get id(): string {
    this.ownId ??= randomUUID();
    return this.ownId;
  }

  get peers(): Set<PeerApi> {
    return this.group.peers;
  }

  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }

  get websocket(): WebSocket {
    this.proxy ??= withRequested(this.socket, this.request);
    return this.proxy;
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  send(data: unknown, { compress = true }: CompressOptions = {}): number {
    this.socket.send(toPayload(data), { compress });
    return this.socket.bufferedAmount;
  }

  publish(topic: string, data: unknown, { compress = true }: CompressOptions = {}): number {
    const payload = toPayload(data);
    const { namespace } = this;
    const count = this.socket.publish(topicOf(namespace, topic), payload, { compress });
    void this.group.sync?.publish({ namespace, topic, data: toSyncData(payload) });
    return count;
  }

  subscribe(topic: string): Promise<void> {
    const confirmed = this.socket.subscribe(this.names(topic));
    if (this.socket.readyState === OPEN) this.topics.add(topic);
    return confirmed;
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
    this.socket.unsubscribe(this.names(topic));
  }

  close(code?: number, reason?: string | Uint8Array): void {
    this.socket.close(code, reason);
  }

  terminate(): void {
    this.socket.terminate();
  }

  ping(data?: unknown): void {
    try {
      this.socket.ping(data);
    } catch (error) {
      this.onError(error);
    }
  }

  waitForDrain(options?: WaitForDrainOptions): Promise<void> {
    return waitForDrain(this.socket, options);
  }

  toString(): string {
    return this.id;
  }

  [Symbol.toPrimitive](): string {
    return this.id;
  }

  get [Symbol.toStringTag](): 'WebSocket' {
    return 'WebSocket';
  }

  [inspect.custom](): unknown {
    return { peer: { id: this.id, ip: this.remoteAddress } };
  }

  private names(topic: string): string[] {
    return [topicOf(this.namespace, topic), topicOfAll(topic)];
  }
}

/** The WebSocket, with what the request asks for where nothing was negotiated. */
function withRequested(socket: WebSocket, request: UpgradeRequest): WebSocket {
  return new Proxy(socket, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (value) return value;
      if (name === 'protocol') return request.headers.get('sec-websocket-protocol') ?? '';
      if (name === 'extensions') return request.headers.get('sec-websocket-extensions') ?? '';
      if (name === 'url') return request.url.replace(/^http/, 'ws');
      return value;
    },
  });
}
