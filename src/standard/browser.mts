/** What bundlers for browsers get from `ws6455/standard`: the browser's own classes. */

export { CloseEvent, WebSocket, WebSocketError, WebSocketStream } from './browser.js';
