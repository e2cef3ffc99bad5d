/** A client of the `ws` kind that hears messages one after the other. */
import { on, once } from 'node:events';
import WebSocket from 'ws';
import { within } from './deadline.mjs';

/** `hear` resolves to the next message: a string, or a Buffer if it was binary. */
export function listenTo(ws) {
  const messages = on(ws, 'message', { close: ['close'] });
  const closed = once(ws, 'close').then(([code, reason]) => [code, String(reason)]);
  const next = async () => {
    const { value, done } = await messages.next();
    if (done) throw new Error('closed before the next message');
    const [data, isBinary] = value;
    return isBinary ? data : String(data);
  };
  return {
    ws,
    hear: () => within(5000, 'the next message', next()),
    /** The close code and the reason. */
    closed: () => within(5000, "'close'", closed),
  };
}

export async function talk(url, protocols = [], options = {}) {
  const client = listenTo(new WebSocket(url, protocols, options));
  await within(5000, "'open'", once(client.ws, 'open'));
  return client;
}

/** The status by which the server of `url` refuses. */
export async function refusal(url, options) {
  const ws = new WebSocket(url, options);
  const [, response] = await within(5000, 'a refusal', once(ws, 'unexpected-response'));
  response.resume();
  ws.on('error', () => {});
  ws.terminate();
  return response.statusCode;
}
