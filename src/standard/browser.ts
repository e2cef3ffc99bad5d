/** What bundlers for browsers get from `ws6455/standard`: the browser's own classes. */

const own = globalThis as { [name: string]: unknown };

export const { WebSocket, CloseEvent, WebSocketStream, WebSocketError } = own;
