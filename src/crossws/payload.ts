/** What a program may send, as crossws defines it. */

import type { BufferLike } from '../websocket/payload.js';

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

/** Returns what a driver of `sync` carries. @throws TypeError for data that has no bytes */
export function toSyncData(payload: BufferLike): string | Uint8Array {
  if (typeof payload === 'string') return payload;
  if (payload instanceof Uint8Array) return payload;
  return new Uint8Array(payload as unknown as ArrayBuffer);
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && !(Symbol.iterator in value) && !(Symbol.toStringTag in value);
}
