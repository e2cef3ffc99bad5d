/** The names of the package as an ES module, in one bundle; one line of JSON. */
import WebSocket, { HandshakeError, WebSocketServer } from 'ws6455';

const seen = {};
const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => false });

wss.on('connection', (ws) => ws.on('message', (data) => ws.send(`${data} again`)));
wss.on('listening', () => {
  const base = `ws://127.0.0.1:${wss.address().port}`;
  const ws = new WebSocket(base);
  ws.addEventListener('open', () => {
    seen.socket = typeof ws._socket.write;
    ws.send('hello');
  });
  ws.addEventListener('message', ({ data }) => {
    seen.data = data;
    const refused = new WebSocket(base, 'chat');
    refused.on('error', (error) => {
      seen.error = { name: error.name, code: error.code, same: error instanceof HandshakeError };
    });
    refused.on('close', () => {
      ws.close(1000);
      wss.close(() => console.log(JSON.stringify(seen)));
    });
  });
});
