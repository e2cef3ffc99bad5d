/** Limits how much waits for a peer that reads slowly: what is over the limit is dropped, or the peer. */

import { Buffer } from 'node:buffer';
import { type Close, CloseCode } from '../protocol/close.js';
import type { Endpoint } from '../protocol/endpoint.js';
import type { Extension } from '../protocol/extension.js';
import type { SendCallback } from '../protocol/write-batch.js';
import { Backlog, type Sendable, WaitingMessage } from './backlog.js';
import { type DropListener, Drops } from './drops.js';
import type {
  OverflowVerdict,
  QueueOptions,
  SendLimitSettings,
  SendOutcome,
} from './send-limit-settings.js';
import { type Timer, time } from './time.js';

/** What a limit needs of the connection below it. */
export interface LimitedConnection {
  readonly endpoint: Endpoint;
  /** The message bytes that the sender and the socket's buffer hold. */
  readonly unsentAmount: number;
  /** Writes what the sender has gathered. */
  flush(): boolean;
}

/** Memory that the backlogs of several connections share. */
export interface SharedBudget {
  /** What waits for this connection costs this much more, or less. */
  onChange(limit: SendLimit, change: number): void;
}

/** Without a limit, 'drain' is emitted when at most this much waits, as without a backlog. */
const LOW_WATER = 65_536;

/** The fraction of `maxAge` after which late messages are looked for again. */
const SWEEPS_PER_AGE = 8;

const CLOSE: Close = {
  code: CloseCode.TRY_AGAIN_LATER,
  reason: Buffer.from('Messages are read too slowly'),
};

const ORIGIN = { by: 'limit', cause: 'slow' } as const;

/**
 * Stands between the program and the sender of one connection. As long as the socket takes what is
 * sent, messages pass. Above its high water mark they wait here, uncompressed: what was dropped must
 * not be in the compression window of the peer (RFC 7692 §7.1.1).
 */
export class SendLimit {
  readonly backlog = new Backlog();
  private readonly connection: LimitedConnection;
  private readonly settings: SendLimitSettings;
  private readonly extension: Extension | undefined;
  readonly drops: Drops;
  private readonly budget: SharedBudget | undefined;
  /** Messages were queued since the last 'drain'. */
  private isAboveLowWater = false;
  /** The part of the budget that is in use. */
  private budgeted = 0;
  private timer: Timer | undefined = undefined;

  constructor(
    connection: LimitedConnection,
    settings: SendLimitSettings,
    extension: Extension | undefined,
    listener: DropListener,
    budget: SharedBudget | undefined,
  ) {
    this.connection = connection;
    this.settings = settings;
    this.extension = extension;
    this.drops = new Drops(listener);
    this.budget = budget;
  }

  /**
   * Sends a message or a control frame, or keeps it until there is room.
   * @throws what the program's `overflow` and `generateMask` throw
   */
  send(
    message: Sendable,
    options: QueueOptions | undefined,
    callback: SendCallback | undefined,
  ): SendOutcome {
    if (!this.isOpen || this.passes(message.byteLength)) return this.sendNow(message, callback);
    const isWhole = message.kind === 'MESSAGE' && message.fin && !this.isInMessage;
    const entry = this.makeEntry(message, isWhole, isWhole ? options : undefined, callback);
    const outcome = this.makeRoom(entry, isWhole, options?.key);
    this.settle();
    // The budget may have closed this connection.
    return outcome === 'queued' && !this.isOpen ? 'closed' : outcome;
  }

  /**
   * The sender takes more: gives it messages that wait.
   * @returns whether the program may send more
   */
  drain(): boolean {
    const { backlog } = this;
    const { endpoint } = this.connection;
    const wasEmpty = backlog.isEmpty;
    try {
      while (endpoint.acceptsMore && this.sendOldest());
    } finally {
      this.settle();
      // An in-memory wire may throw what its reader throws: the other messages must not be forgotten.
      if (!backlog.isEmpty && this.isOpen && endpoint.canSendMore()) {
        time.setImmediate(continueDraining, this);
      }
    }
    const { maxAmount } = this.settings;
    if (backlog.cost > (maxAmount === Infinity ? LOW_WATER : maxAmount / 2)) return false;
    const isDue = wasEmpty || this.isAboveLowWater;
    this.isAboveLowWater = false;
    return isDue;
  }

