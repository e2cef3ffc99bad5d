/** A subscriber of a channel that throws: Node reports it, and the connection goes on. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from '@jest/globals';
import { Compiled } from '../../support/child.js';
import { frame, KEY } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { next, onWire } from '../../support/websockets.js';

const scope = useScope();
const compiled = new Compiled();

test('every frame and message is delivered, and every exception is uncaught', async () => {
  const caught = uncaught(scope());
  const fail = (_: unknown, name: string | symbol): void => {
    throw new Error(String(name));
  };
  const names = ['frame', 'message', 'ping', 'close'].map((name) => `ws6455:${name}`);
  for (const name of names) subscribe(name, fail);
  scope().later(() => {
    for (const name of names) unsubscribe(name, fail);
  });
  const [near, far] = scope().wire();
  const ws = onWire(far, 'server');
  const received: string[] = [];
  ws.on('message', (data) => {
    received.push(String(data));
    ws.send(`echo ${data}`);
  });
  near.write(Buffer.concat(['a', 'b'].map((payload) => frame({ payload, mask: KEY }))));
  near.write(frame({ opcode: 9, payload: 'p', mask: KEY }));
  near.end(frame({ opcode: 8, mask: KEY }));
  await next(ws, 'close');
  await turns();
  expect(received).toEqual(['a', 'b']);
  expect(ws.closeInfo?.wasClean).toBe(true);
  const counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (const { message } of caught as Error[]) counts[message] = (counts[message] ?? 0) + 1;
  expect(counts).toEqual({
    'ws6455:frame': 8, // two messages and their echoes, Ping and Pong, two Closes
    'ws6455:message': 4,
    'ws6455:ping': 1,
    'ws6455:close': 1,
  });
});

test('without a listener of uncaughtException the process ends', async () => {
  const { status, errors } = await compiled.run(
    scope(),
    `require('node:diagnostics_channel').subscribe('ws6455:open', () => { throw new Error('mine'); });
     const server = new WebSocket.WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
       new WebSocket('ws://127.0.0.1:' + server.address().port);
     });`,
  );
  expect(status).toBe(1);
  expect(errors).toContain('Error: mine');
});
