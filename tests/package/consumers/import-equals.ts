// `import … = require()`: CommonJS only. The class is the module, with types and values on it.
import { strictEqual } from 'node:assert';

import WebSocket = require('ws6455');

const options: WebSocket.ServerOptions = { noServer: true };
const server: WebSocket.Server = new WebSocket.Server(options);
const same: WebSocket.WebSocketServer = new WebSocket.WebSocketServer({ noServer: true });
const data: WebSocket.RawData = Buffer.from('');
const verify: WebSocket.VerifyClientCallbackSync = ({ origin, secure, req }) =>
  secure || origin === req.headers.host;

strictEqual(server instanceof WebSocket.WebSocketServer, true);
strictEqual(same instanceof WebSocket.Server, true);
strictEqual(WebSocket.WebSocket, WebSocket);
strictEqual(WebSocket.CLOSED, 3);
strictEqual(typeof verify, 'function');
strictEqual(data.byteLength, 0);
