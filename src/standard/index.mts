/** What ESM programs get from `ws6455/standard`: the very same objects as those that call `require`. */

export type * from './index.js';
export { CloseEvent, WebSocket, WebSocketError, WebSocketStream } from './index.js';
