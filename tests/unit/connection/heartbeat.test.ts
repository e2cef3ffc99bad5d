/** The option heartbeat: when Pings are sent, what counts as life, and when a peer is dropped. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { type OpenConnection, useConnections } from '../../support/connections.js';
import { closePayload, OPCODE, readFrames } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { frameFor, type Loose, ROLES, type Role } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const openConnection = useConnections(scope);

beforeEach(() => clock.stop());

const INTERVAL = 30_000;
const TIMEOUT = 20_000;
/** How much later than due something happens at most: a sixteenth of the timeout, and a slot. */
const LATE = TIMEOUT / 16 + 250;

class Stage {
  constructor(
    readonly role: Role,
    readonly connection: OpenConnection,
  ) {}

  get ws() {
    return this.connection.ws;
  }

  get wire() {
    return this.connection.wire;
  }

  /** The payloads of the Pings that were sent. */
  pings(): Buffer[] {
    const { frames } = readFrames(this.wire.sent);
    return frames.filter(({ opcode }) => opcode === OPCODE.PING).map(({ payload }) => payload);
  }

  arrive(opcode: number, payload: Buffer | string = ''): void {
    this.wire.arrive(frameFor(this.role, { opcode, payload }));
  }

  /** Answers the newest Ping. */
  answer(): void {
    this.arrive(OPCODE.PONG, this.pings().at(-1) ?? 'no Ping');
  }

  get isOpen(): boolean {
    return this.ws.readyState === 1;
  }
}

async function stage(
  role: Role = 'server',
  settings: Loose = { heartbeat: true },
  options: object = {},
): Promise<Stage> {
  return new Stage(role, await openConnection(role, settings, options));
}

/** Time passes as in a running process: the event loop turns. */
async function pass(milliseconds: number, step = 250): Promise<void> {
  for (let left = milliseconds; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await turns(2);
  }
}

describe.each(ROLES)('the heartbeat of a %s', (role) => {
  test('sends a Ping after the interval, and drops a silent peer after the timeout', async () => {
    const all = await stage(role);
    await pass(INTERVAL - 1);
    expect(all.pings()).toEqual([]);
    await pass(1 + LATE);
    expect(all.pings()).toHaveLength(1);
    await pass(TIMEOUT - LATE - 2);
    expect(all.isOpen).toBe(true);
    await pass(2 + 2 * LATE);
    expect(all.connection.events).toEqual(['close 1006']);
    const { by, cause, silentFor, wasClean, sent } = all.ws.closeInfo ?? {};
    expect([by, cause, wasClean, sent]).toEqual(['timeout', 'heartbeat', false, undefined]);
    expect(silentFor).toBeGreaterThanOrEqual(INTERVAL + TIMEOUT);
    expect(silentFor).toBeLessThanOrEqual(INTERVAL + TIMEOUT + 2 * LATE);
    expect(clock.timerCount).toBe(0);
  });

  test('works when its clock wraps around, after 24 days', async () => {
    clock.advance(2 ** 31 - INTERVAL - 1000);
    const all = await stage(role);
    await pass(INTERVAL + LATE);
    all.answer();
    await pass(INTERVAL + LATE);
    expect([all.isOpen, all.pings().length]).toEqual([true, 2]);
    await pass(TIMEOUT + LATE);
    expect(all.ws.closeInfo?.cause).toBe('heartbeat');
  });

  test('a peer that answers stays, with a Ping in each interval, and no timer of its own', async () => {
    const all = await stage(role);
    for (let i = 1; i <= 10; i++) {
      await pass(INTERVAL + 2 * LATE);
      expect(all.pings()).toHaveLength(i);
      all.answer();
    }
    expect([all.isOpen, clock.timerCount]).toEqual([true, 1]);
    expect(all.connection.events).toEqual([]);
  });

  test('is masked or not as its role asks, and has four bytes', async () => {
    const all = await stage(role);
    await pass(INTERVAL + LATE);
    const [frame] = readFrames(all.wire.sent).frames;
    expect([frame?.masked, frame?.fin, frame?.payload.length]).toEqual([
      role === 'client',
      true,
      4,
    ]);
  });

  test('any byte is life: a part of a frame that arrives slowly', async () => {
    const all = await stage(role);
    const bytes = frameFor(role, { payload: 'a message that takes its time' });
    for (const byte of bytes) {
      all.wire.arrive(Buffer.from([byte]));
      await pass(INTERVAL + TIMEOUT - 1000, 1000);
    }
    expect([all.isOpen, all.connection.events]).toEqual([
      true,
      ['message a message that takes its time'],
    ]);
  });

  test('a Close ends it: the closing handshake has its own time limit', async () => {
    const all = await stage(role, { heartbeat: true, closeTimeout: 200_000 });
    all.ws.close(1000);
    await pass(190_000, 1000);
    expect([all.pings(), all.ws.readyState]).toEqual([[], 2]);
    all.arrive(OPCODE.CLOSE, closePayload(1000));
    all.wire.finish();
    await turns();
    expect(all.ws.closeInfo).toMatchObject({ by: 'us', cause: 'close', wasClean: true });
  });
});

