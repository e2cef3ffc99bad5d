/** maxLifetime: when connections are closed, with which Close, and what it costs. */

import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { sweep } from '../../../src/connection/sweep.js';
import { Lifetimes } from '../../../src/server/lifetimes.js';
import { useClock } from '../../support/clock.js';
import { closePayload, OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useWarnings } from '../../support/process-events.js';
import { SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import {
  connectPair,
  frameFor,
  type Loose,
  memoryServer,
  next,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const warnings = useWarnings(scope);
const { detached, upgrade } = useServers(scope);

const HOUR = 3_600_000;
const STEP = 250;

beforeEach(() => {
  clock.stop();
  clock.useRandom(() => 0.5);
});

async function open(wss: ServerInstance): Promise<{ ws: WebSocketInstance; wire: ManualWire }> {
  const [request, , head] = await upgrade();
  const wire = new ManualWire();
  scope().later(() => wire.destroy());
  return new Promise((resolve) => {
    wss.handleUpgrade(request, wire, head, (ws) => resolve({ ws, wire }));
  });
}

function closeOf({ sent }: ManualWire): string {
  const { frames } = readFrames(sent.subarray(sent.indexOf('\r\n\r\n') + 4));
  return frames
    .map(({ opcode, payload }) =>
      opcode === OPCODE.CLOSE
        ? `close ${payload.readUInt16BE(0)} ${payload.subarray(2)}`
        : `message ${payload}`,
    )
    .join(', ');
}

/** Lets the hours before a time pass, then its last milliseconds. */
function passUntil(milliseconds: number): void {
  clock.advance(milliseconds - 2000);
  for (let i = 0; i < 8; i++) clock.advance(STEP);
}

test('a connection is closed after that time, behind its messages, however active it is', async () => {
  const { ws, wire } = await open(detached({ maxLifetime: { after: HOUR } }));
  passUntil(HOUR - 1);
  wire.arrive(frameFor('server', { payload: 'still here' }));
  ws.send('last');
  await turns(2);
  expect(ws.readyState).toBe(1);
  clock.advance(1);
  expect(closeOf(wire)).toBe('message last, close 1012 maxLifetime is over: connect again');
  wire.arrive(frameFor('server', { opcode: OPCODE.CLOSE, payload: closePayload(1012) }));
  wire.finish();
  await until(() => ws.readyState === 3, "'close'");
  expect(ws.closeInfo).toMatchObject({ by: 'timeout', cause: 'maxLifetime', wasClean: true });
  expect(clock.timerCount).toBe(0);
});

test.each([
  [0, 0.1, 0.9],
  [0.5, 0.1, 1],
  [0.999, 0.1, 1.0998],
  [0, 0.5, 0.5],
  [0.2, 0, 1],
])(
  'the random number %d with the jitter %d makes it %d times as long',
  async (random, jitter, factor) => {
    clock.useRandom(() => random);
    const { ws } = await open(detached({ maxLifetime: { after: HOUR, jitter, code: 4001 } }));
    passUntil(HOUR * factor - 1);
    expect(ws.readyState).toBe(1);
    clock.advance(STEP + 1);
    expect(ws.readyState).toBe(2);
  },
);

test('connections that were opened together do not end together', async () => {
  const random = new SeededRandom(3);
  clock.useRandom(() => random.next());
  const wss = detached({ maxLifetime: { after: 600_000 } });
  const all: WebSocketInstance[] = [];
  for (let i = 0; i < 200; i++) all.push((await open(wss)).ws);
  const openNow = () => all.filter(({ readyState }) => readyState === 1).length;
  const counts = [openNow()];
  clock.advance(540_000 - STEP);
  for (let i = 0; i < 10; i++) {
    clock.advance(12_000);
    counts.push(openNow());
  }
  clock.advance(2 * STEP);
  const perPeriod = counts.slice(1).map((count, i) => (counts[i] ?? 0) - count);
  expect([counts[0], openNow()]).toEqual([200, 0]);
  expect(Math.max(...perPeriod)).toBeLessThan(40);
});

test('a connection that has ended leaves no timer', async () => {
  const { ws } = await open(detached({ maxLifetime: { after: HOUR } }));
  expect(clock.timerCount).toBe(1);
  ws.terminate();
  await until(() => ws.readyState === 3, "'close'");
  expect(clock.timerCount).toBe(0);
});

test('a connection in a closing handshake keeps its Close', async () => {
  const { ws, wire } = await open(detached({ maxLifetime: { after: 1000 }, closeTimeout: 5000 }));
  clock.advance(500);
  ws.close(4000);
  clock.advance(1000);
  expect(closeOf(wire)).toBe('close 4000 ');
});

test('a route may have its own, or none', async () => {
  const { http, connect } = memoryServer(scope());
  const wss = serve(scope(), { server: http, maxLifetime: { after: 1000 } });
  const sockets: WebSocketInstance[] = [];
  const note = (ws: WebSocketInstance) => sockets.push(ws);
  wss.route('/as-the-server', {}, note);
  wss.route('/longer', { maxLifetime: { after: 5000 } }, note);
  wss.route('/for-ever', { maxLifetime: { after: 0 } }, note);
  for (const path of ['/as-the-server', '/longer', '/for-ever']) {
    await next(connect({}, undefined, path), 'open');
  }
  clock.advance(1000 + STEP);
  await until(() => sockets[0]?.readyState === 3, "'close'");
  expect(sockets.map(({ readyState }) => readyState)).toEqual([3, 1, 1]);
  clock.advance(4000 + STEP);
  await until(() => sockets[1]?.readyState === 3, "'close'");
  expect(sockets[2]?.readyState).toBe(1);
});

describe('without the option', () => {
  test.each([
    {},
    { maxLifetime: undefined },
    { maxLifetime: null },
    { maxLifetime: { after: Infinity } },
  ])('%j: there is no timer', async (options) => {
    await open(detached(options));
    expect(clock.timerCount).toBe(0);
  });
});

test('many lifetimes need few slots of the sweep', () => {
  const random = new SeededRandom(4);
  clock.useRandom(() => random.next());
  const schedule = jest.spyOn(sweep, 'schedule');
  const lifetimes = new Lifetimes();
  const clients = Array.from({ length: 5000 }, () => ({}));
  for (const client of clients) lifetimes.start(client, { after: 24 * HOUR });
  const deadlines = new Set(schedule.mock.calls.map(([, deadline]) => deadline));
  expect(deadlines.size).toBeLessThan(210);
  for (const client of clients) lifetimes.stop(client);
  expect(clock.timerCount).toBe(0);
  schedule.mockRestore();
});

test('it may be changed while the server runs, also to nonsense', async () => {
  const wss = detached();
  wss.options.maxLifetime = { after: 'soon' } as never;
  const { ws } = await open(wss);
  clock.advance(HOUR);
  expect(ws.readyState).toBe(1);
});

describe('a wrong value throws', () => {
  test.each<[unknown, string]>([
    [
      HOUR,
      'TypeError: The option maxLifetime must be an object, such as { after: 3_600_000 }: 3600000',
    ],
    [{}, 'TypeError: The option maxLifetime.after must be a number of milliseconds, 0 or Infinity'],
    [{ after: -1 }, 'RangeError: The option maxLifetime.after must be'],
    [
      { after: 1, jitter: 2 },
      'RangeError: The option maxLifetime.jitter must be a number of 0 to 1: 2',
    ],
    [{ after: 1, code: 1006 }, 'RangeError: The option maxLifetime.code must be a close code'],
    [{ after: 1, code: '1012' }, 'TypeError: The option maxLifetime.code must be a close code'],
  ])('%j', (maxLifetime, message) => {
    let thrown: unknown;
    try {
      detached({ maxLifetime } as Loose);
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toContain(message);
  });

  test('an unknown member is a process warning', async () => {
    detached({ maxLifetime: { after: 1, jiter: 0.2 } });
    await turns();
    expect(warnings('WS6455_UNKNOWN_OPTION').join()).toContain('did you mean jitter?');
  });
});

test('a client has no such option', async () => {
  await connectPair(scope(), {}, { maxLifetime: { after: 1 } });
  await turns();
  expect(warnings('WS6455_UNKNOWN_OPTION').join()).toContain('maxLifetime');
});
