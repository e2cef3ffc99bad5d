/** Mistakes that the compiler has to find. */

import WebSocket, {
  createWebSocketStream,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocketServer,
} from 'ws';

const url = 'ws://127.0.0.1/';
declare const socket: WebSocket;
declare const server: WebSocketServer;

// @ts-expect-error: a client needs an address
new WebSocket();
// @ts-expect-error: an address is no number
new WebSocket(8080);
// @ts-expect-error: a subprotocol is a string
new WebSocket(url, [1]);
// @ts-expect-error: the options come last
new WebSocket(url, {}, 'chat');
// @ts-expect-error: a timeout is a number
new WebSocket(url, { handshakeTimeout: '1s' });
// @ts-expect-error: without `new` a class makes nothing
WebSocket(url);

// @ts-expect-error: a message needs data
socket.send();
// @ts-expect-error: true is no message
socket.send(true);
// @ts-expect-error: a symbol is no message
socket.send(Symbol('message'));
// @ts-expect-error: `fin` is a boolean
socket.send('text', { fin: 1 });
// @ts-expect-error: the third argument is the callback
socket.send('text', {}, true);
// @ts-expect-error: a close code is a number
socket.close('1000');
// @ts-expect-error: a reason is text or bytes
socket.close(1000, 42);
// @ts-expect-error: the state is not set from outside
socket.readyState = 3;
// @ts-expect-error: the amount is not set from outside
socket.bufferedAmount = 0;
// @ts-expect-error: there are four kinds
socket.binaryType = 'text';
// @ts-expect-error: the constants are constant
WebSocket.OPEN = 2;

// @ts-expect-error: 'ping' comes only by `on`
socket.addEventListener('ping', () => undefined);
// @ts-expect-error: an event object, not the data
socket.addEventListener('message', (data: Buffer) => data);
// @ts-expect-error: a reason is a string here
socket.onclose = ({ reason }) => reason.readUInt8(0);
// @ts-expect-error: RawData may be an ArrayBuffer or a list
socket.on('message', (data) => data.length);
// @ts-expect-error: a reason is a Buffer here
socket.on('close', (_, reason) => reason.startsWith('done'));

// @ts-expect-error: a port is a number
new WebSocketServer({ port: '8080' });
// @ts-expect-error: whom to accept is decided by a function
new WebSocketServer({ port: 0, verifyClient: true });
// @ts-expect-error: a subprotocol or false
new WebSocketServer({ port: 0, handleProtocols: () => true });
// @ts-expect-error: no such option
new WebSocketServer({ prot: 0 });
// @ts-expect-error: the class of the sockets extends WebSocket
new WebSocketServer({ port: 0, WebSocket: Date });
// @ts-expect-error: the request is missing
server.handleUpgrade(undefined, socket, Buffer.alloc(0), () => undefined);
// @ts-expect-error: an address may be a string or null
server.address().port;

// @ts-expect-error: null is no message
socket.send(null);
// @ts-expect-error: undefined is no message
socket.send(undefined);
// @ts-expect-error: masking is a question of yes or no
socket.ping('', 'masked');
// @ts-expect-error: a callback is a function
socket.pong('', true, 'done');
// @ts-expect-error: only an unconnected object takes a socket
socket.setSocket(process.stdin, Buffer.alloc(0));
// @ts-expect-error: undefined until 'close'
socket.closeInfo.wasClean;
// @ts-expect-error: a Blob only where `instanceof` says so
socket.on('message', (data) => data.size);
// @ts-expect-error: `once` is a boolean
socket.addEventListener('open', () => undefined, { once: 1 });
// @ts-expect-error: an object with another method is no listener
socket.addEventListener('open', { handle: () => undefined });

// @ts-expect-error: a time is a number
new WebSocketServer({ port: 0, closeTimeout: '1s' });
// @ts-expect-error: there are options that can't be null
new WebSocketServer({ port: 0, path: null });
// @ts-expect-error: window bits are a number, true or false
new WebSocketServer({ port: 0, perMessageDeflate: { serverMaxWindowBits: '10' } });
// @ts-expect-error: no such option
new WebSocketServer({ port: 0, perMessageDeflate: { level: 3 } });
// @ts-expect-error: a subprotocol is a string
new WebSocket(url, { protocols: [1] });
// @ts-expect-error: no such option
new WebSocket(url, { maxPayloads: 1 });
// @ts-expect-error: not a string
server.clients.add('client');
// @ts-expect-error: a server listens to requests of its own kind
server.on('connection', (_, request) => request.body);

class Narrow extends WebSocket {
  constructor(url: string, room: { name: string }) {
    super(url, room.name);
  }
}
// @ts-expect-error: a server calls the class with null, undefined and options
new WebSocketServer({ port: 0, WebSocket: Narrow });
// @ts-expect-error: a stand-in has to have all of it
export class Standin implements WebSocket {}

// @ts-expect-error: a stream over a WebSocket
createWebSocketStream({});
// @ts-expect-error: a sender needs a socket
new Sender();
// @ts-expect-error: a frame has an opcode
Sender.frame(Buffer.alloc(0), { fin: true });
// @ts-expect-error: a limit is a number
new Receiver({ maxPayload: '1' });
// @ts-expect-error: a threshold is a number
new PerMessageDeflate({ threshold: '1' });
// @ts-expect-error: a header field is a string
subprotocol.parse(['a']);
