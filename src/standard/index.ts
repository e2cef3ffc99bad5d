/** `ws6455/standard`: the classes of the web, to the letter of WHATWG's standards. */

export type { CloseEventInit } from './close-event.js';
export { CloseEvent } from './close-event.js';
export type { FailureEvent } from './events.js';
export type { MessageEvent, WebSocketConstructor, WebSocketEventMap } from './interface.js';
export type { WebSocketInit } from './options.js';
export { WebSocketStream } from './stream.js';
export type {
  ConvertibleSocket,
  StreamClose,
  WebSocketConnection,
  WebSocketStreamConstructor,
} from './stream-interface.js';
export type { WebSocketStreamInit } from './stream-options.js';
export { WebSocket } from './websocket.js';
export type { WebSocketCloseInfo } from './websocket-error.js';
export { WebSocketError } from './websocket-error.js';
