/** firstMessageTimeout, idleTimeout and messageRate, each at its edge, for both roles. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { closePayload, type FrameOptions, OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import {
  frameFor,
  type Loose,
  onWire,
  ROLES,
  type Role,
  recordEvents,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

beforeEach(() => clock.stop());

interface Stage {
  ws: WebSocketInstance;
  wire: ManualWire;
  events: string[];
  /** Bytes of the peer, and the turns that it takes to read them. */
  arrive(...frames: FrameOptions[]): Promise<void>;
  /** The code and reason of the Close that was sent. */
  closed(): string | undefined;
}

async function stage(role: Role, options: Loose): Promise<Stage> {
  const wire = new ManualWire();
  const ws = onWire(wire, role, options);
  scope().later(async () => {
    if (ws.readyState !== 3) ws.terminate();
    await until(() => ws.readyState === 3, 'a WebSocket to close');
  });
  await turns(2);
  const arrive = async (...frames: FrameOptions[]) => {
    wire.arrive(...frames.map((one) => frameFor(role, one)));
    await turns(2);
  };
  const closed = () => {
    const close = readFrames(wire.sent).frames.find(({ opcode }) => opcode === OPCODE.CLOSE);
    return close && `${close.payload.readUInt16BE(0)} ${close.payload.subarray(2)}`;
  };
  return { ws, wire, events: recordEvents(ws), arrive, closed };
}

/** The peer answers our Close and ends TCP. */
async function finish({ ws, wire, arrive }: Stage, code = 1001): Promise<void> {
  await arrive({ opcode: OPCODE.CLOSE, payload: closePayload(code) });
  wire.finish();
  await until(() => ws.readyState === 3, "'close'");
}

async function pass(milliseconds: number): Promise<void> {
  clock.advance(milliseconds);
  await turns(2);
}

const PING = { opcode: OPCODE.PING };

describe.each(ROLES)('firstMessageTimeout of a %s', (role) => {
  const LATE = '1008 No message was received within 5000 ms';

  test('fails the connection with 1008 at that time, not before', async () => {
    const all = await stage(role, { firstMessageTimeout: 5000 });
    await pass(4999);
    expect(all.closed()).toBeUndefined();
    await pass(1);
    expect(all.closed()).toBe(LATE);
    expect(all.events).toEqual(['error No message was received within 5000 ms']);
    await finish(all);
    expect(all.ws.closeInfo).toMatchObject({ by: 'timeout', cause: 'firstMessageTimeout' });
    expect(clock.timerCount).toBe(0);
  });

  test('is over with the first message, though it comes in the last millisecond', async () => {
    const { arrive, events, closed } = await stage(role, { firstMessageTimeout: 5000 });
    await pass(4999);
    await arrive({ payload: 'hello' });
    await pass(100_000);
    expect([events, closed()]).toEqual([['message hello'], undefined]);
    expect(clock.timerCount).toBe(0);
  });

  test.each([
    ['a Ping', [PING]],
    ['a fragment', [{ payload: 'a', fin: false }]],
    ['a part of a frame', [{ payload: 'a', announce: 2 }]],
  ])('is not over with %s', async (_, frames: FrameOptions[]) => {
    const { arrive, closed } = await stage(role, { firstMessageTimeout: 5000 });
    await arrive(...frames);
    await pass(5000);
    expect(closed()).toBe(LATE);
  });

  test('starts again after a pause that lasts longer', async () => {
    const { ws, closed } = await stage(role, { firstMessageTimeout: 5000 });
    ws.pause();
    await pass(5000);
    ws.resume();
    await pass(4999);
    expect(closed()).toBeUndefined();
    await pass(1);
    expect(closed()).toBe(LATE);
  });

  test('does not concern a connection that is being closed', async () => {
    const { ws, events, closed } = await stage(role, { firstMessageTimeout: 5000 });
    ws.close(1000);
    await pass(5000);
    expect([events, closed()]).toEqual([[], '1000 ']);
  });
});

