// `import * as` of the class itself, as code without esModuleInterop writes it.
import { strictEqual } from 'node:assert';
import * as WebSocket from 'ws6455';
import { createWebSocketStream, Server, type ServerOptions } from 'ws6455';

const server: WebSocket.Server = new WebSocket.Server({ noServer: true });

export function reopen(url: string): WebSocket {
  return new WebSocket(url);
}

class Member extends WebSocket {
  room = 'lobby';
}

class Club extends Server<typeof Member> {
  rooms(): string[] {
    return [...this.clients].map((member) => member.room);
  }
}

const options: ServerOptions<typeof Member> = { noServer: true, WebSocket: Member };
const club: WebSocket.Server<typeof Member> = new Club(options);
const opened: Promise<WebSocket> = Promise.resolve(new Member(null));

export function isServer(value: unknown): value is WebSocket.Server {
  return value instanceof WebSocket.Server;
}

club.on('connection', (member) => createWebSocketStream(member).end(member.room));
strictEqual(isServer(club), true);
void opened.then((socket) => strictEqual(socket.readyState, WebSocket.CONNECTING));
strictEqual(server instanceof WebSocket.WebSocketServer, true);
