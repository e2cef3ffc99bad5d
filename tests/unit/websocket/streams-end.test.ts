/** The end of `toStream()`: whatever listeners the program removes, and however its own end closes. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { callWhenClosed, whenClosed } from '../../../src/websocket/when-closed.js';
import { close, text, useConnections } from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { ROLES, serve } from '../../support/websockets.js';

const scope = useScope();
const openConnection = useConnections(scope);

describe('after removeAllListeners()', () => {
  test('the streams end with the connection', async () => {
    const { ws, wire } = await openConnection();
    const { readable, writable } = ws.toStream();
    const reader = readable.getReader();
    const writer = writable.getWriter();
    const end = writer.closed;
    ws.removeAllListeners();
    wire.destroy();
    await expect(reader.read()).rejects.toMatchObject({ code: 'WS_ERR_CLOSED' });
    await expect(end).rejects.toMatchObject({ code: 'WS_ERR_CLOSED' });
  });

  test('a write that waits continues', async () => {
    const { ws, wire } = await openConnection('server', {}, { hold: true });
    const writer = ws.toStream().writable.getWriter();
    ws.removeAllListeners();
    const written = writer.write(new Uint8Array(1_000_000));
    await turns();
    wire.hold = false;
    wire.release();
    await written;
  });
});

test('what is called at the end is called even if another one throws', () => {
  const called: string[] = [];
  const session = {};
  whenClosed(session, () => {
    called.push('a');
    throw new Error('of a');
  });
  whenClosed(session, () => called.push('b'));
  expect(() => callWhenClosed(session)).toThrow('of a');
  expect(called).toEqual(['a', 'b']);
});

describe.each(ROLES)('messages that nobody reads, as a %s', (role) => {
  test('do not hide the Close that answers ours', async () => {
    const { ws, wire } = await openConnection(role);
    ws.toStream();
    wire.arrive(...Array.from({ length: 40 }, (_, i) => text(role, `${i}`)));
    await turns();
    ws.close(1000);
    wire.arrive(close(role, 1000));
    wire.finish();
    await until(() => ws.readyState === WebSocket.CLOSED, 'the end');
    expect(ws.closeInfo).toMatchObject({ wasClean: true });
  });
});

async function flooded(start: (socket: WebSocket) => unknown, use: 'connection' | 'handle') {
  const server = serve(scope(), { port: 0 });
  const opened = new Promise<WebSocket>((resolve) => {
    const listener = (socket: WebSocket): unknown => {
      resolve(socket);
      return start(socket);
    };
    if (use === 'handle') server.handle(listener as never);
    else server.on('connection', listener);
  });
  await new Promise((listening) => server.on('listening', listening));
  const { port } = server.address() as { port: number };
  const client = scope().track(new WebSocket(`ws://127.0.0.1:${port}`));
  await new Promise((open) => client.on('open', open));
  for (let i = 0; i < 40; i++) client.send(`${i}`);
  return { server, client, socket: await opened };
}

test('shutdown() of a server does not wait for messages that nobody reads', async () => {
  const { server, client } = await flooded((socket) => socket.toStream(), 'connection');
  await turns();
  await server.shutdown({ timeout: 2000 });
  expect((await client.closed).received).toMatchObject({ code: 1001 });
  expect(client.closeInfo).toMatchObject({ wasClean: true });
});

test('a handler that returns before its stream was read closes cleanly', async () => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const start = async (socket: WebSocket): Promise<void> => {
    socket.toStream();
    await released;
  };
  const { client, socket } = await flooded(start, 'handle');
  await turns(20);
  release();
  await until(() => socket.readyState === WebSocket.CLOSED, 'the end');
  expect(socket.closeInfo).toMatchObject({ wasClean: true });
  await client.closed;
});
