/** measureRoundTrip and rtt. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { type OpenConnection, useConnections } from '../../support/connections.js';
import { OPCODE, readFrames } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { frameFor, ROLES, type Role, unconnected } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const openConnection = useConnections(scope);

beforeEach(() => clock.stop());

function pingsOf({ wire }: OpenConnection): Buffer[] {
  const pings = readFrames(wire.sent).frames.filter(({ opcode }) => opcode === OPCODE.PING);
  return pings.map(({ payload }) => payload);
}

/** Answers the nth Ping. */
async function answer(connection: OpenConnection, role: Role, index = -1): Promise<void> {
  const payload = pingsOf(connection).at(index) ?? Buffer.alloc(0);
  connection.wire.arrive(frameFor(role, { opcode: OPCODE.PONG, payload }));
  await turns(2);
}

/** What a promise was rejected with, in words. */
async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => `resolved with ${value}`,
    (error: Error & { code?: string }) => `${error.code ?? error.name}: ${error.message}`,
  );
}

describe.each(ROLES)('measureRoundTrip of a %s', (role) => {
  test('resolves with the time until the Pong, which is not emitted', async () => {
    const connection = await openConnection(role);
    const { ws, events } = connection;
    expect(ws.rtt).toBeUndefined();
    const measured = ws.measureRoundTrip();
    clock.advance(12);
    await answer(connection, role);
    expect([await measured, ws.rtt, events]).toEqual([12, 12, []]);
    expect(clock.timerCount).toBe(0);
  });

  test('may be called again before the Pong: each call has a Ping of its own', async () => {
    const connection = await openConnection(role);
    const first = connection.ws.measureRoundTrip();
    clock.advance(5);
    const second = connection.ws.measureRoundTrip();
    clock.advance(5);
    await answer(connection, role, 0);
    expect([await first, connection.ws.rtt]).toEqual([10, 10]);
    clock.advance(5);
    await answer(connection, role, 1);
    expect([await second, connection.ws.rtt]).toEqual([10, 10]);
  });

  // RFC 6455 §5.5.3: a peer may answer only the most recent Ping.
  test('is answered by the Pong of a later Ping, with the time of that one', async () => {
    const connection = await openConnection(role);
    const first = connection.ws.measureRoundTrip();
    clock.advance(100);
    const second = connection.ws.measureRoundTrip();
    await turns(1); // it is written at the end of the tick
    clock.advance(5);
    await answer(connection, role);
    expect([await first, await second, connection.ws.rtt]).toEqual([5, 5, 5]);
  });

  test('rejects after its time limit; the late Pong still sets rtt and is not emitted', async () => {
    const connection = await openConnection(role);
    const measured = failure(connection.ws.measureRoundTrip({ timeout: 100 }));
    clock.advance(100);
    expect(await measured).toBe('WS_ERR_PONG_TIMEOUT: No Pong was received within 100 ms');
    clock.advance(50);
    await answer(connection, role);
    expect([connection.ws.rtt, connection.events]).toEqual([150, []]);
  });

  test('rejects when the connection ends', async () => {
    const { ws, wire } = await openConnection(role);
    const measured = failure(ws.measureRoundTrip());
    wire.destroy();
    expect(await measured).toBe('WS_ERR_NOT_OPEN: The WebSocket is not open');
    expect(clock.timerCount).toBe(0);
    expect(await failure(ws.measureRoundTrip())).toMatch(/^WS_ERR_NOT_OPEN/);
  });

  test('ends with its signal', async () => {
    const { ws, wire } = await openConnection(role);
    const controller = new AbortController();
    const measured = failure(ws.measureRoundTrip({ signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect(await measured).toBe('Error: enough');
    const before = wire.writes.length;
    expect(await failure(ws.measureRoundTrip({ signal: controller.signal }))).toBe('Error: enough');
    expect([wire.writes.length, clock.timerCount]).toEqual([before, 0]);
  });
});

describe('measureRoundTrip', () => {
  test('in a listener of the message is written with the chunk', async () => {
    const connection = await openConnection('server');
    let measured: Promise<number> | undefined;
    connection.ws.on('message', () => {
      measured = connection.ws.measureRoundTrip();
    });
    connection.wire.arrive(frameFor('server', { payload: 'a' }));
    await turns(2);
    clock.advance(7);
    await answer(connection, 'server');
    expect(await measured).toBe(7);
  });

  test('while connecting rejects', async () => {
    expect(await failure(unconnected('client').measureRoundTrip())).toMatch(/^WS_ERR_NOT_OPEN/);
  });

  test.each([
    [{ timeout: '1s' }, /^TypeError: The option timeout must be a number of milliseconds/],
    [{ timeout: -1 }, /^RangeError: The option timeout must be a number of milliseconds/],
    [{ signal: new AbortController() }, /The option signal must be an AbortSignal/],
  ])('%j rejects: %p', async (options, message) => {
    const { ws, wire } = await openConnection('server');
    expect(await failure(ws.measureRoundTrip(options as object))).toMatch(message);
    expect(wire.writes).toEqual([]);
  });
});

describe('heartbeat', () => {
  const create = (heartbeat: unknown) => () =>
    new WebSocket.WebSocketServer({ noServer: true, heartbeat: heartbeat as boolean });

  test.each([
    [
      'on',
      TypeError,
      "a boolean or an object, such as { interval: 30_000, timeout: 20_000 }: 'on'",
    ],
    [30_000, TypeError, 'a boolean or an object'],
    [{ interval: 0 }, RangeError, 'heartbeat.interval must be a number of milliseconds above 0: 0'],
    [{ timeout: Number.NaN }, RangeError, 'heartbeat.timeout must be a number'],
    [
      { interval: '30s' },
      TypeError,
      "heartbeat.interval must be a number of milliseconds above 0: '30s'",
    ],
  ])('%j throws', (heartbeat, ErrorClass, message) => {
    expect(create(heartbeat)).toThrow(ErrorClass);
    expect(create(heartbeat)).toThrow(message);
  });

  test.each([true, false, undefined, null, {}, { interval: 1, timeout: '5' }])(
    '%j is valid',
    (value) => {
      expect(create(value)).not.toThrow();
    },
  );
});
