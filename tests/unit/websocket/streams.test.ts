/** `toStream()`: pipes, what is not lost, the lock, the end. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { close, said, text, useConnections, useSockets } from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { connectPair, ROLES } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);
const { connecting, closed } = useSockets(scope);

describe.each(ROLES)('as a %s', (role) => {
  test('for await over readable, to the end', async () => {
    const { ws, wire } = await openConnection(role);
    const { readable } = ws.toStream();
    wire.arrive(text(role, 'a'), text(role, 'b'), close(role, 1000));
    wire.finish();
    const chunks: unknown[] = [];
    for await (const chunk of readable) chunks.push(chunk);
    expect(chunks).toEqual(['a', 'b']);
  });

  test('a lost connection is a CloseError in both streams, after what was received', async () => {
    const { ws, wire } = await openConnection(role);
    const { readable, writable } = ws.toStream();
    wire.arrive(text(role, 'a'));
    wire.finish();
    await until(() => ws.readyState === WebSocket.CLOSED, 'the end');
    const reader = readable.getReader();
    expect((await reader.read()).value).toBe('a');
    await expect(reader.read()).rejects.toMatchObject({ code: 'WS_ERR_CLOSED', closeCode: 1006 });
    await expect(writable.getWriter().ready).rejects.toBeInstanceOf(WebSocket.CloseError);
  });

  test('leaving the loop closes the connection', async () => {
    const { ws, wire } = await openConnection(role);
    wire.arrive(text(role, 'before'));
    await turns();
    const { readable } = ws.toStream();
    wire.arrive(text(role, 'a'));
    for await (const chunk of readable) {
      expect(chunk).toBe('a');
      break;
    }
    await turns();
    expect(said(wire)).toEqual(['close']);
  });
});

test('an echo is a pipe', async () => {
  const { ws, client } = await connectPair(scope());
  const { readable, writable } = ws.toStream();
  const piped = readable.pipeTo(writable);
  const answers: string[] = [];
  client.on('message', (data, isBinary) => answers.push(`${isBinary}: ${data}`));
  for (let i = 0; i < 100; i++) client.send(i % 2 ? `${i}` : Buffer.from(`${i}`));
  await until(() => answers.length === 100, 'the answers');
  expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => `${i % 2 === 0}: ${i}`));
  client.close(1000);
  await piped;
});

test('a pipe through a transform, and through compression', async () => {
  const { ws, client } = await connectPair(scope());
  const { readable, writable } = ws.toStream();
  const toBytes = new TransformStream<string | Uint8Array, Uint8Array>({
    transform: (chunk, controller) => controller.enqueue(Buffer.from(chunk as string)),
  });
  const answers: string[] = [];
  client.on('message', (data) => answers.push(String(data)));
  const piped = readable
    .pipeThrough(toBytes)
    .pipeThrough(new CompressionStream('deflate-raw'))
    .pipeThrough(new DecompressionStream('deflate-raw'))
    .pipeThrough(new TransformStream())
    .pipeTo(writable, { preventClose: true });
  client.send('tea');
  client.close(1000); // ends the readable; the pipe flushes what is compressed
  await client.closed;
  // Nothing can be written any more.
  await expect(piped).rejects.toMatchObject({ name: 'InvalidStateError' });
  expect(answers).toEqual([]);
});

test('what an iteration left is read', async () => {
  const { ws, wire } = await openConnection('server');
  ws.removeAllListeners('message');
  const loop = ws.messages();
  wire.arrive(text('server', 'a'), text('server', 'b'));
  await turns();
  expect((await loop.next()).value).toMatchObject({ data: 'a' });
  await loop.return?.();
  const { readable } = ws.toStream();
  expect((await readable.getReader().read()).value).toBe('b');
});

test('has one consumer', async () => {
  const { ws } = await openConnection('server');
  ws.toStream();
  const locked = expect.objectContaining({ code: 'WS_ERR_LOCKED' });
  expect(() => ws.toStream()).toThrow(locked);
  expect(() => ws.messages()).toThrow(locked);
});

test('needs a connection, and another binaryType than blob', async () => {
  expect(() => connecting().toStream()).toThrow(
    expect.objectContaining({ code: 'WS_ERR_NOT_OPEN' }),
  );
  const { ws } = await openConnection('server');
  ws.binaryType = 'blob' as never;
  expect(() => ws.toStream()).toThrow(TypeError);
  const over = (await closed()).toStream();
  await expect(over.readable.getReader().read()).rejects.toMatchObject({ closeCode: 1006 });
});

test('with a limit, a dropped message ends no stream', async () => {
  const settings = { maxBufferedAmount: 10_000, overflow: 'drop-oldest' };
  const { ws, wire } = await openConnection('server', settings, { hold: true });
  const writer = ws.toStream().writable.getWriter();
  const writes = Array.from({ length: 20 }, () => writer.write(new Uint8Array(5000)));
  await turns();
  wire.hold = false;
  wire.release();
  await Promise.all(writes);
  await writer.write('last');
});
