/** Limits of connections and handshakes, each at its edge, over raw sockets. */

import type { IncomingMessage } from 'node:http';
import { BlockList } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { useClock } from '../support/clock.js';
import { forwardedFor, Gate, TRANSPORTS, withFields } from '../support/gate.js';
import type { HttpMessage } from '../support/inbox.js';
import { upgradeRequest } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import { SharedServer } from '../support/shared-server.js';

const scope = useScope();
const clock = useClock();

const sorted = (statuses: readonly number[]): number[] => [...statuses].sort();
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** A refusal is a whole response that says why, and closes the connection. */
function expectRefusal({ status, all, body }: HttpMessage, expected: number, reason: string): void {
  expect(status).toBe(expected);
  expect(body.toString()).toBe(reason);
  expect(all('connection')).toEqual(['close']);
  expect(all('content-length')).toEqual([String(body.length)]);
}

describe.each(TRANSPORTS)('maxConnections over %s', (transport) => {
  test('accepts as many, refuses one more, and accepts again when one has left', async () => {
    const gate = await Gate.open(scope(), { maxConnections: 3 }, transport);
    const [first] = [await gate.visit(), await gate.visit()];
    expect(gate.wss.stats().connections).toBe(2);
    expect(await gate.status()).toBe(101);
    const { response, inbox } = await gate.visit();
    expectRefusal(response, 503, 'Too many connections');
    expect(await inbox.rest()).toHaveLength(0);
    expect(gate.refused).toEqual({ maxConnections: 1 });
    await gate.leave(first);
    expect(await gate.statuses(2)).toEqual([101, 503]);
    expect(gate.accepted).toHaveLength(4);
  });

  test('holds with many clients at once that wait for authenticate', async () => {
    const authenticate = async () => ({});
    const gate = await Gate.open(scope(), { maxConnections: 5, authenticate }, transport);
    const statuses = await Promise.all(times(30, () => gate.status()));
    expect(sorted(statuses)).toEqual([...Array(5).fill(101), ...Array(25).fill(503)]);
    expect(gate.wss.stats()).toMatchObject({ connections: 5, pendingHandshakes: 0 });
    expect(gate.refused).toEqual({ maxConnections: 25 });
  });
});

describe('maxConnections', () => {
  test('counts without clientTracking too', async () => {
    const gate = await Gate.open(scope(), { maxConnections: 1, clientTracking: false });
    const visitor = await gate.visit();
    expect(await gate.status()).toBe(503);
    await gate.leave(visitor);
    expect(await gate.status()).toBe(101);
  });

  test.each([0, Infinity, undefined])('%p means no limit', async (maxConnections) => {
    const gate = await Gate.open(scope(), { maxConnections });
    expect(await gate.statuses(5)).toEqual(Array(5).fill(101));
  });

  test('is read at each handshake', async () => {
    const gate = await Gate.open(scope(), { maxConnections: 1 });
    expect(await gate.statuses(2)).toEqual([101, 503]);
    gate.wss.options.maxConnections = 2;
    expect(await gate.statuses(2)).toEqual([101, 503]);
  });

  test('does not count a client that was refused', async () => {
    const gate = await Gate.open(scope(), { maxConnections: 1, authenticate: () => false });
    expect(await gate.statuses(3)).toEqual([401, 401, 401]);
    expect(gate.refused).toEqual({ authenticate: 3 });
  });
});