  /** A Close will be sent: RFC 6455 §5.5.1 allows no message behind it, so all leave now. */
  release(): void {
    while (this.sendOldest());
    this.settle();
  }

  /** Closes the connection of a peer that reads too slowly. The Close overtakes droppable messages. */
  close(): void {
    const { endpoint } = this.connection;
    const { backlog } = this;
    if (this.isOpen) endpoint.sender.prepareKey();
    let entry = this.isOpen ? backlog.oldestDroppable : backlog.head;
    while (entry !== undefined) {
      backlog.remove(entry);
      this.drops.add(entry, 'closing');
      entry = this.isOpen ? backlog.oldestDroppable : backlog.head;
    }
    endpoint.startClosingHandshake(CLOSE, ORIGIN);
    this.settle();
  }

  /** Empties the backlog when the wire is closed. @returns the callbacks of the messages that waited */
  stop(): SendCallback[] {
    const callbacks: SendCallback[] = [];
    for (let entry = this.backlog.shift(); entry !== undefined; entry = this.backlog.shift()) {
      if (entry.callback !== undefined) callbacks.push(entry.callback);
    }
    this.settle();
    return callbacks;
  }

  /** The timer of `maxAge`: drops messages that have waited for too long. */
  sweep(): void {
    this.timer = undefined;
    const now = time.now();
    for (let entry = this.backlog.head; entry !== undefined; ) {
      const { next } = entry;
      if (this.isExpired(entry, now)) {
        this.backlog.remove(entry);
        this.drops.add(entry, 'expired');
      }
      entry = next;
    }
    this.settle();
  }

  private get isOpen(): boolean {
    return this.connection.endpoint.state === 'OPEN';
  }

  /** RFC 6455 §5.4: fragments of a message were sent, its last one was not. */
  private get isInMessage(): boolean {
    const { backlog, connection } = this;
    return backlog.isEmpty ? connection.endpoint.sender.isInMessage : backlog.isInMessage;
  }

  /** Whether a message may be given to the sender now: nothing waits, and it is within the limit. */
  private passes(byteLength: number): boolean {
    const { connection } = this;
    if (!this.backlog.isEmpty || !connection.endpoint.acceptsMore) return false;
    if (this.hasRoom(byteLength)) return true;
    // Frames that are gathered until the tick ends are not what a slow peer leaves unread.
    connection.flush();
    return connection.endpoint.acceptsMore && this.hasRoom(byteLength);
  }

  /** Whether this much more may wait. If nothing else waits, it may be any amount. */
  private hasRoom(cost: number): boolean {
    const { maxAmount } = this.settings;
    if (maxAmount === Infinity) return true;
    const amount = this.connection.unsentAmount + this.backlog.cost;
    return amount === 0 || amount + cost <= maxAmount;
  }

  private makeEntry(
    message: Sendable,
    isWhole: boolean,
    { key, droppable }: QueueOptions = {},
    callback: SendCallback | undefined,
  ): WaitingMessage {
    const { overflow, maxAge } = this.settings;
    const conflates = overflow === 'conflate';
    // Under 'conflate' messages are dropped only if the program says so.
    const isDroppable = isWhole && (droppable ?? !conflates);
    const canExpire = isWhole && (droppable ?? (!conflates || key !== undefined));
    const since = maxAge === Infinity ? 0 : time.now();
    const usedKey = conflates ? key : undefined;
    return new WaitingMessage(message, callback, usedKey, isDroppable, canExpire, since);
  }

