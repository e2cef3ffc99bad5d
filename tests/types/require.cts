/** A CommonJS module: `import … = require`, the class with everything on it. */

import WebSocket = require('ws');

export const options: WebSocket.ServerOptions = { noServer: true };
export const server: WebSocket.Server = new WebSocket.Server(options);
export const same: WebSocket.WebSocketServer = new WebSocket.WebSocketServer({ noServer: true });
export const client: WebSocket = new WebSocket.WebSocket('ws://127.0.0.1/');
export const data: WebSocket.RawData = Buffer.alloc(0);
export const address: WebSocket.AddressInfo = { address: '', family: 'IPv4', port: 0 };

function make(Class: typeof WebSocket): WebSocket {
  return new Class('ws://127.0.0.1/');
}

class Own extends WebSocket.WebSocket {}

export const made: WebSocket[] = [WebSocket, WebSocket.WebSocket, Own].map(make);
export const reached = [same.broadcast('text'), new WebSocket.Server(options).broadcast('text')];
