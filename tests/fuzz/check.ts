/** What a fuzz target says when the product is wrong: plain `node:assert`, in jest and outside of it. */
import { deepStrictEqual, ok } from 'node:assert';

/** Fails unless both are deeply equal. */
export function same(actual: unknown, expected: unknown, what: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`);
  }
}

/** Fails unless it holds. */
export function holds(condition: boolean, what: string): void {
  ok(condition, what);
}
