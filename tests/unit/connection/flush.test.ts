import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { onWire } from '../../support/websockets.js';

test("a listener of 'exit' is there while a connection is open, one for all", async () => {
  const before = process.listenerCount('exit');
  const wires = [new ManualWire(), new ManualWire()];
  const sockets = wires.map((wire) => onWire(wire, 'server'));
  for (const ws of sockets) for (const one of ['a', 'b']) ws.send(one);
  await turns(1);
  expect(process.listenerCount('exit')).toBe(before + 1);
  for (const ws of sockets) ws.terminate();
  await until(() => sockets.every((ws) => ws.readyState === WebSocket.CLOSED), "'close'");
  expect(process.listenerCount('exit')).toBe(before);
});
