/** The key of the method that `await using` calls. */

/** Node before 20.4 has no `Symbol.asyncDispose`, and so no program that uses the method. */
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol('Symbol.asyncDispose') as typeof Symbol.asyncDispose);