describe('maxConnectionsPerAddress', () => {
  test('counts each IPv4 address for itself', async () => {
    const gate = await Gate.open(scope(), { maxConnectionsPerAddress: 2 });
    const first = await gate.visit();
    expect(await gate.status()).toBe(101);
    const { response } = await gate.visit();
    expectRefusal(response, 429, 'Too many connections from this address');
    expect(await gate.statuses(3, {}, '127.0.0.2')).toEqual([101, 101, 429]);
    await gate.leave(first);
    expect(await gate.statuses(2)).toEqual([101, 429]);
    expect(gate.refused).toEqual({ maxConnectionsPerAddress: 3 });
  });

  test('counts an IPv6 address', async () => {
    const gate = await Gate.open(scope(), { maxConnectionsPerAddress: 2 }, 'IPv6');
    expect(await gate.statuses(3)).toEqual([101, 101, 429]);
  });

  test('counts an IPv4-mapped address as IPv4', async () => {
    const gate = await Gate.open(scope(), { maxConnectionsPerAddress: 2, trustProxy: 1 });
    expect(await gate.status(forwardedFor('192.0.2.1'))).toBe(101);
    expect(await gate.status(forwardedFor('::ffff:192.0.2.1'))).toBe(101);
    expect(await gate.status(forwardedFor('::ffff:c000:201'))).toBe(429);
    expect(await gate.status(forwardedFor('::ffff:192.0.2.2'))).toBe(101);
  });

  test('counts the addresses of an IPv6 /64 as one', async () => {
    const gate = await Gate.open(scope(), { maxConnectionsPerAddress: 2, trustProxy: 1 });
    expect(await gate.status(forwardedFor('2001:db8:0:1::1'))).toBe(101);
    expect(await gate.status(forwardedFor('2001:db8:0:1:ffff::2'))).toBe(101);
    expect(await gate.status(forwardedFor('2001:db8:0:1:2::3'))).toBe(429);
    expect(await gate.status(forwardedFor('2001:db8:0:2::1'))).toBe(101);
  });

  test('does not apply on a Unix socket, which has no addresses', async () => {
    const options = { maxConnectionsPerAddress: 1, blockList: new BlockList() };
    const gate = await Gate.open(scope(), options, 'a Unix socket');
    expect(await gate.statuses(4)).toEqual(Array(4).fill(101));
  });

  test('applies on a Unix socket behind a proxy', async () => {
    const options = { maxConnectionsPerAddress: 1, trustProxy: 1 };
    const gate = await Gate.open(scope(), options, 'a Unix socket');
    expect(await gate.statuses(2, forwardedFor('192.0.2.1'))).toEqual([101, 429]);
  });

  test('holds with many clients at once that wait for authenticate', async () => {
    const options = { maxConnectionsPerAddress: 4, authenticate: async () => ({}) };
    const gate = await Gate.open(scope(), options);
    const from = (i: number) => `127.0.0.${1 + (i % 3)}`;
    const statuses = await Promise.all(times(30, (i) => gate.status({}, from(i))));
    expect(sorted(statuses)).toEqual([...Array(12).fill(101), ...Array(18).fill(429)]);
  });

  test('counts a handshake that waits, until it is refused', async () => {
    const answers: ((answer: unknown) => void)[] = [];
    const authenticate = () => new Promise((answer) => answers.push(answer));
    const gate = await Gate.open(scope(), { maxConnectionsPerAddress: 1, authenticate });
    const refused = await gate.send();
    await gate.pending(1);
    expect(await gate.status()).toBe(429);
    answers[0]?.(false);
    expect((await refused.inbox.message()).status).toBe(401);
    const accepted = await gate.send();
    await gate.pending(1);
    answers[1]?.({});
    expect((await accepted.inbox.message()).status).toBe(101);
    expect(await gate.status()).toBe(429);
  });

  test('does not count what is refused as malformed', async () => {
    const gate = await Gate.open(scope(), { maxConnectionsPerAddress: 1 });
    const malformed = { set: { 'Sec-WebSocket-Version': '8' } };
    expect(await gate.statuses(3, malformed)).toEqual([426, 426, 426]);
    expect(await gate.status()).toBe(101);
  });
});

describe('blockList', () => {
  test('is read at each handshake', async () => {
    const blockList = new BlockList();
    const gate = await Gate.open(scope(), { blockList });
    expect(await gate.status()).toBe(101);
    blockList.addSubnet('127.0.0.0', 31);
    const { response } = await gate.visit();
    expectRefusal(response, 403, 'This address is blocked');
    expect(await gate.status({}, '127.0.0.2')).toBe(101);
    expect(gate.refused).toEqual({ blockList: 1 });
  });

  test.each<[address: string, status: number]>([
    ['2001:db8::1', 403],
    ['2001:db9::1', 101],
    ['192.0.2.1', 403],
    ['::ffff:192.0.2.1', 403],
    ['192.0.3.1', 101],
    ['no address', 101],
  ])('compares %s with both families', async (address, status) => {
    const blockList = new BlockList();
    blockList.addSubnet('2001:db8::', 32, 'ipv6');
    blockList.addSubnet('192.0.2.0', 24);
    const gate = await Gate.open(scope(), { blockList, address: () => address });
    expect(await gate.status()).toBe(status);
  });

  test('comes before every other check', async () => {
    const blockList = new BlockList();
    blockList.addAddress('127.0.0.1');
    const gate = await Gate.open(scope(), {
      blockList,
      maxConnections: 1,
      origins: [],
      path: '/x',
    });
    expect(await gate.status(withFields(['Origin', 'http://a']))).toBe(403);
    expect(gate.refused).toEqual({ blockList: 1 });
  });
});