describe.each(ROLES)('idleTimeout of a %s', (role) => {
  const IDLE = '1001 Nothing was received for 8000 ms';

  test("closes with 1001 at that time, not before, without an 'error'", async () => {
    const all = await stage(role, { idleTimeout: 8000 });
    await pass(7999);
    expect(all.closed()).toBeUndefined();
    await pass(1);
    expect([all.closed(), all.events]).toEqual([IDLE, []]);
    await finish(all);
    expect(all.events).toEqual(['close 1001']);
    expect(all.ws.closeInfo).toMatchObject({
      wasClean: true,
      by: 'timeout',
      cause: 'idleTimeout',
      sent: { code: 1001 },
      received: { code: 1001 },
    });
    expect(clock.timerCount).toBe(0);
  });

  test('drops TCP after closeTimeout if the peer is gone', async () => {
    const { ws, wire, events } = await stage(role, { idleTimeout: 8000, closeTimeout: 500 });
    await pass(8500);
    expect(wire.destroyed).toBe(true);
    await until(() => ws.readyState === 3, "'close'");
    expect(events).toEqual(['close 1006']);
    expect(ws.closeInfo).toMatchObject({ wasClean: false, by: 'timeout', cause: 'idleTimeout' });
  });

  test.each([
    ['a message', { payload: 'a' }],
    ['a Ping', PING],
    ['a Pong', { opcode: OPCODE.PONG }],
    ['a byte of a frame', { payload: 'a', announce: 2 }],
  ])('starts again with %s, at the latest a quarter later', async (_, sent: FrameOptions) => {
    for (const at of [0, 1, 1999, 2000, 7999]) {
      const { arrive, closed } = await stage(role, { idleTimeout: 8000 });
      await pass(at);
      await arrive(sent);
      await pass(7999);
      expect(closed()).toBeUndefined();
      await pass(2001);
      expect(closed()).toBe(IDLE);
      clock.release();
      clock.stop();
    }
  });

  test('does not end while the peer sends', async () => {
    const { arrive, closed } = await stage(role, { idleTimeout: 8000 });
    for (let i = 0; i < 20; i++) {
      await pass(7999);
      await arrive(PING);
    }
    expect(closed()).toBeUndefined();
  });

  test('does not count what we send', async () => {
    const { ws, closed } = await stage(role, { idleTimeout: 8000 });
    await pass(4000);
    ws.send('hello');
    await pass(4000);
    expect(closed()).toBe(IDLE);
  });

  test('does not concern a paused connection, and starts again when it continues', async () => {
    const { ws, closed } = await stage(role, { idleTimeout: 8000 });
    ws.pause();
    await pass(100_000);
    expect(closed()).toBeUndefined();
    ws.resume();
    await turns(2);
    await pass(7999);
    expect(closed()).toBeUndefined();
    await pass(2001);
    expect(closed()).toBe(IDLE);
  });
});

test.each([0, '0', Infinity, undefined, null])('a time of %p is no limit', async (value) => {
  const { wire } = await stage('server', { idleTimeout: value, firstMessageTimeout: value });
  expect([clock.timerCount, wire.listenerCount('data')]).toEqual([0, 1]);
});

test('many connections share one timer, and each is closed at its own time', async () => {
  const all: Stage[] = [];
  for (let i = 0; i < 40; i++) {
    all.push(await stage('server', { idleTimeout: 8000 }));
    await pass(250);
  }
  // The first ones were silent for up to 10 s, the last one for 250 ms.
  const closed = all.map((one) => one.closed() !== undefined);
  expect(closed).toEqual(all.map((_, i) => (40 - i) * 250 >= 8000));
  await Promise.all(all.map(({ ws }) => ws.terminate()));
  await turns();
  expect(clock.timerCount).toBe(0);
});

const messages = (count: number): FrameOptions[] =>
  Array.from({ length: count }, (_, i) => ({ payload: String(i) }));
