/** The properties of the class WebSocket that a class body cannot express. */

import { defineEventHandlers, type EventSource } from './events.js';
import { STATE_NAMES } from './session.js';

/** Defines the constants and the event handlers, and makes accessors enumerable. */
export function defineProperties(Class: { readonly prototype: EventSource }): void {
  for (const [value, name] of STATE_NAMES.entries()) {
    const constant = { enumerable: true, value };
    Object.defineProperty(Class, name, constant);
    Object.defineProperty(Class.prototype, name, constant);
  }

  defineEventHandlers(Class.prototype);

  // These properties are enumerable, as in `ws` and in browsers.
  for (const name of [
    'addEventListener',
    'binaryType',
    'bufferedAmount',
    'extensions',
    'isPaused',
    'protocol',
    'readyState',
    'removeEventListener',
    'url',
  ]) {
    Object.defineProperty(Class.prototype, name, { enumerable: true });
  }
}

/** Makes a property of its own in the place of an accessor of the class. */
export function replaceProperty(ws: object, name: string, value: unknown): void {
  const property = { configurable: true, enumerable: true, writable: true, value };
  Object.defineProperty(ws, name, property);
}
