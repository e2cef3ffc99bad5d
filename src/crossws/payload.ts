/** What a program may send, as crossws defines it. */

import type { BufferLike } from '../websocket/payload.js';
import { toReadPayload } from '../websocket/prepared.js';

/** Returns what is sent for a value: text for values without bytes, plain objects as JSON. */
export function toPayload(value: unknown): BufferLike {
  switch (typeof value) {
    case 'string':
      return value;
    case 'undefined':
      return '';
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'function':
    case 'symbol':
      return '{}';
    default:
      return objectToPayload(value as object | null);
  }
}

function objectToPayload(value: object | null): BufferLike {
  if (value === null) return '';
  return isPlainObject(value) ? JSON.stringify(value) : (value as BufferLike);
}

/** Returns what a driver of `sync` carries: the bytes that are sent here. @throws TypeError for data that has none */
export function toSyncData(payload: BufferLike): string | Uint8Array {
  return payload instanceof Uint8Array ? payload : toReadPayload(payload);
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && !(Symbol.iterator in value) && !(Symbol.toStringTag in value);
}
