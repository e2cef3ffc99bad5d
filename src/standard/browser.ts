/** What bundlers for browsers get from `ws6455/standard`: the browser's own classes. */

const own = globalThis as { WebSocket?: unknown; CloseEvent?: unknown };

export const { WebSocket, CloseEvent } = own;
