/** The closing handshake and the end of the wire. */

import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { close, ping, said, text, useConnections } from '../../support/connections.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import {
  next,
  onWire,
  ROLES,
  recordEvents,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const openConnection = useConnections(scope);

describe('the closing handshake', () => {
  test.each(ROLES)('of a %s is given up after closeTimeout', async (role) => {
    const { ws, wire, events } = await openConnection(role, { closeTimeout: 20 });
    ws.close(1000);
    await until(() => events.length > 0, "'close'");
    expect(wire.destroyed).toBe(true);
    expect(events).toEqual(['close 1006']);
    expect(ws.closeInfo).toMatchObject({ wasClean: false, sent: { code: 1000, reason: '' } });
  });

  test.each(ROLES)('of a %s is not prolonged by what comes meanwhile', async (role) => {
    const { ws, wire, events } = await openConnection(role, { closeTimeout: 40 });
    ws.close();
    await until(
      () => {
        if (!wire.destroyed) wire.arrive(ping(role, 'still here'), text(role, 'x'));
        return events.at(-1) === 'close 1006';
      },
      () => `'close'; there came ${events.length} events`,
    );
  });

  test('takes 30 seconds at most by default', async () => {
    clock.stop();
    const { ws, wire } = await openConnection('server');
    ws.close();
    await turns();
    clock.advance(29_999);
    expect(wire.destroyed).toBe(false);
    clock.advance(1);
    expect(wire.destroyed).toBe(true);
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
  });

  test('leaves no timer when it is over', async () => {
    clock.stop();
    const { ws, wire, events } = await openConnection('server');
    ws.close(1000);
    await turns();
    expect(clock.timerCount).toBe(1);
    wire.arrive(close('server', 1000));
    wire.finish();
    wire.destroy();
    await turns();
    expect(events).toEqual(['close 1000']);
    expect(clock.timerCount).toBe(0);
  });

  test('an open connection has no timer', async () => {
    clock.stop();
    const { ws, wire } = await openConnection('server');
    wire.arrive(text('server', 'a'), ping('server', 'b'));
    ws.send('c');
    await turns();
    expect(clock.timerCount).toBe(0);
  });

  // RFC 6455 §7.1.1: the server ends TCP first.
  test('a server ends the wire as soon as both Closes passed', async () => {
    const { wire } = await openConnection('server');
    wire.arrive(close('server', 1001));
    await until(() => wire.writableFinished, 'the end');
    expect(said(wire)).toEqual(['close 1001']);
  });

  // RFC 6455 §7.1.1: a client SHOULD wait for the server to end TCP, for a reasonable time.
  test('a client waits for the server to end the wire, a second at most', async () => {
    clock.stop();
    const { wire, ws } = await openConnection('client');
    wire.arrive(close('client', 1001));
    await turns();
    expect(said(wire)).toEqual(['close 1001']);
    clock.advance(999);
    await turns();
    expect(wire.writableEnded).toBe(false);
    clock.advance(1);
    await turns();
    expect(wire.writableFinished).toBe(true);
    wire.destroy();
    await until(() => ws.readyState === WebSocket.CLOSED, "'close'");
  });

  test('a client ends the wire when the server did', async () => {
    const { wire, ws } = await openConnection('client');
    ws.close(1000);
    await turns();
    wire.arrive(close('client', 1000));
    await turns();
    expect(wire.writableEnded).toBe(false);
    wire.finish();
    await until(() => wire.writableFinished, 'the end');
  });

  test.each(ROLES)('a %s drops a peer that never ends the wire', async (role) => {
    const { wire, events } = await openConnection(role, { closeTimeout: 20 });
    wire.arrive(close(role, 1000, 'bye'));
    await until(() => events.length > 0, "'close'");
    expect(wire.destroyed).toBe(true);
    expect(events).toEqual(['close 1000 bye']);
  });

  // RFC 6455 §5.5.2: a Ping is answered unless a Close was received already.
  test.each(ROLES)('a %s answers Pings behind its own Close', async (role) => {
    const { ws, wire, events } = await openConnection(role);
    ws.close(1000);
    await turns();
    wire.arrive(ping(role, 'a'), close(role, 1000), ping(role, 'b'));
    await turns();
    expect(said(wire)).toEqual(['close 1000', 'pong a']);
    expect(events).toEqual(['ping a']);
  });

  test.each(ROLES)('a %s still delivers messages behind its own Close', async (role) => {
    const { ws, wire, events } = await openConnection(role);
    ws.close(1000);
    await turns();
    wire.arrive(text(role, 'a'), close(role, 1000), text(role, 'b'));
    await turns();
    expect(events).toEqual(['message a']);
  });

  test.each(ROLES)('a wire that ends without a Close is 1006 for a %s', async (role) => {
    const { ws, wire, events } = await openConnection(role);
    wire.finish();
    await until(() => events.length > 0, "'close'");
    expect(wire.writableFinished).toBe(true);
    expect(said(wire)).toEqual([]);
    expect(events).toEqual(['close 1006']);
    expect(ws.closeInfo).toMatchObject({ wasClean: false });
  });

  test.each(ROLES)("a wire that never emits 'close' is closed soon, for a %s", async (role) => {
    const { ws, wire, events } = await openConnection(role, {}, { silent: true });
    ws.terminate();
    await turns();
    expect(wire.destroyed).toBe(true);
    expect(events).toEqual(['close 1006']);
  });

  test.each(['the peer', 'the program'])(
    'a wire that does not destroy itself is closed after the closing handshake that %s starts',
    async (starter) => {
      const { ws, wire, events } = await openConnection('server', {}, { lasting: true });
      if (starter === 'the program') ws.close(1000);
      wire.arrive(close('server', 1000));
      wire.finish();
      await until(() => events.length > 0, "'close'");
      expect(wire.destroyed).toBe(true);
      expect(events).toEqual(['close 1000']);
    },
  );

  test("a silent wire that breaks is closed soon, its error is the cause of 'close'", async () => {
    const { ws, wire, events } = await openConnection('server', {}, { silent: true });
    const broken = new Error('broken');
    wire.destroy(broken);
    await turns();
    expect(events).toEqual(['close 1006']);
    expect(ws.closeInfo).toMatchObject({ wasClean: false, error: broken });
  });

  test('a wire that is gone already is closed soon', async () => {
    const wire = new ManualWire();
    wire.destroy();
    await turns();
    const ws = onWire(wire, 'server');
    const events = recordEvents(ws);
    await turns();
    expect(events).toEqual(['close 1006']);
  });

  test('a reset is 1006; its error is in closeInfo and in the callbacks', async () => {
    const http = createServer();
    const wss = serve(scope(), { server: http });
    const port = await scope().listen(http);
    const socket = await scope().connect(port);
    const connection = next<[WebSocketInstance]>(wss, 'connection');
    socket.write(upgradeRequest());
    const [ws] = await connection;
    const errors: (Error | undefined)[] = [];
    ws.send(Buffer.alloc(16 * 1024 * 1024), (error) => errors.push(error));
    const events = recordEvents(ws);
    await turns();
    socket.resetAndDestroy();
    await until(() => events.length > 0, "'close'");
    await turns();
    expect(events).toEqual(['close 1006']);
    const reset = expect.objectContaining({ syscall: expect.any(String) });
    expect(ws.closeInfo).toMatchObject({ wasClean: false, error: reset });
    expect(errors).toEqual([reset]);
  });

  test("terminate() in a listener stops the rest of the chunk; only 'close' follows", async () => {
    const { ws, wire, events } = await openConnection();
    ws.on('message', () => ws.terminate());
    wire.arrive(text('server', 'a'), text('server', 'b'), ping('server', 'c'));
    await until(() => events.includes('close 1006'), "'close'");
    expect(events).toEqual(['message a', 'close 1006']);
    expect(wire.sent).toHaveLength(0);
  });

  test('close() in a listener lets the rest of the chunk be delivered', async () => {
    const { ws, wire, events } = await openConnection();
    ws.once('message', () => ws.close(1000));
    wire.arrive(text('server', 'a'), text('server', 'b'), close('server', 1000));
    await until(() => wire.writableFinished, 'our end');
    expect(events).toEqual(['message a', 'message b']);
    expect(said(wire)).toEqual(['close 1000']);
  });

  test('terminate() ends a closing handshake that waits', async () => {
    const { ws, events } = await openConnection();
    ws.close();
    await turns();
    ws.terminate();
    await until(() => events.length > 0, "'close'");
    expect(events).toEqual(['close 1006']);
  });
});
