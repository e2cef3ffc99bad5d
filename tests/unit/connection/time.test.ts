/** A program's fake timers never stop a connection. */

import { afterEach, describe, expect, jest, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { connectPair, frameFor, onWire, ROLES, recordEvents } from '../../support/websockets.js';

const scope = useScope();

afterEach(() => {
  jest.useRealTimers();
});

/** Lets real time pass, whatever timers are fake. */
const realTurns = async (): Promise<void> => {
  jest.useRealTimers();
  await turns();
};

describe.each(ROLES)('under modern fake timers, a %s', (role) => {
  const open = (): { ws: ReturnType<typeof onWire>; wire: ManualWire } => {
    const wire = new ManualWire();
    return { ws: onWire(wire, role), wire };
  };

  test('sends what was sent under them and what is sent after them', async () => {
    const { ws, wire } = open();
    await turns();
    jest.useFakeTimers();
    for (const one of ['a', 'b', 'c']) ws.send(one);
    await realTurns();
    ws.send('d');
    ws.send('e');
    await turns();
    expect(wire.sent).toHaveLength(5 * (role === 'server' ? 3 : 7));
  });

  test('delivers what it kept during a pause', async () => {
    const { ws, wire } = open();
    const events = recordEvents(ws);
    await turns();
    jest.useFakeTimers();
    ws.pause();
    wire.arrive(frameFor(role, { payload: 'kept' }));
    ws.resume();
    await realTurns();
    expect(events).toEqual(['message kept']);
  });

  test('calls the callback of a send after its close', async () => {
    const { ws, wire } = open();
    await turns();
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
    jest.useFakeTimers();
    const errors: unknown[] = [];
    ws.send('late', (error) => errors.push(error));
    await realTurns();
    expect(errors).toHaveLength(1);
  });
});

test('a whole connection opens, talks and closes under fake timers', async () => {
  jest.useFakeTimers();
  const { client, ws } = await connectPair(scope());
  const events = recordEvents(client);
  ws.on('message', (data) => {
    ws.send(data);
    ws.send('and more');
    ws.close(1000);
  });
  client.send('hello');
  await until(() => events.length === 3, 'the end');
  expect(events).toEqual(['message hello', 'message and more', 'close 1000']);
});
