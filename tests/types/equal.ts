/** `expectType<Equal<A, B>>()` compiles only if A and B are the same type; `any` is only itself. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

export function expectType<_ extends true>(): void {}
