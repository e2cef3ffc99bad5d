/** The heartbeat drops no healthy peer: the process stood still, the machine slept, the wire is slow. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { frame, KEY, OPCODE, readFrames } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { useScope } from '../../support/scope.js';
import { type Loose, onWire, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

beforeEach(() => clock.stop());

const INTERVAL = 30_000;
const TIMEOUT = 20_000;
const LATE = TIMEOUT / 16 + 250;
const MIB = 1024 * 1024;

interface Peer {
  ws: WebSocketInstance;
  wire: ManualWire;
}

async function open(count: number, settings: Loose = {}, options: object = {}): Promise<Peer[]> {
  const peers = Array.from({ length: count }, () => {
    const wire = new ManualWire(options);
    return { wire, ws: onWire(wire, 'server', { heartbeat: true, ...settings }) };
  });
  scope().later(async () => {
    for (const { ws, wire } of peers) {
      wire.hold = false;
      ws.terminate();
    }
    await until(() => peers.every(({ ws }) => ws.readyState === 3), 'all to close');
  });
  await turns(2);
  return peers;
}

function pingsOf({ wire }: Peer): Buffer[] {
  const pings = readFrames(wire.sent).frames.filter(({ opcode }) => opcode === OPCODE.PING);
  return pings.map(({ payload }) => payload);
}

function answer(peer: Peer): void {
  const payload = pingsOf(peer).at(-1) ?? Buffer.alloc(0);
  peer.wire.arrive(frame({ opcode: OPCODE.PONG, payload, mask: KEY }));
}

function openCount(peers: Peer[]): number {
  return peers.filter(({ ws }) => ws.readyState === 1).length;
}

async function pass(milliseconds: number, step = 250): Promise<void> {
  for (let left = milliseconds; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await turns(2);
  }
}

describe('an event loop that stands still for a minute', () => {
  const MINUTE = 60_000;

  test('drops none of 1,000 peers, and what waited on the wire is read first', async () => {
    const peers = await open(1000);
    await pass(INTERVAL + LATE);
    await turns(10);
    expect(peers.filter((peer) => pingsOf(peer).length === 1)).toHaveLength(1000);
    clock.stall(MINUTE);
    for (const peer of peers) answer(peer); // the poll phase behind the timers
    await turns(20);
    await pass(TIMEOUT);
    expect(openCount(peers)).toBe(1000);
    expect(peers.every(({ ws }) => ws.rtt !== undefined)).toBe(true);
  });

  test('gives peers the rest of their time, and then drops those that are gone', async () => {
    const peers = await open(10);
    await pass(INTERVAL + LATE);
    clock.stall(MINUTE);
    await turns(10);
    for (let i = 0; i < 10; i++) {
      clock.stall(MINUTE);
      await turns(2);
    }
    expect(openCount(peers)).toBe(10);
    await pass(TIMEOUT + LATE);
    expect(openCount(peers)).toBe(0);
  });

  test('is followed by a Ping to each peer at once', async () => {
    const peers = await open(1000);
    await pass(5000);
    clock.stall(MINUTE);
    await turns(20);
    expect(peers.filter((peer) => pingsOf(peer).length === 1)).toHaveLength(1000);
  });

  test('spares peers that idleTimeout and firstMessageTimeout would close', async () => {
    const limits = { idleTimeout: 40_000, firstMessageTimeout: 40_000 };
    const peers = await open(10, { heartbeat: false, ...limits });
    await pass(10_000);
    clock.stall(MINUTE);
    for (const { wire } of peers) wire.arrive(frame({ payload: 'a', mask: KEY }));
    await turns(4);
    expect(openCount(peers)).toBe(10);
    await pass(30_000);
    expect(openCount(peers)).toBe(10);
    await pass(21_000);
    expect(openCount(peers)).toBe(0);
  });
});

test('a verdict waits for one poll phase, on time too', async () => {
  const [peer] = (await open(1)) as [Peer];
  await pass(INTERVAL);
  expect(pingsOf(peer)).toHaveLength(1);
  await pass(TIMEOUT - 10, 10);
  clock.advance(10); // the timers
  answer(peer); // the poll phase
  await turns();
  await pass(10_000);
  expect(openCount([peer])).toBe(1);
});

describe('a machine that sleeps, whose timers stand still', () => {
  test('gives every peer a Ping when it wakes up', async () => {
    const peers = await open(10);
    await pass(5000);
    clock.sleep(3_600_000);
    await pass(TIMEOUT / 16 + 250);
    expect(peers.filter((peer) => pingsOf(peer).length === 1)).toHaveLength(10);
    for (const peer of peers.slice(5)) answer(peer);
    await pass(TIMEOUT + LATE);
    expect(openCount(peers)).toBe(5);
  });

  test('is not assumed after a short sleep', async () => {
    const [peer] = (await open(1)) as [Peer];
    await pass(5000);
    clock.sleep(INTERVAL);
    await pass(5000);
    expect(pingsOf(peer)).toEqual([]);
  });
});

describe('10 MiB for a slow peer', () => {
  /** Each chunk is a write of its own, as on a wire that shows its progress. */
  async function slowPeer(settings: Loose = {}): Promise<Peer> {
    const [peer] = (await open(1, settings, { hold: true, highWaterMark: 1000 })) as [Peer];
    Object.assign(peer.wire, { _writev: undefined });
    for (let i = 0; i < 160; i++) peer.ws.send(Buffer.alloc(MIB / 16));
    return peer;
  }

  test.each([{}, { maxBufferedAmount: 20 * MIB }])(
    'that takes 1 KiB a second and sends nothing drop it at no time: %j',
    async (settings) => {
      const peer = await slowPeer(settings);
      for (let i = 0; i < 158; i++) {
        peer.wire.release(); // 64 KiB
        await pass(64_000 / 4, 1000);
      }
      expect(openCount([peer])).toBe(1);
    },
  );

  test('that takes nothing more drop it', async () => {
    const peer = await slowPeer();
    for (let i = 0; i < 10; i++) {
      peer.wire.release();
      await pass(10_000, 1000);
    }
    expect(openCount([peer])).toBe(1);
    await pass(INTERVAL + TIMEOUT + 2 * LATE, 1000);
    expect(peer.ws.closeInfo).toMatchObject({ by: 'timeout', cause: 'heartbeat' });
  });

  test('the time of the peer begins when the Ping has left, and so does rtt', async () => {
    const peer = await slowPeer();
    await pass(INTERVAL);
    await pass(TIMEOUT - 5000, 1000);
    peer.wire.hold = false;
    while (peer.wire.held > 0) peer.wire.release();
    await turns(200);
    expect(pingsOf(peer)).toHaveLength(1);
    await pass(10_000, 1000);
    expect(openCount([peer])).toBe(1);
    answer(peer);
    await turns();
    expect(peer.ws.rtt).toBe(10_000);
  });
});

test('a Ping passes data that waits for compression', async () => {
  const [peer] = (await open(1)) as [Peer];
  peer.ws.send(Buffer.alloc(10)); // the control: it is written at once
  const blob = new Blob([Buffer.alloc(1000)]);
  Object.defineProperty(blob, 'arrayBuffer', { value: () => new Promise(() => {}) });
  peer.ws.send(blob);
  peer.ws.send('behind it');
  await pass(INTERVAL + LATE);
  expect(pingsOf(peer)).toHaveLength(1);
});
