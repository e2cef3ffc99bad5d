/** What bundlers for browsers get: the browser's own WebSocket; the other names throw when used. */

import names from './browser.js';

export const { WebSocket, WebSocketServer, WebSocketError, HandshakeError, ProtocolError } = names;
export default WebSocket;
