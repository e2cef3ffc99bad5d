/** Pipes of `toStream()`: compression of the program's own, and what a connection brings at once. */

import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { connectPair, serve } from '../../support/websockets.js';

const scope = useScope();

test('CompressionStream and DecompressionStream between two WebSockets', async () => {
  const { ws, client } = await connectPair(scope());
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < 50; i++) controller.enqueue(Buffer.alloc(10_000, i));
      controller.close();
    },
  });
  const received: Buffer[] = [];
  const sent = source
    .pipeThrough(new CompressionStream('gzip'))
    .pipeTo(client.toStream().writable as WritableStream);
  const plain = (ws.toStream().readable as ReadableStream<Uint8Array>).pipeThrough(
    new DecompressionStream('gzip'),
  );
  for await (const chunk of plain) received.push(Buffer.from(chunk));
  await sent;
  const expected = Buffer.concat(Array.from({ length: 50 }, (_, i) => Buffer.alloc(10_000, i)));
  expect(Buffer.concat(received).equals(expected)).toBe(true);
  expect(ws.closeInfo).toMatchObject({ wasClean: true });
});

test('nothing is lost after connect(), and in a handler', async () => {
  const server = serve(scope(), { port: 0 });
  const texts = Array.from({ length: 30 }, (_, i) => `${i}`);
  const atServer: unknown[] = [];
  server.handle(async (socket) => {
    for (const text of texts) socket.send(text);
    await until(() => socket.stats().messages.received >= 10, 'messages');
    for await (const chunk of socket.toStream().readable) atServer.push(chunk);
  });
  await new Promise((listening) => server.on('listening', listening));
  const { port } = server.address() as { port: number };
  const client = scope().track(await WebSocket.connect(`ws://127.0.0.1:${port}`));
  for (const text of texts) client.send(text);
  await until(() => client.stats().messages.received >= 10, 'messages');
  const reader = client.toStream().readable.getReader();
  for (const text of texts) expect(await reader.read()).toEqual({ done: false, value: text });
  client.close(1000);
  await until(() => atServer.length === texts.length, 'the messages of the client');
  expect(atServer).toEqual(texts);
});

test('chunks have one form, whatever binaryType the program sets later; a Blob is an error', async () => {
  const { ws, client } = await connectPair(scope());
  const { readable } = ws.toStream();
  const reader = readable.getReader();
  for (const type of ['arraybuffer', 'fragments', 'nodebuffer'] as const) {
    ws.binaryType = type;
    client.send(Buffer.from([1, 2]));
    expect((await reader.read()).value).toStrictEqual(new Uint8Array([1, 2]));
  }
  ws.binaryType = 'blob' as never;
  client.send(Buffer.from([1, 2]));
  await expect(reader.read()).rejects.toThrow("not as binaryType 'blob'");
  expect(ws.readyState).toBe(WebSocket.OPEN);
});
