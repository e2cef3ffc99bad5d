/** What bundlers for browsers get: the browser's own WebSocket; the other names throw when used. */

import names from './browser.js';

export const {
  WebSocket,
  WebSocketServer,
  createWebSocketStream,
  hardened,
  METRICS_CONTENT_TYPE,
  prepareMessage,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocketError,
  HandshakeError,
  ProtocolError,
  CloseError,
} = names;
export default WebSocket;
