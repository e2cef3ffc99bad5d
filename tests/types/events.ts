/** Listeners as they are written for `ws` and its types: the arguments have types of their own. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type WebSocket from 'ws';
import type { WebSocketServer } from 'ws';
import { type Equal, expectType } from './equal.js';

export function listen(socket: WebSocket): void {
  socket.on('open', () => undefined);
  socket.on('message', (data, isBinary) => {
    expectType<Equal<typeof data, WebSocket.RawData>>();
    expectType<Equal<typeof isBinary, boolean>>();
  });
  socket.once('close', (code, reason) => {
    expectType<Equal<typeof code, number>>();
    expectType<Equal<typeof reason, Buffer>>();
  });
  socket.addListener('error', (error) => expectType<Equal<typeof error, Error>>());
  socket.on('ping', (data) => expectType<Equal<typeof data, Buffer>>());
  socket.once('pong', (data) => expectType<Equal<typeof data, Buffer>>());
  socket.on('upgrade', (response) => {
    expectType<Equal<typeof response, IncomingMessage>>();
  });
  socket.on('redirect', (url, request) => {
    expectType<Equal<typeof url, string>>();
    expectType<Equal<typeof request, ClientRequest>>();
  });
  socket.on('unexpected-response', (request, response) => {
    expectType<Equal<typeof request, ClientRequest>>();
    expectType<Equal<typeof response, IncomingMessage>>();
  });
}

export function listenerThis(socket: WebSocket): WebSocket {
  return socket
    .on('message', function (data) {
      expectType<Equal<typeof this, WebSocket>>();
      this.send(data);
    })
    .once('open', function () {
      this.close();
    });
}

/** Narrower and fewer parameters than the event has, events of the program's own. */
export function looseListeners(socket: WebSocket): void {
  const onBuffer = (data: Buffer) => data.toString();
  const onData = (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => [data, isBinary];
  socket.on('message', onBuffer);
  socket.on('message', onData);
  socket.on('message', (message: string) => JSON.parse(message));
  socket.once('message', onData);
  socket.off('message', onBuffer);
  socket.removeListener('message', onData);
  socket.on('close', () => undefined);
  socket.on('joined', (room: string) => room);
  socket.on(Symbol('own'), () => undefined);
  socket.emit('joined', 'lobby');
  socket.removeAllListeners('close').setMaxListeners(0);
  socket.listenerCount('message');
}

export function eventObjects(socket: WebSocket): void {
  socket.addEventListener('open', (event) => {
    const { target }: { target: WebSocket } = event;
    target.send(event.type);
  });
  socket.addEventListener('message', ({ data, type, target }) => {
    expectType<Equal<typeof data, WebSocket.Data>>();
    expectType<Equal<typeof type, string>>();
    target.send(`${data}`);
  });
  socket.addEventListener('close', ({ code, reason, wasClean }: WebSocket.CloseEvent) => {
    expectType<Equal<typeof code, number>>();
    expectType<Equal<typeof reason, string>>();
    expectType<Equal<typeof wasClean, boolean>>();
  });
  const onError = ({ message }: WebSocket.ErrorEvent) => message;
  socket.addEventListener('error', onError, { once: true });
  socket.removeEventListener('error', onError);
  socket.addEventListener('open', { handleEvent: (event: WebSocket.Event) => event.type });
}

export function attributes(socket: WebSocket): void {
  socket.onopen = () => socket.send('hello');
  socket.onmessage = (event) => expectType<Equal<typeof event.data, WebSocket.Data>>();
  socket.onmessage = (event: WebSocket.MessageEvent) => event.data;
  socket.onclose = ({ code, reason }) => console.log(code, reason.length);
  socket.onerror = ({ error, message }) => console.log(error, message.length);
  socket.onopen = null;
}

export function serverEvents(server: WebSocketServer): void {
  server.on('connection', (socket, request) => {
    expectType<Equal<typeof socket, WebSocket>>();
    expectType<Equal<typeof request, IncomingMessage>>();
  });
  server.on('connection', function (socket: WebSocket) {
    this.clients?.delete(socket);
  });
  server.once('headers', (headers, request) => {
    expectType<Equal<typeof headers, string[]>>();
    expectType<Equal<typeof request, IncomingMessage>>();
  });
  server.on('wsClientError', (error, socket, request) => {
    expectType<Equal<typeof error, Error>>();
    expectType<Equal<typeof socket, Duplex>>();
    expectType<Equal<typeof request, IncomingMessage>>();
  });
  server.on('error', (error) => expectType<Equal<typeof error, Error>>());
  server.on('listening', () => undefined).on('close', () => undefined);
  server.on('own', (anything: number) => anything);
  server.off('connection', () => undefined);
}