describe('a direction that is silent', () => {
  test('our own: the peer talks, and gets a Ping in each interval', async () => {
    const all = await stage();
    for (let i = 0; i < 8; i++) {
      all.arrive(OPCODE.TEXT, 'a');
      await pass(10_000);
    }
    expect(all.pings()).toHaveLength(2);
  });

  test('that of the peer: we talk, and send a Ping, and drop it', async () => {
    const all = await stage();
    for (let i = 0; i < 6; i++) {
      all.ws.send('a');
      await pass(10_000);
    }
    expect([all.pings().length, all.ws.closeInfo?.cause]).toEqual([1, 'heartbeat']);
  });

  test('none: both talk within the interval, and no Ping is sent', async () => {
    const all = await stage();
    for (let i = 0; i < 10; i++) {
      await pass(INTERVAL - 1000 - LATE);
      all.arrive(OPCODE.TEXT, 'a');
      all.ws.send('a');
    }
    expect([all.pings(), all.isOpen]).toEqual([[], true]);
  });
});

describe('Pongs', () => {
  test('that answer the heartbeat are not emitted, and set rtt', async () => {
    const all = await stage();
    await pass(INTERVAL, 10);
    expect(all.ws.rtt).toBeUndefined();
    await pass(40, 10);
    all.answer();
    await turns(2);
    expect([all.connection.events, all.ws.rtt]).toEqual([[], expect.any(Number)]);
    expect(all.ws.rtt).toBe(40);
  });

  test.each([
    ['with another payload', (id: Buffer) => Buffer.from([...id.subarray(0, 3), (id[3] ?? 0) ^ 1])],
    ['that are longer', (id: Buffer) => Buffer.concat([id, id])],
    ['that are empty', () => Buffer.alloc(0)],
  ])('%s are emitted, are life, and leave rtt', async (_, change) => {
    const all = await stage();
    await pass(INTERVAL + LATE);
    all.arrive(OPCODE.PONG, change(all.pings()[0] ?? Buffer.alloc(0)));
    await pass(INTERVAL - 1000);
    expect([all.ws.rtt, all.isOpen, all.connection.events.length]).toEqual([undefined, true, 1]);
  });

  test('that answer a Ping twice are emitted the second time', async () => {
    const all = await stage();
    await pass(INTERVAL + LATE);
    all.answer();
    all.answer();
    await turns(2);
    expect(all.connection.events).toHaveLength(1);
  });

  test('ping() and its Pong stay those of the program', async () => {
    const all = await stage();
    all.ws.ping('mine');
    all.arrive(OPCODE.PONG, 'mine');
    await turns(2);
    expect([all.connection.events, all.ws.rtt]).toEqual([['pong mine'], undefined]);
  });

  // RFC 6455 §5.5.3: a peer may answer only the most recent Ping.
  test('of a peer that answers only a later Ping of the program are enough', async () => {
    const all = await stage();
    await pass(INTERVAL + LATE);
    all.ws.ping('mine');
    all.arrive(OPCODE.PONG, 'mine');
    await pass(INTERVAL - 1000);
    expect([all.isOpen, all.connection.events]).toEqual([true, ['pong mine']]);
    await pass(2000);
    all.answer();
    await turns(2);
    expect([all.connection.events.length, all.ws.rtt]).toEqual([1, expect.any(Number)]);
  });

  test('that never come do not pile up, if the peer sends other bytes', async () => {
    const all = await stage('server', { heartbeat: { interval: 100, timeout: 100 } });
    for (let i = 0; i < 50; i++) {
      all.arrive(OPCODE.TEXT, 'a');
      await pass(120, 20);
    }
    const ids = all.pings();
    expect([all.isOpen, ids.length > 30]).toEqual([true, true]);
    for (const id of ids.slice(-8).reverse()) all.arrive(OPCODE.PONG, id);
    await turns(2);
    // The newest answers those before it: they are not outstanding any more.
    expect(all.connection.events.filter((event) => event.startsWith('pong'))).toHaveLength(7);
  });
});

