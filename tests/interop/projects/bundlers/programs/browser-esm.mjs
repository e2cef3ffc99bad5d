/** What a page does, as an ES module. */
import WebSocket, { WebSocket as Named, WebSocketServer } from 'ws6455';

const ws = new WebSocket('wss://example.test/chat', ['one']);
globalThis.report = {
  own: ws instanceof globalThis.WebSocket,
  named: Named === globalThis.WebSocket,
  open: WebSocket.OPEN,
  server: typeof WebSocketServer,
};

ws.onmessage = ({ data }) => {
  globalThis.report.message = data;
};
ws.send('from the bundle');