const heard = (count: number): string[] =>
  messages(count).map(({ payload }) => `message ${payload}`);

describe.each(ROLES)("messageRate with the policy 'pause' of a %s", (role) => {
  const messageRate = { perSecond: 10, burst: 3 };

  test('delivers the burst, then one message at a time, and loses none', async () => {
    const { arrive, events, wire, ws } = await stage(role, { messageRate });
    await arrive(...messages(6));
    expect(events).toEqual(heard(3));
    expect([wire.isPaused(), ws.isPaused]).toEqual([true, false]);
    for (const count of [4, 5, 6]) {
      await pass(99);
      expect(events).toEqual(heard(count - 1));
      await pass(1);
      expect(events).toEqual(heard(count));
    }
    await pass(100);
    expect([wire.isPaused(), clock.timerCount]).toEqual([false, 0]);
  });

  test('does not pause below the burst', async () => {
    const { arrive, events, wire } = await stage(role, { messageRate });
    await arrive(...messages(2));
    expect([events, wire.isPaused()]).toEqual([heard(2), false]);
  });

  test('gives the whole burst again after a while', async () => {
    const { arrive, events } = await stage(role, { messageRate });
    await arrive(...messages(3));
    await pass(1000);
    events.length = 0;
    await arrive(...messages(4));
    expect(events).toEqual(heard(3));
  });

  test('keeps the rate over a long time', async () => {
    const { arrive, events } = await stage(role, { messageRate: { perSecond: 40, burst: 1 } });
    await arrive(...messages(1000));
    for (let i = 0; i < 1000; i++) await pass(10);
    expect(events.length).toBeGreaterThan(380);
    expect(events.length).toBeLessThanOrEqual(401);
  });

  test('leaves a pause of the program alone', async () => {
    const { ws, arrive, events } = await stage(role, { messageRate });
    ws.once('message', () => ws.pause());
    await arrive(...messages(5));
    expect(events).toEqual(heard(1));
    await pass(1000);
    expect(events).toEqual(heard(1));
    ws.resume();
    await turns(4);
    expect(events).toEqual(heard(4));
    ws.pause();
    await pass(1000);
    expect(events).toEqual(heard(4));
    ws.resume();
    await turns(4);
    expect(events).toEqual(heard(5));
  });

  test('resume() does not end it', async () => {
    const { ws, arrive, events } = await stage(role, { messageRate });
    await arrive(...messages(4));
    ws.pause();
    ws.resume();
    await turns(4);
    expect(events).toEqual(heard(3));
  });

  test('counts no control frames', async () => {
    const { arrive, events, wire } = await stage(role, { messageRate });
    await arrive(...Array<FrameOptions>(20).fill(PING));
    expect([events.length, wire.isPaused()]).toEqual([20, false]);
  });

  test('what arrived before the end of TCP is delivered', async () => {
    const { arrive, events, wire, ws } = await stage(role, { messageRate });
    await arrive(...messages(6));
    wire.destroy();
    await until(() => ws.readyState === 3, "'close'");
    expect(events).toEqual([...heard(6), 'close 1006']);
    expect(clock.timerCount).toBe(0);
  });

  test('close() and terminate() end it', async () => {
    const { arrive, ws, wire } = await stage(role, { messageRate });
    await arrive(...messages(4));
    ws.terminate();
    await until(() => ws.readyState === 3, "'close'");
    expect([wire.destroyed, clock.timerCount]).toEqual([true, 0]);
    const all = await stage(role, { messageRate });
    await all.arrive(...messages(4));
    all.ws.close(1000);
    await pass(100);
    await pass(100); // the Close of the peer waits behind its messages
    await finish(all, 1000);
    expect(all.ws.closeInfo).toMatchObject({ wasClean: true, by: 'us', cause: 'close' });
  });

  test('the connection is not idle while it is paused', async () => {
    const slow = { perSecond: 0.1, burst: 1 };
    const { arrive, closed } = await stage(role, { messageRate: slow, idleTimeout: 2000 });
    await arrive(...messages(2));
    await pass(9999);
    expect(closed()).toBeUndefined();
  });
});

