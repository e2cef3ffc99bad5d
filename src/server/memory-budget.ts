/** The memory that may wait for all connections of a server: the one stalled for longest goes first. */

import type { SendLimit, SharedBudget } from '../connection/send-limit.js';

/** A connection for which messages wait. */
interface Account {
  readonly limit: SendLimit;
  /** The order of its oldest message when it was last looked at. It only ever becomes higher. */
  order: number;
  /** Where it is in the heap. */
  index: number;
}

/** What waits for the connections of a server. */
export class MemoryBudget implements SharedBudget {
  /** The most bytes that may wait. */
  max = 0;
  private used = 0;
  private isClosing = false;
  private readonly accounts = new Map<SendLimit, Account>();
  /** A binary heap: no account is above one whose message is older. */
  private readonly heap: Account[] = [];

  onChange(limit: SendLimit, change: number): void {
    this.used += change;
    const account = this.accounts.get(limit);
    if (limit.backlog.isEmpty) {
      if (account !== undefined) this.remove(account);
    } else if (account === undefined) this.add(limit);
    // Closing a connection changes what waits: the loop that closes goes on by itself.
    if (this.used > this.max && !this.isClosing) this.closeOldest();
  }

  private closeOldest(): void {
    this.isClosing = true;
    try {
      while (this.used > this.max) {
        const oldest = this.findOldest();
        if (oldest === undefined) return;
        this.remove(oldest);
        oldest.limit.close();
      }
    } finally {
      this.isClosing = false;
    }
  }

  /** Orders are looked up here only: they change with each message that leaves a backlog. */
  private findOldest(): Account | undefined {
    for (let [top] = this.heap; top !== undefined; [top] = this.heap) {
      const order = top.limit.backlog.head?.order ?? top.order;
      if (order === top.order) return top;
      top.order = order;
      this.siftDown(top);
    }
    return undefined;
  }

  private add(limit: SendLimit): void {
    const order = limit.backlog.head?.order ?? 0;
    const account = { limit, order, index: this.heap.length };
    this.accounts.set(limit, account);
    this.heap.push(account);
    this.siftUp(account);
  }

  private remove(account: Account): void {
    this.accounts.delete(account.limit);
    const last = this.heap.pop();
    if (last === undefined || last === account) return;
    this.put(last, account.index);
    this.siftUp(last);
    this.siftDown(last);
  }

  private siftUp(account: Account): void {
    for (
      let parent = this.parentOf(account);
      parent !== undefined;
      parent = this.parentOf(account)
    ) {
      if (parent.order <= account.order) return;
      this.swap(parent, account);
    }
  }

  private siftDown(account: Account): void {
    for (
      let child = this.olderChildOf(account);
      child !== undefined;
      child = this.olderChildOf(account)
    ) {
      if (account.order <= child.order) return;
      this.swap(account, child);
    }
  }

  private parentOf({ index }: Account): Account | undefined {
    return index === 0 ? undefined : this.heap[(index - 1) >> 1];
  }

  private olderChildOf({ index }: Account): Account | undefined {
    const left = this.heap[2 * index + 1];
    const right = this.heap[2 * index + 2];
    if (left === undefined || right === undefined) return left;
    return right.order < left.order ? right : left;
  }

  private swap(one: Account, other: Account): void {
    const { index } = one;
    this.put(one, other.index);
    this.put(other, index);
  }

  private put(account: Account, index: number): void {
    account.index = index;
    this.heap[index] = account;
  }
}
