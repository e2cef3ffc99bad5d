/** The types of WebSocketStream and `toStream`. */

import type WebSocket from 'ws6455';
import { type WebSocketConnection, WebSocketError, WebSocketStream } from 'ws6455/standard';

export async function pipe(socket: WebSocket): Promise<void> {
  const { readable, writable } = socket.toStream();
  await readable.pipeTo(writable);
  const stream = WebSocketStream.from(socket);
  const { extensions, protocol }: WebSocketConnection = await stream.opened;
  const { closeCode, reason } = await stream.closed;
  stream.close({ closeCode, reason: `${reason}${extensions}${protocol}` });
}

export async function connect(signal: AbortSignal): Promise<string | Uint8Array | undefined> {
  const stream = new WebSocketStream('ws://localhost/', {
    protocols: ['a'],
    signal,
    maxPayload: 1,
  });
  const { readable, writable } = await stream.opened;
  await writable.getWriter().write(new Uint8Array(1));
  await writable.abort(new WebSocketError('message', { closeCode: 4000, reason: 'x' }));
  for await (const chunk of readable) return chunk;
  return undefined;
}

export function wrong(socket: WebSocket): void {
  // @ts-expect-error: a chunk is text or bytes
  void socket.toStream().writable.getWriter().write(5);
  // @ts-expect-error: no such member
  new WebSocketError('', { code: 1 });
}
