/** `ws6455/standard/global`: puts the class in the place of `globalThis.WebSocket`. */

import { CloseEvent, WebSocket } from './index.js';

/** Web IDL §3.8: an interface is a property of the global object that can be replaced, and not listed. */
function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: false,
    writable: true,
    value,
  });
}

define('WebSocket', WebSocket);
if (!('CloseEvent' in globalThis)) define('CloseEvent', CloseEvent);
