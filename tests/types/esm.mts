/** An ES module: default and named class are the same, types come by name. */

import type { Duplex } from 'node:stream';
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
import WebSocket, {
  createWebSocketStream,
  extension,
  type WebSocket as Named,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocketServer,
} from 'ws/esm';
import { type Equal, expectType } from './equal.js';

expectType<Equal<typeof Named, typeof WebSocket>>();
expectType<Equal<RawData, WebSocket.RawData>>();
expectType<Equal<WS.RawData, RawData>>();
expectType<Equal<Server['clients'], WebSocketServer['clients']>>();

export const options: ServerOptions = { port: 0 };
export const clientOptions: ClientOptions = { perMessageDeflate: false };
export const deflate: PerMessageDeflateOptions = { threshold: 10 };
export const server: WebSocketServer = new WebSocketServer(options);
export const client: WebSocket = new WS.WebSocket('ws://127.0.0.1/', clientOptions);
export const verify: VerifyClientCallbackSync = ({ secure }) => secure;
export const verifyLater: VerifyClientCallbackAsync = (_, callback) => callback(true);
declare const secure: boolean;
export const events: (Event | MessageEvent | CloseEvent | ErrorEvent)[] = [];

export class Own extends WebSocket {
  tag: string | undefined;
  address: AddressInfo | undefined;
  last: Data | undefined;
}

export class Owned extends WebSocketServer<typeof Own> {
  tags(): (string | undefined)[] {
    return [...this.clients].map((own) => own.tag);
  }
}

export const owned: Server<typeof Own> = new Owned({ noServer: true, WebSocket: Own });
export const sender: Sender = new Sender(process.stdout as unknown as Duplex);
export const receiver: Receiver = new Receiver();
export const deflating: PerMessageDeflate = new PerMessageDeflate();
export const names: Set<string> = subprotocol.parse('a');
export const offers = extension.parse('permessage-deflate');
// @ts-expect-error: `Server` is a type here, as in the types of `ws`
export const none = WS.Server;

server.on('connection', (socket, request) => {
  createWebSocketStream(socket).resume();
  socket.on('message', (data) => expectType<Equal<typeof data, RawData>>());
  console.log(request.socket.remoteAddress);
});

/** The class on the class is the class: it is passed, extended and constructed. */
function make(Class: typeof WebSocket): WebSocket {
  return new Class('ws://127.0.0.1/');
}

class Again extends WebSocket.WebSocket {}

export const made: WebSocket[] = [WebSocket, WebSocket.WebSocket, Own, Again].map(make);
expectType<Equal<typeof WebSocket.WebSocket, typeof WebSocket>>();

function serve(Class: typeof WebSocketServer): WebSocketServer {
  return new Class({ noServer: true });
}

/** `broadcast` is there whatever the server is called. */
const named: WebSocketServer = serve(WebSocket.Server);
const onClass: WebSocket.WebSocketServer = serve(WebSocket.WebSocketServer);
const ofOwn: WebSocketServer<typeof Own> = new Owned({ noServer: true, WebSocket: Own });

export const reached = [
  named.broadcast('text'),
  onClass.broadcast('text'),
  ofOwn.broadcast('text', { filter: ({ tag }) => tag === 'a' }),
];

export const verifying = [
  new WebSocketServer({ noServer: true, verifyClient: (info) => info.req.url === '/' }),
  new WebSocketServer({ noServer: true, verifyClient: async ({ origin }) => origin === 'a' }),
  new WebSocketServer({ noServer: true, verifyClient: (info, done) => done(info.secure, 403) }),
  new WebSocketServer({
    noServer: true,
    verifyClient: async ({ origin, req }, done) => {
      if (!origin) done(false, 400, 'Origin?', { 'retry-after': '1' });
      else done(req.headers.host === origin);
    },
  }),
  new WebSocketServer({ noServer: true, verifyClient: secure ? verify : verifyLater }),
];