  private makeRoom(entry: WaitingMessage, isWhole: boolean, key: string | undefined): SendOutcome {
    const { overflow } = this.settings;
    if (overflow === 'drop-oldest' || overflow === 'conflate') return this.dropOlder(entry);
    if (this.hasRoom(entry.cost)) return this.queue(entry);
    const verdict = this.verdictOn(entry, key);
    if (verdict === 'send') return this.queue(entry);
    // RFC 6455 §5.4: a message of which a fragment is missing would be another message.
    if (verdict === 'drop' && isWhole) {
      this.drops.add(entry, 'full');
      return 'dropped';
    }
    return this.closeFor(entry);
  }

  private verdictOn(
    { message: { byteLength: bytes, kind }, isDroppable: droppable }: WaitingMessage,
    key: string | undefined,
  ): OverflowVerdict {
    const { overflow } = this.settings;
    if (typeof overflow === 'function') {
      return kind === 'CONTROL' ? 'send' : overflow({ bytes, key, droppable });
    }
    return overflow === 'drop-newest' && droppable ? 'drop' : 'close';
  }

  /** Queues a message, and drops older ones until it has room. */
  private dropOlder(entry: WaitingMessage): SendOutcome {
    const { backlog } = this;
    const outcome = this.queue(entry);
    if (outcome !== 'queued') return outcome;
    while (!this.hasRoom(0) && !backlog.hasOnly(entry)) {
      const oldest = backlog.oldestDroppable;
      if (oldest === undefined) {
        backlog.remove(entry);
        return this.closeFor(entry);
      }
      backlog.remove(oldest);
      this.drops.add(oldest, 'full');
      if (oldest === entry) return 'dropped';
    }
    return 'queued';
  }

  private queue(entry: WaitingMessage): SendOutcome {
    const { backlog, connection } = this;
    // Without a full socket no 'drain' would follow.
    if (backlog.isEmpty && connection.endpoint.acceptsMore) {
      return this.sendNow(entry.message, entry.callback);
    }
    if (backlog.isEmpty) backlog.isInMessage = connection.endpoint.sender.isInMessage;
    const older = entry.key === undefined ? undefined : backlog.find(entry.key);
    entry.message.keep();
    if (older === undefined) backlog.push(entry);
    else {
      backlog.replace(older, entry);
      this.drops.add(older, 'replaced');
    }
    this.isAboveLowWater = true;
    connection.endpoint.canSendMore(); // asks for `onDrain`
    return 'queued';
  }

  private closeFor(entry: WaitingMessage): SendOutcome {
    this.close();
    this.drops.add(entry, 'closing');
    return 'closed';
  }

  private sendNow(message: Sendable, callback: SendCallback | undefined): SendOutcome {
    const { sender } = this.connection.endpoint;
    return message.sendOn(sender, this.extension, callback) ? 'sent' : 'rejected';
  }

  /** @returns false if nothing waits, or nothing can be sent any more */
  private sendOldest(): boolean {
    const { sender } = this.connection.endpoint;
    if (this.backlog.isEmpty || sender.isClosed || !sender.hasKey()) return false;
    const entry = this.backlog.shift();
    if (entry === undefined) return false;
    if (this.isExpired(entry, undefined)) this.drops.add(entry, 'expired');
    else entry.message.sendOn(sender, this.extension, entry.callback);
    return true;
  }

  private isExpired(entry: WaitingMessage, now: number | undefined): boolean {
    const { maxAge } = this.settings;
    if (maxAge === Infinity || !entry.canExpire) return false;
    return (now ?? time.now()) - entry.since > maxAge;
  }

  /** After each change: the budget, and the timer of `maxAge`. */
  private settle(): void {
    const { backlog, settings } = this;
    if (backlog.isEmpty) {
      time.clearTimeout(this.timer);
      this.timer = undefined;
    } else if (settings.maxAge < Infinity && this.timer === undefined) {
      this.timer = time.setTimeout(sweep, Math.max(1, settings.maxAge / SWEEPS_PER_AGE), this);
      this.timer.unref();
    }
    const change = backlog.cost - this.budgeted;
    this.budgeted = backlog.cost;
    if (change !== 0) this.budget?.onChange(this, change);
  }
}

function sweep(limit: SendLimit): void {
  limit.sweep();
}

function continueDraining(limit: SendLimit): void {
  limit.drain();
}