describe('maxPendingHandshakes', () => {
  test('refuses one more than may wait', async () => {
    const answers: ((answer: unknown) => void)[] = [];
    const authenticate = () => new Promise((answer) => answers.push(answer));
    const gate = await Gate.open(scope(), { maxPendingHandshakes: 2, authenticate });
    const waiting = [await gate.send(), await gate.send()];
    await gate.pending(2);
    const { response } = await gate.visit();
    expectRefusal(response, 503, 'Too many handshakes');
    expect(gate.refused).toEqual({ maxPendingHandshakes: 1 });
    answers[0]?.({});
    await gate.pending(1);
    const another = await gate.send();
    await gate.pending(2);
    for (const answer of answers) answer({});
    for (const { inbox } of [...waiting, another]) {
      expect((await inbox.message()).status).toBe(101);
    }
  });

  test('has no effect on checks that answer at once', async () => {
    const gate = await Gate.open(scope(), { maxPendingHandshakes: 1, authenticate: () => true });
    expect(await Promise.all(times(10, () => gate.status()))).toEqual(Array(10).fill(101));
  });
});

describe('handshakeRate', () => {
  test.each([
    ['handshakeRate', 503],
    ['handshakeRatePerAddress', 429],
  ])('%s accepts a burst, then an even rate', async (name, status) => {
    clock.stop();
    const gate = await Gate.open(scope(), { [name]: { perSecond: 0.4, burst: 3 } });
    expect(await gate.statuses(3)).toEqual([101, 101, 101]);
    const { response } = await gate.visit();
    expectRefusal(response, status, 'Too many handshakes');
    expect(response.all('retry-after')).toEqual(['3']);
    clock.advance(2499);
    const late = await gate.visit();
    expect(late.response.all('retry-after')).toEqual(['1']);
    clock.advance(1);
    expect(await gate.statuses(2)).toEqual([101, status]);
    clock.advance(60_000);
    expect(await gate.statuses(4)).toEqual([101, 101, 101, status]);
    expect(gate.refused).toEqual({ [name]: 4 });
  });

  test('per address leaves other addresses alone', async () => {
    clock.stop();
    const rate = { perSecond: 1, burst: 2 };
    const gate = await Gate.open(scope(), { handshakeRatePerAddress: rate, trustProxy: 1 });
    expect(await gate.statuses(3, forwardedFor('192.0.2.1'))).toEqual([101, 101, 429]);
    expect(await gate.statuses(3, forwardedFor('192.0.2.2'))).toEqual([101, 101, 429]);
    expect(await gate.statuses(1, forwardedFor('2001:db8::1'))).toEqual([101]);
    expect(await gate.statuses(2, forwardedFor('2001:db8::2'))).toEqual([101, 429]);
  });

  test('of one address takes nothing from the others', async () => {
    clock.stop();
    const gate = await Gate.open(scope(), {
      handshakeRate: { perSecond: 1, burst: 4 },
      handshakeRatePerAddress: { perSecond: 1, burst: 2 },
    });
    expect(await gate.statuses(10)).toEqual([101, 101, ...Array(8).fill(429)]);
    expect(await gate.statuses(3, {}, '127.0.0.2')).toEqual([101, 101, 429]);
    expect(await gate.status({}, '127.0.0.3')).toBe(503);
    expect(gate.refused).toEqual({ handshakeRate: 1, handshakeRatePerAddress: 9 });
  });

  test('in all applies on a Unix socket, per address does not', async () => {
    clock.stop();
    const rate = { perSecond: 1, burst: 1 };
    const perAddress = await Gate.open(scope(), { handshakeRatePerAddress: rate }, 'a Unix socket');
    expect(await perAddress.statuses(3)).toEqual([101, 101, 101]);
    const inAll = await Gate.open(scope(), { handshakeRate: rate }, 'a Unix socket');
    expect(await inAll.statuses(2)).toEqual([101, 503]);
  });

  test('holds with many clients at once', async () => {
    clock.stop();
    const gate = await Gate.open(scope(), { handshakeRate: { perSecond: 10, burst: 7 } });
    const statuses = await Promise.all(times(40, () => gate.status()));
    expect(sorted(statuses)).toEqual([...Array(7).fill(101), ...Array(33).fill(503)]);
  });
});

