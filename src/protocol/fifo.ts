/** A queue whose ends cost the same however long it is; `shift` of an array does not. */

/** First in, first out. */
export class Queue<T> {
  private items: (T | undefined)[] = [];
  /** How many of `items` are gone. */
  private gone = 0;

  /** How many wait. */
  get length(): number {
    return this.items.length - this.gone;
  }

  /** The one that waits longest. */
  get head(): T | undefined {
    return this.items[this.gone];
  }

  /** Adds one behind the others. */
  push(item: T): void {
    this.items.push(item);
  }

  /** Takes the one that waits longest. */
  shift(): T | undefined {
    const { head } = this;
    if (head === undefined) return undefined;
    this.items[this.gone++] = undefined; // nothing that is gone is held
    if (this.gone * 2 >= this.items.length) {
      this.items = this.items.slice(this.gone);
      this.gone = 0;
    }
    return head;
  }

  /** Takes all, in their order. */
  takeAll(): T[] {
    const all = this.items.slice(this.gone) as T[]; // only what is gone is undefined
    this.items = [];
    this.gone = 0;
    return all;
  }
}
