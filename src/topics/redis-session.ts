/** The connections to Redis from their opening to the first failure. Then all of them are closed, and others opened. */

import type { Buffer } from 'node:buffer';
import { toError } from '../connection/callbacks.js';
import { type Timer, time } from '../connection/time.js';
import { SLOTS, slotOf } from './redis-names.js';
import type { Driver, Node, Wire, WireEvents } from './redis-wire.js';

/**
 * How often Redis must answer on each connection, in milliseconds. One that is stopped is found dead after
 * one to two of them.
 */
const HEARTBEAT = 4_000;

/** How long all connections may take to open, in milliseconds. */
const OPEN_TIMEOUT = 10_000;

/** What a session tells its owner. */
export interface SessionEvents {
  message(channel: string, data: Buffer): void;
  /** The session was open, and is not any more. */
  end(error: Error): void;
}

/** The two connections to one server: in RESP2 one that is subscribed can do nothing else. */
interface Shard {
  readonly subscriber: Wire;
  readonly publisher: Wire;
}

export class RedisSession {
  private readonly events: SessionEvents;
  private state: 'OPENING' | 'OPEN' | 'CLOSED' = 'OPENING';
  private readonly wires: Wire[] = [];
  private readonly shards: Shard[] = [];
  /** Which shard serves a slot; undefined without a cluster. */
  private bySlot: Shard[] | undefined;
  /** Connections that have not answered the last PING yet. */
  private readonly silent = new Set<Wire>();
  private timer: Timer | undefined;
  private fail: (error: Error) => void = () => {};
  private release: () => void = () => {};

  constructor(events: SessionEvents) {
    this.events = events;
  }

  /** @returns resolves when Redis can be used; otherwise the session has ended */
  async open(driver: Driver): Promise<void> {
    const failure = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    this.timer = time.setTimeout(
      () => this.end(new Error(`Redis has not answered within ${OPEN_TIMEOUT} ms`)),
      OPEN_TIMEOUT,
    );
    try {
      await Promise.race([this.connect(driver), failure]);
    } catch (error) {
      this.end(toError(error));
      throw error;
    } finally {
      this.release();
      time.clearTimeout(this.timer);
    }
    if (!this.isOpening) throw new Error('The connection to Redis was lost as soon as it was open');
    this.state = 'OPEN';
    this.scheduleHeartbeat();
  }

  get isOpen(): boolean {
    return this.state === 'OPEN';
  }

  /** Sends a command to the server of a channel or a key. */
  send(name: string, command: string, args: readonly (string | Buffer)[]): PromiseLike<unknown> {
    return this.shardOf(name).publisher.send(command, args);
  }

  /** @returns resolves when the server has confirmed all of them */
  async subscribe(channels: readonly string[]): Promise<void> {
    await this.forEachSlot(channels, (wire, group, isSharded) => wire.subscribe(group, isSharded));
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.forEachSlot(channels, (wire, group, isSharded) =>
      wire.unsubscribe(group, isSharded),
    );
  }

  private get isOpening(): boolean {
    return this.state === 'OPENING';
  }

  /** Closes all connections at once. */
  end(error: Error): void {
    const { state } = this;
    if (state === 'CLOSED') return;
    this.state = 'CLOSED';
    time.clearTimeout(this.timer);
    for (const wire of this.wires) wire.destroy();
    if (state === 'OPENING') this.fail(error);
    else this.events.end(error);
  }

  private async connect(driver: Driver): Promise<void> {
    const { nodes, release } = driver.find();
    this.release = release;
    const found = await nodes;
    if (driver.isCluster) this.bySlot = [];
    await Promise.all(found.map((node) => this.connectTo(node)));
    if (this.bySlot === undefined) return;
    const served = Object.keys(this.bySlot).length;
    if (served < SLOTS) throw new Error(`The cluster serves ${served} of its ${SLOTS} slots`);
  }

  private async connectTo(node: Node): Promise<void> {
    const events: WireEvents = {
      message: (channel, data) => {
        if (this.state !== 'CLOSED') this.events.message(channel, data);
      },
      end: (error) => this.end(error),
    };
    if (this.state === 'CLOSED') return;
    const shard = { subscriber: node.wire(events), publisher: node.wire(events) };
    const wires = [shard.subscriber, shard.publisher];
    this.wires.push(...wires);
    this.shards.push(shard);
    for (const [first, last] of node.slots ?? []) {
      for (let slot = first; slot <= last; slot++) if (this.bySlot) this.bySlot[slot] = shard;
    }
    await Promise.all(wires.map((wire) => wire.connect()));
  }

  private shardOf(name: string): Shard {
    const shard = this.bySlot === undefined ? this.shards[0] : this.bySlot[slotOf(name)];
    if (shard === undefined) throw new Error('Redis is not connected');
    return shard;
  }

  /** A command for several channels of a cluster must have all of them in one slot. */
  private async forEachSlot(
    channels: readonly string[],
    action: (wire: Wire, group: readonly string[], isSharded: boolean) => PromiseLike<unknown>,
  ): Promise<void> {
    const { bySlot } = this;
    if (channels.length === 0) return;
    if (bySlot === undefined) {
      const [first = ''] = channels;
      await action(this.shardOf(first).subscriber, channels, false);
      return;
    }
    const groups = new Map<number, string[]>();
    for (const channel of channels) {
      const slot = slotOf(channel);
      const group = groups.get(slot);
      if (group === undefined) groups.set(slot, [channel]);
      else group.push(channel);
    }
    const calls = [...groups].map(([slot, group]) => {
      const shard = bySlot[slot] as Shard; // all slots were served when it was opened
      return action(shard.subscriber, group, true);
    });
    await Promise.all(calls);
  }

  private scheduleHeartbeat(): void {
    this.timer = time.setTimeout(() => this.onHeartbeat(), HEARTBEAT);
    this.timer.unref();
  }

  private onHeartbeat(): void {
    // After a stall of this process the answers may be there, but are not read yet.
    time.setImmediate(() => {
      if (this.state !== 'OPEN') return;
      if (this.silent.size > 0) {
        this.end(new Error(`Redis has not answered for ${HEARTBEAT} ms`));
        return;
      }
      for (const wire of this.wires) this.ping(wire);
      this.scheduleHeartbeat();
    });
  }

  private ping(wire: Wire): void {
    this.silent.add(wire);
    wire.send('PING', []).then(
      () => this.silent.delete(wire),
      (error) => this.end(toError(error)),
    );
  }
}
