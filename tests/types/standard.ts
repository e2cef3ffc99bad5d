/** `ws6455/standard`, without the types of browsers. */

import {
  CloseEvent,
  type FailureEvent,
  type MessageEvent,
  WebSocket,
  type WebSocketInit,
} from 'ws6455/standard';
import { type Equal, expectType } from './equal.js';

const ws = new WebSocket('ws://localhost/');
export const same: WebSocket = ws;
new WebSocket(new URL('ws://localhost/'), 'chat');
new WebSocket('ws://localhost/', ['chat', 'news'] as const);
new WebSocket('ws://localhost/', new Set(['chat']));
const init: WebSocketInit<WebSocket> = {
  protocols: new Set(['chat']),
  headers: { Authorization: 'Bearer x' },
  heartbeat: true,
  concurrentHandshakes: true,
  rejectUnauthorized: false,
  perMessageDeflate: { threshold: 10 },
  maxBufferedAmount: 1_000_000,
  overflow: (socket, message) => {
    expectType<Equal<typeof socket, WebSocket>>();
    return message.droppable ? 'drop' : 'send';
  },
};
new WebSocket('ws://localhost/', init);

// @ts-expect-error a URL is required
new WebSocket();
// @ts-expect-error of the class of ws6455
new WebSocket('ws://localhost/', { captureRejections: true });
// @ts-expect-error Node's own form of binary messages
ws.binaryType = 'nodebuffer';
// @ts-expect-error only methods of the web
ws.terminate();
// @ts-expect-error it is read-only
ws.readyState = 1;

ws.onmessage = (event) => {
  expectType<Equal<typeof event, MessageEvent>>();
};
ws.onclose = (event) => {
  expectType<Equal<typeof event, CloseEvent>>();
};
ws.addEventListener('error', (event) => {
  expectType<Equal<typeof event, FailureEvent>>();
  expectType<Equal<typeof event.error, Error | undefined>>();
});
ws.addEventListener('close', ({ code, reason, wasClean }) => [code, reason, wasClean], {
  once: true,
});
ws.addEventListener('custom', { handleEvent() {} }, true);
ws.send('text');
ws.send(Buffer.from('bytes'));
ws.send(new DataView(new ArrayBuffer(1)));
ws.send(new Blob(['blob']));
// @ts-expect-error what is no message is text to the web, and a mistake here
ws.send({ a: 1 });
ws.close();
ws.close(3000, 'bye');

class Chat extends WebSocket {
  room = 'lobby';
}
export const chat: WebSocket = new Chat('ws://localhost/');
export const event: Event = new CloseEvent('close', { code: 1000, reason: 'bye', wasClean: true });
expectType<Equal<typeof WebSocket.OPEN, 1>>();
