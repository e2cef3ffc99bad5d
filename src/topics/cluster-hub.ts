/** The hub in a primary process: which worker wants which topic, and the history of topics. */

import { Buffer } from 'node:buffer';
import { toError } from '../connection/callbacks.js';
import type { HistoryPublishOptions } from '../server/broker.js';
import { MemoryHistory } from '../server/memory-history.js';
import { ClusterPeer } from './cluster-peer.js';
import {
  type PrimaryPort,
  toClusterMessage,
  VERSION,
  type WireData,
  type WorkerPort,
  type WorkerRecord,
} from './cluster-port.js';

/** What a hub counts. */
export interface PrimaryStats {
  /** Brokers of workers: those of `cluster()`. */
  readonly brokers: number;
  /** Topics that a worker is subscribed to. */
  readonly topics: number;
  /** Bytes that wait for workers. */
  readonly queuedBytes: number;
  /** Messages that were dropped because a worker did not read. */
  readonly lost: number;
}

export class ClusterHub {
  private readonly cluster: PrimaryPort;
  private readonly maxQueuedBytes: number;
  private readonly peers = new Map<WorkerPort, Map<string, ClusterPeer>>();
  private readonly topics = new Map<string, Set<ClusterPeer>>();
  private readonly history = new MemoryHistory<WireData>();
  private lost = 0;

  constructor(cluster: PrimaryPort, maxQueuedBytes: number) {
    this.cluster = cluster;
    this.maxQueuedBytes = maxQueuedBytes;
    cluster.on('message', this.onMessage);
    cluster.on('disconnect', this.onGone);
    cluster.on('exit', this.onGone);
  }

  get stats(): PrimaryStats {
    const all = [...this.peers.values()].flatMap((ofWorker) => [...ofWorker.values()]);
    const peers = all.filter(({ phase }) => phase === 'UP');
    const queuedBytes = peers.reduce((sum, { link }) => sum + link.queuedBytes, 0);
    return { brokers: peers.length, topics: this.topics.size, queuedBytes, lost: this.lost };
  }

  close(): void {
    this.cluster.off('message', this.onMessage);
    this.cluster.off('disconnect', this.onGone);
    this.cluster.off('exit', this.onGone);
    for (const ofWorker of this.peers.values()) {
      for (const peer of ofWorker.values()) this.reset(peer, 'primary() was closed');
    }
    this.peers.clear();
    this.history.close();
  }

  private readonly onMessage = (worker: WorkerPort, given: unknown): void => {
    const message = toClusterMessage(given);
    if (message === undefined) return;
    const { ws6455: id, hello, version, list = [] } = message;
    if (hello !== undefined) this.welcome(worker, id, hello, version === VERSION);
    const peer = this.peers.get(worker)?.get(id);
    if (peer !== undefined) this.onRecords(peer, list);
  };

  /** What a worker sends must not end the primary process. */
  private onRecords(peer: ClusterPeer, list: readonly unknown[]): void {
    try {
      for (const record of list) {
        if (peer.phase === 'UP') this.onRecord(peer, record as WorkerRecord);
      }
    } catch (error) {
      const { message } = toError(error);
      this.reset(peer, `The primary process cannot read what the worker sent: ${message}`);
    }
  }

  /** A worker is gone with all of its brokers. */
  private readonly onGone = (worker: WorkerPort): void => {
    for (const peer of this.peers.get(worker)?.values() ?? []) this.forget(peer);
    this.peers.delete(worker);
  };

  /** A broker begins, or begins again. */
  private welcome(worker: WorkerPort, id: string, hello: unknown, isSameVersion: boolean): void {
    const peer = new ClusterPeer(worker, id, ArrayBuffer.isView(hello), this.maxQueuedBytes);
    peer.sayHello();
    if (!isSameVersion) return;
    const ofWorker = this.peers.get(worker) ?? new Map<string, ClusterPeer>();
    const before = ofWorker.get(id);
    if (before !== undefined) {
      this.forget(before);
      before.link.clear();
    }
    ofWorker.set(id, peer);
    this.peers.set(worker, ofWorker);
  }

  private onRecord(peer: ClusterPeer, record: WorkerRecord): void {
    switch (record[0]) {
      case 'publish':
        this.forward(peer, record[1], record[2]);
        return;
      case 'subscribe':
        this.subscribe(peer, record[2]);
        peer.answer(record[1], null);
        return;
      case 'unsubscribe':
        for (const topic of record[1]) this.remove(peer, topic);
        return;
      case 'append':
        peer.answer(record[1], this.append(record[2], record[3], record[4]));
        return;
      case 'position':
        peer.answer(record[1], this.history.position(record[2], record[3] ?? undefined));
        return;
      case 'since': {
        const [, request, topic, position, limits] = record;
        peer.answerLater(request, () => this.history.since(topic, position, limits ?? undefined));
        return;
      }
      case 'leave':
        this.leave(peer);
    }
  }

  private subscribe(peer: ClusterPeer, topics: readonly string[]): void {
    for (const topic of topics) {
      peer.topics.add(topic);
      const subscribers = this.topics.get(topic);
      if (subscribers === undefined) this.topics.set(topic, new Set([peer]));
      else subscribers.add(peer);
    }
  }

  private remove(peer: ClusterPeer, topic: string): void {
    peer.topics.delete(topic);
    const subscribers = this.topics.get(topic);
    subscribers?.delete(peer);
    if (subscribers?.size === 0) this.topics.delete(topic);
  }

  /** Sends a message to those that want it, but not back. */
  private forward(sender: ClusterPeer, topic: string, data: WireData): void {
    for (const peer of this.topics.get(topic) ?? []) {
      if (peer !== sender && !peer.message(topic, data)) this.onOverflow(peer);
    }
  }

  private append(topic: string, data: WireData, options: HistoryPublishOptions) {
    // What has arrived is a part of the memory of its whole batch.
    const kept = typeof data === 'string' ? data : Buffer.from(data);
    const { position, isRepetition } = this.history.append(topic, kept, options);
    if (isRepetition) return position;
    for (const peer of this.topics.get(topic) ?? []) {
      if (!peer.message(topic, kept, position)) this.onOverflow(peer);
    }
    return position;
  }

  private onOverflow(peer: ClusterPeer): void {
    this.lost += 1 + this.reset(peer, 'The worker was too slow: messages for it were dropped');
  }

  /** @returns what `reset` of the peer returns */
  private reset(peer: ClusterPeer, reason: string): number {
    this.forget(peer);
    return peer.reset(reason);
  }

  private leave(peer: ClusterPeer): void {
    this.forget(peer);
    const ofWorker = this.peers.get(peer.worker);
    ofWorker?.delete(peer.id);
    if (ofWorker?.size === 0) this.peers.delete(peer.worker);
  }

  /** It gets nothing any more. */
  private forget(peer: ClusterPeer): void {
    peer.phase = 'FORGOTTEN';
    for (const topic of [...peer.topics]) this.remove(peer, topic);
  }
}