describe('a pause', () => {
  test('of ten timeouts drops nobody, and the peer has the whole time after it', async () => {
    const all = await stage();
    await pass(INTERVAL + LATE);
    all.ws.pause();
    await pass(10 * TIMEOUT, 1000);
    expect(all.isOpen).toBe(true);
    all.ws.resume();
    await pass(TIMEOUT - LATE - 1000);
    expect(all.isOpen).toBe(true);
    all.answer();
    await pass(INTERVAL - 1000);
    expect([all.isOpen, all.connection.events]).toEqual([true, []]);
  });

  test('is followed by a verdict, if the peer is gone', async () => {
    const all = await stage();
    all.ws.pause();
    await pass(10 * TIMEOUT, 1000);
    all.ws.resume();
    await pass(INTERVAL + TIMEOUT + 2 * LATE);
    expect(all.ws.closeInfo).toMatchObject({ by: 'timeout', cause: 'heartbeat' });
  });

  test('for messageRate drops nobody', async () => {
    const rate = { perSecond: 0.005, burst: 1 };
    const all = await stage('server', { heartbeat: true, messageRate: rate });
    all.arrive(OPCODE.TEXT, 'a');
    await pass(150_000, 1000);
    expect(all.isOpen).toBe(true);
  });

  test('keeps the Pings for proxies going, one at a time', async () => {
    const all = await stage();
    all.ws.pause();
    await pass(4 * (INTERVAL + 2 * LATE), 500);
    expect(all.pings()).toHaveLength(4);
  });
});

describe('options', () => {
  test.each([undefined, false, null])('%p: no Ping, no timer, no rtt', async (heartbeat) => {
    const all = await stage('server', { heartbeat });
    await pass(500_000, 10_000);
    expect([all.pings(), all.isOpen, clock.timerCount]).toEqual([[], true, 0]);
  });

  test('interval and timeout are taken each by itself', async () => {
    const all = await stage('server', { heartbeat: { interval: 1000 } });
    await pass(1000 + 100, 10);
    expect(all.pings()).toHaveLength(1);
    await pass(TIMEOUT - 1000, 100);
    expect(all.isOpen).toBe(true);
  });

  test('with a timeout longer than the interval the first Ping without an answer counts', async () => {
    const all = await stage('server', { heartbeat: { interval: 1000, timeout: 5000 } });
    await pass(5900, 10);
    expect([all.isOpen, all.pings().length]).toEqual([true, 5]);
    await pass(300, 10);
    expect(all.isOpen).toBe(false);
  });
});
