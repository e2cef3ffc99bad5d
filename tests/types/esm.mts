/** An ES module: default and named class are the same, types come by name. */

import type {
  AddressInfo,
  ClientOptions,
  CloseEvent,
  Data,
  ErrorEvent,
  Event,
  MessageEvent,
  PerMessageDeflateOptions,
  RawData,
  Server,
  ServerOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
} from 'ws/esm';
import * as WS from 'ws/esm';
import WebSocket, { type WebSocket as Named, WebSocketServer } from 'ws/esm';
import { type Equal, expectType } from './equal.js';

expectType<Equal<typeof Named, typeof WebSocket>>();
expectType<Equal<RawData, WebSocket.RawData>>();
expectType<Equal<WS.RawData, RawData>>();
expectType<Equal<Server, WebSocketServer>>();

export const options: ServerOptions = { port: 0 };
export const clientOptions: ClientOptions = { perMessageDeflate: false };
export const deflate: PerMessageDeflateOptions = { threshold: 10 };
export const server: WebSocketServer = new WebSocketServer(options);
export const client: WebSocket = new WS.WebSocket('ws://127.0.0.1/', clientOptions);
export const verify: VerifyClientCallbackSync = ({ secure }) => secure;
export const verifyLater: VerifyClientCallbackAsync = (_, callback) => callback(true);
export const events: (Event | MessageEvent | CloseEvent | ErrorEvent)[] = [];

export class Own extends WebSocket {
  address: AddressInfo | undefined;
  last: Data | undefined;
}

server.on('connection', (socket, request) => {
  socket.on('message', (data) => expectType<Equal<typeof data, RawData>>());
  console.log(request.socket.remoteAddress);
});
