/** What ESM programs get from `ws6455/reconnect`: the very same objects as those that call `require`. */

export type * from './reconnect.js';
export { ReconnectingWebSocket, reconnect } from './reconnect.js';
