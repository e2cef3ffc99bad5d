/** `ReconnectingWebSocket` of `ws6455/reconnect`. */

import {
  type Reconnected,
  ReconnectingWebSocket,
  type ReconnectingWebSocketOptions,
} from 'ws6455/reconnect';
import type { CloseEvent, MessageEvent, WebSocket as StandardWebSocket } from 'ws6455/standard';
import { type Equal, expectType } from './equal.js';

const ws = new ReconnectingWebSocket('ws://localhost/');
export const same: ReconnectingWebSocket = ws;
/** A library that takes a WebSocket of the web, or its class. */
export const standard: StandardWebSocket = ws;
type Implementation = new (url: string, protocols?: string | string[]) => StandardWebSocket;
export const implementation: Implementation = ReconnectingWebSocket;
export const bound: Implementation = ReconnectingWebSocket.withOptions({ token: 'secret' });

const options: ReconnectingWebSocketOptions<Reconnected> = {
  protocols: async ({ attempt }) => [`v${attempt}`],
  buffer: { messages: 100, bytes: 1_000_000, overflow: 'drop-oldest' },
  resume: (socket) => {
    expectType<Equal<typeof socket, Reconnected>>();
    socket.send('log in');
  },
};
new ReconnectingWebSocket(new URL('ws://localhost/'), options);
new ReconnectingWebSocket(async () => 'ws://localhost/', 'chat', options);
new ReconnectingWebSocket('ws://localhost/', ['chat'], { maxAttempts: 3 });
new ReconnectingWebSocket('ws://localhost/', {
  resume: (socket) => expectType<Equal<typeof socket, Reconnected>>(),
});

// @ts-expect-error a URL is required
new ReconnectingWebSocket();
// @ts-expect-error no such policy
new ReconnectingWebSocket('ws://localhost/', { buffer: { overflow: 'drop-newest' } });
// @ts-expect-error the option is called connectTimeout
new ReconnectingWebSocket('ws://localhost/', { handshakeTimeout: 1 });
// @ts-expect-error it is read-only
ws.readyState = 1;

ws.onclose = (event) => {
  expectType<Equal<typeof event, CloseEvent>>();
};
ws.onoverflow = ({ data }) => {
  expectType<Equal<typeof data, ReturnType<typeof ws.unsent>[number]>>();
};
ws.addEventListener('message', (event) => {
  expectType<Equal<typeof event, MessageEvent>>();
});
for (const data of ws.unsent()) ws.send(data);
ws.close(4000, 'bye');

class Feed extends ReconnectingWebSocket {
  topic = 'news';
}
export const feed: ReconnectingWebSocket = new Feed('ws://localhost/');
expectType<Equal<typeof ReconnectingWebSocket.OPEN, 1>>();
