/** Messages that wait in front of the sender. Each can still be removed, in constant time. */

import type { Extension } from '../protocol/extension.js';
import type { Sender } from '../protocol/sender.js';
import type { SendCallback } from '../protocol/write-batch.js';

/** A message or control frame that is given to a sender, now or later. */
export interface Sendable {
  /** How many bytes the program gave. */
  readonly byteLength: number;
  /** Only messages are dropped: no control frames, and no frames that the program made. */
  readonly kind: 'MESSAGE' | 'CONTROL' | 'FRAMES';
  /** False for a fragment of a message that others follow. RFC 6455 §5.4. */
  readonly fin: boolean;
  /** It will wait: the program may reuse its buffer when `send` returns. */
  keep(): void;
  /** @returns false if the sender is closed: then nothing is sent */
  sendOn(
    sender: Sender,
    extension: Extension | undefined,
    callback: SendCallback | undefined,
  ): boolean;
}

/** What a waiting message costs beside its payload, in bytes: many small messages are bounded too. */
export const COST_OF_MESSAGE = 128;

/** A message that waits. */
export class WaitingMessage {
  readonly message: Sendable;
  readonly callback: SendCallback | undefined;
  /** undefined if no newer message may replace it. */
  readonly key: string | undefined;
  /** Whether it may be dropped at the limit. */
  readonly isDroppable: boolean;
  /** Whether it is dropped when it has waited for too long. */
  readonly canExpire: boolean;
  /** When it was sent, in milliseconds of `time.now()`; 0 if nothing expires. */
  readonly since: number;
  /** Its place among all waiting messages of the process: the lower, the older. */
  order = 0;
  previous: WaitingMessage | undefined = undefined;
  next: WaitingMessage | undefined = undefined;

  constructor(
    message: Sendable,
    callback: SendCallback | undefined,
    key: string | undefined,
    isDroppable: boolean,
    canExpire: boolean,
    since: number,
  ) {
    this.message = message;
    this.callback = callback;
    this.key = key;
    this.isDroppable = isDroppable;
    this.canExpire = canExpire;
    this.since = since;
  }

  get cost(): number {
    return this.message.byteLength + COST_OF_MESSAGE;
  }
}

let nextOrder = 0;

/** The waiting messages of one connection, oldest first, as a linked list. */
export class Backlog {
  head: WaitingMessage | undefined = undefined;
  /** The payloads of the messages; control frames do not count. */
  messageLength = 0;
  /** The payloads and {@link COST_OF_MESSAGE} of everything that waits. */
  cost = 0;
  /** The oldest droppable message. All that stand before it are not droppable. */
  oldestDroppable: WaitingMessage | undefined = undefined;
  /** Whether the newest message is a fragment that others follow; set by the owner of an empty backlog. */
  isInMessage = false;
  private tail: WaitingMessage | undefined = undefined;
  /** The waiting messages with a key; made with the first one. */
  private byKey: Map<string, WaitingMessage> | undefined = undefined;
  /** The order of the newest message without a key. */
  private newestWithoutKey = -1;

  get isEmpty(): boolean {
    return this.head === undefined;
  }

  hasOnly(entry: WaitingMessage): boolean {
    return this.head === entry && this.tail === entry;
  }

  find(key: string): WaitingMessage | undefined {
    return this.byKey?.get(key);
  }

  /** Adds the newest message. */
  push(entry: WaitingMessage): void {
    const { tail } = this;
    entry.order = nextOrder++;
    entry.previous = tail;
    if (tail === undefined) this.head = entry;
    else tail.next = entry;
    this.tail = entry;
    if (entry.message.kind === 'MESSAGE') this.isInMessage = !entry.message.fin;
    if (entry.isDroppable) this.oldestDroppable ??= entry;
    if (entry.key === undefined) this.newestWithoutKey = entry.order;
    else this.index(entry, entry.key);
    this.count(entry, 1);
  }

  /**
   * Puts a message in the place of an older one with its key, so that a key that changes often is sent
   * as often as others. A message without a key is not overtaken: behind one, it becomes the newest.
   */
  replace(old: WaitingMessage, entry: WaitingMessage): void {
    if (old.order < this.newestWithoutKey || old.isDroppable !== entry.isDroppable) {
      this.remove(old);
      this.push(entry);
      return;
    }
    const { previous, next } = old;
    entry.order = old.order;
    entry.previous = previous;
    entry.next = next;
    if (previous === undefined) this.head = entry;
    else previous.next = entry;
    if (next === undefined) this.tail = entry;
    else next.previous = entry;
    if (this.oldestDroppable === old) this.oldestDroppable = entry;
    if (entry.key !== undefined) this.index(entry, entry.key);
    this.count(old, -1);
    this.count(entry, 1);
  }

  remove(entry: WaitingMessage): void {
    const { previous, next, key } = entry;
    if (this.oldestDroppable === entry) this.oldestDroppable = nextDroppable(entry);
    if (previous === undefined) this.head = next;
    else previous.next = next;
    if (next === undefined) this.tail = previous;
    else next.previous = previous;
    // A link of a removed message would keep newer ones alive.
    entry.previous = undefined;
    entry.next = undefined;
    if (key !== undefined && this.byKey?.get(key) === entry) this.byKey.delete(key);
    this.count(entry, -1);
  }

  /** Takes the oldest message. */
  shift(): WaitingMessage | undefined {
    const { head } = this;
    if (head !== undefined) this.remove(head);
    return head;
  }

  private index(entry: WaitingMessage, key: string): void {
    this.byKey ??= new Map();
    this.byKey.set(key, entry);
  }

  private count(entry: WaitingMessage, sign: 1 | -1): void {
    this.cost += sign * entry.cost;
    if (entry.message.kind !== 'CONTROL') this.messageLength += sign * entry.message.byteLength;
  }
}

function nextDroppable({ next }: WaitingMessage): WaitingMessage | undefined {
  let entry = next;
  while (entry !== undefined && !entry.isDroppable) entry = entry.next;
  return entry;
}
