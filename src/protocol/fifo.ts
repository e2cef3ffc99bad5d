/** A queue in which `shift` takes constant time. For an array it may be linear. */

/** Fewer taken items than this are not worth a copy of the others. */
const MIN_TAKEN = 32;

/** First in, first out. */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  /** How many of `items` were taken. */
  private taken = 0;

  get length(): number {
    return this.items.length - this.taken;
  }

  /** The oldest item. */
  get head(): T | undefined {
    return this.items[this.taken];
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** Takes the oldest item. */
  shift(): T | undefined {
    const { head } = this;
    if (head === undefined) return undefined;
    this.items[this.taken++] = undefined; // for the garbage collector
    const { taken, items } = this;
    if (taken === items.length || (taken >= MIN_TAKEN && taken * 2 >= items.length)) {
      this.items = taken === items.length ? [] : items.slice(taken);
      this.taken = 0;
    }
    return head;
  }

  /** Returns the newest items, oldest first. @param count at most `length` */
  newest(count: number): T[] {
    return this.items.slice(this.items.length - count) as T[]; // only taken items are undefined
  }

  /** Returns all items, oldest first. */
  list(): T[] {
    return this.items.slice(this.taken) as T[]; // only taken items are undefined
  }

  /** Takes all items, oldest first. */
  takeAll(): T[] {
    const all = this.list();
    this.items = [];
    this.taken = 0;
    return all;
  }
}