describe('handshakeTimeout', () => {
  const never = () => new Promise<never>(() => {});

  test.each<[string, object]>([
    ['authenticate', { authenticate: never }],
    ['verifyClient', { verifyClient: never }],
    ['verifyClient with a callback', { verifyClient: (_info: object, _callback: object) => {} }],
  ])('ends the wait for %s', async (_name, options) => {
    clock.stop();
    const gate = await Gate.open(scope(), { ...options, handshakeTimeout: 1000 });
    const { inbox } = await gate.send();
    await gate.pending(1);
    clock.advance(999);
    expect(gate.wss.stats().pendingHandshakes).toBe(1);
    clock.advance(1);
    expectRefusal(await inbox.message(), 503, 'The handshake took too long');
    expect(gate.wss.stats().pendingHandshakes).toBe(0);
    expect(gate.refused).toEqual({ handshakeTimeout: 1 });
  });

  test('is over all checks together', async () => {
    clock.stop();
    const steps: (() => void)[] = [];
    const step = () => new Promise<boolean>((go) => steps.push(() => go(true)));
    const options = { authenticate: step, verifyClient: step, handshakeTimeout: 1000 };
    const gate = await Gate.open(scope(), options);
    const { inbox } = await gate.send();
    await gate.pending(1);
    clock.advance(600);
    steps[0]?.();
    while (steps.length < 2) await new Promise((go) => setImmediate(go));
    clock.advance(399);
    expect(gate.wss.stats().pendingHandshakes).toBe(1);
    clock.advance(1);
    expect((await inbox.message()).status).toBe(503);
  });

  test('ignores an answer that comes too late, and reports an error that does', async () => {
    clock.stop();
    const ends: [(answer: unknown) => void, (error: Error) => void][] = [];
    const authenticate = () => new Promise((...both) => ends.push(both));
    const gate = await Gate.open(scope(), { authenticate, handshakeTimeout: 1000 });
    const visitors = [await gate.send(), await gate.send()];
    await gate.pending(2);
    clock.advance(1000);
    ends[0]?.[0]({});
    ends[1]?.[1](new Error('too late'));
    for (const { inbox } of visitors) expect((await inbox.message()).status).toBe(503);
    while (gate.errors.length === 0) await new Promise((go) => setImmediate(go));
    expect(gate.errors).toEqual(['too late']);
    expect(gate.accepted).toEqual([]);
  });

  test('ends the wait for shouldHandle, also of a server that shares its http server', async () => {
    clock.stop();
    const shared = new SharedServer(scope());
    for (const name of ['first', 'second']) {
      shared.add(name, { handshakeTimeout: 1000 }).shouldHandle = never;
    }
    const gate = await Gate.open(scope(), { handshakeTimeout: 1000 });
    gate.wss.shouldHandle = never;
    const asked = [shared.connect(upgradeRequest()), await gate.send()];
    await gate.pending(1);
    clock.advance(1000);
    for (const { inbox } of asked) expect((await inbox.message()).status).toBe(503);
  });

  test('leaves no timer behind', async () => {
    clock.stop();
    const authenticate = async ({ url }: IncomingMessage) => url === '/chat';
    const gate = await Gate.open(scope(), { authenticate, handshakeTimeout: 1000 });
    const { socket } = await gate.visit();
    const timers = clock.timerCount;
    expect(timers).toBe(0);
    socket.destroy();
  });
});