describe.each(ROLES)("messageRate with the policy 'close' of a %s", (role) => {
  const messageRate = { perSecond: 10, burst: 3, policy: 'close' };

  test('fails the connection with 1008 at the message beyond the burst', async () => {
    const all = await stage(role, { messageRate });
    await all.arrive(...messages(3));
    expect([all.events, all.closed()]).toEqual([heard(3), undefined]);
    await all.arrive(...messages(1));
    expect(all.closed()).toBe('1008 Too many messages: more than 10 per second');
    expect(all.events).toEqual([...heard(3), 'error Too many messages: more than 10 per second']);
    await finish(all);
    expect(all.ws.closeInfo).toMatchObject({ by: 'limit', cause: 'messageRate' });
  });

  test('one message more is allowed after a tenth of a second, not before', async () => {
    const early = await stage(role, { messageRate });
    await early.arrive(...messages(3));
    await pass(99);
    await early.arrive(...messages(1));
    expect(early.closed()).toMatch(/^1008/);
    const late = await stage(role, { messageRate });
    await late.arrive(...messages(3));
    await pass(100);
    await late.arrive(...messages(1));
    expect(late.closed()).toBeUndefined();
    await late.arrive(...messages(1));
    expect(late.closed()).toMatch(/^1008/);
  });

  test('the default burst is the rate, at least one message', async () => {
    for (const [perSecond, burst] of [
      [4, 4],
      [0.5, 1],
    ] as const) {
      const { arrive, closed } = await stage(role, { messageRate: { perSecond, policy: 'close' } });
      await arrive(...messages(burst));
      expect(closed()).toBeUndefined();
      await arrive(...messages(1));
      expect(closed()).toMatch(/^1008/);
    }
  });
});

describe('messageRate with a function as policy', () => {
  const start = (verdict: (...args: unknown[]) => unknown) =>
    stage('server', { messageRate: { perSecond: 10, burst: 1, policy: verdict } });

  test('is called with the socket and each message beyond the burst', async () => {
    const calls: unknown[][] = [];
    const { ws, arrive } = await start((...args) => {
      calls.push(args);
      return 'deliver';
    });
    await arrive(...messages(2), { payload: 'x', opcode: OPCODE.BINARY });
    expect(calls).toEqual([
      [ws, Buffer.from('1'), false],
      [ws, Buffer.from('x'), true],
    ]);
  });

  test("'deliver' delivers and 'drop' drops this message", async () => {
    const { arrive, events } = await start((_, data) =>
      Number(data) % 2 === 0 ? 'deliver' : 'drop',
    );
    await arrive(...messages(6));
    expect(events).toEqual(['message 0', 'message 2', 'message 4']);
  });

  test("'pause' delivers this message and waits until it is paid for", async () => {
    const { arrive, events } = await start(() => 'pause');
    await arrive(...messages(4));
    expect(events).toEqual(heard(2));
    await pass(199);
    expect(events).toEqual(heard(2));
    await pass(1);
    expect(events).toEqual(heard(4));
  });

  test("'close' fails the connection with 1008", async () => {
    const { arrive, closed } = await start(() => 'close');
    await arrive(...messages(2));
    expect(closed()).toMatch(/^1008/);
  });

  test.each([
    ['throws', throws, 'error mine'],
    ['returns another value', () => 'later', /^error The policy of messageRate must return one of/],
  ])('that %s costs its own connection', async (_, verdict, error) => {
    const { arrive, events, closed } = await start(verdict as () => unknown);
    await arrive(...messages(2));
    expect(closed()).toBe('1011 ');
    expect(events).toEqual(['message 0', expect.stringMatching(error)]);
  });
});

function throws(): never {
  throw new Error('mine');
}
