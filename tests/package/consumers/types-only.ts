// Types alone: nothing of the package is loaded.
import type WebSocket from 'ws6455';
import type { WebSocketServer } from 'ws6455';

export type Payload = import('ws6455').RawData;
export type Send = WebSocket['send'];
export type Sending = Pick<WebSocket, 'send' | 'readyState'>;

export function broadcast(server: WebSocketServer, data: Payload): void {
  for (const client of server.clients ?? []) (client as WebSocket).send(data);
}

export const options: WebSocket.ServerOptions = { noServer: true };
export const ignored: WebSocket.CloseEvent | WebSocket.MessageEvent | undefined = undefined;
