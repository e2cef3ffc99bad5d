/** What a page does: it opens a WebSocket, and hands out what it knows of the package. */
const WebSocket = require('ws6455');

const ws = new WebSocket('wss://example.test/chat', ['one']);
globalThis.report = {
  own: ws instanceof globalThis.WebSocket,
  named: WebSocket.WebSocket === globalThis.WebSocket,
  open: WebSocket.OPEN,
  server: typeof WebSocket.WebSocketServer,
};

ws.onmessage = ({ data }) => {
  globalThis.report.message = data;
};
ws.send('from the bundle');
