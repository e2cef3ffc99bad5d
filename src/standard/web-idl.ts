/** Web IDL: the shape of an interface, and the conversions of arguments. */

import { Buffer } from 'node:buffer';

/** With the flag `u` a surrogate pair is one character. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Gives a class the properties of a Web IDL interface: enumerable members, its tag, and constants.
 * @param constants they are on the class and on its prototype
 */
export function defineInterface(
  Class: { readonly name: string; readonly prototype: object },
  constants: { readonly [name: string]: number } = {},
): void {
  const { prototype } = Class;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== 'constructor') Object.defineProperty(prototype, name, { enumerable: true });
  }
  for (const [name, value] of Object.entries(constants)) {
    const constant = { configurable: false, enumerable: true, writable: false, value };
    Object.defineProperty(Class, name, constant);
    Object.defineProperty(prototype, name, constant);
  }
  const tag = { configurable: true, enumerable: false, writable: false, value: Class.name };
  Object.defineProperty(prototype, Symbol.toStringTag, tag);
}

/** @throws TypeError if fewer arguments are given than required */
export function requireArguments(given: number, required: number, operation: string): void {
  if (given >= required) return;
  throw new TypeError(`${operation} requires ${required} argument, but only ${given} present`);
}

/** Converts to a DOMString. @throws TypeError for a symbol, and what `toString` throws */
export function toDomString(value: unknown): string {
  // String() accepts symbols, a template does not.
  return `${value as string}`;
}

/** `[Clamp] unsigned short`: rounds to the nearest integer, ties to even, within the range. */
export function clampToUnsignedShort(value: unknown): number {
  const clamped = Math.min(Math.max(Number(value), 0), 65_535);
  if (Number.isNaN(clamped)) return 0;
  const floor = Math.floor(clamped);
  const rest = clamped - floor;
  const roundsUp = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  return roundsUp ? floor + 1 : floor;
}

/** `unsigned short`: the integer part, modulo 65 536; 0 for values that are not finite. */
export function toUnsignedShort(value: unknown): number {
  const number = Number(value);
  return Number.isFinite(number) ? ((Math.trunc(number) % 65_536) + 65_536) % 65_536 : 0;
}

/** Converts to a USVString: U+FFFD replaces lone surrogates. @throws as {@link toDomString} */
export function toUsvString(value: unknown): string {
  const text = toDomString(value);
  return LONE_SURROGATE.test(text) ? Buffer.from(text).toString() : text;
}

/** `[EnforceRange] unsigned short`: the integer part. @throws TypeError outside of 0 to 65 535 */
export function enforceUnsignedShort(value: unknown, name: string): number {
  const integer = Math.trunc(Number(value));
  if (integer >= 0 && integer <= 65_535) return integer + 0; // -0 is 0
  throw new TypeError(`${name} must be a number from 0 to 65535, not ${String(value)}`);
}
