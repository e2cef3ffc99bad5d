/** Shutdown: who is closed when, what each Close says, and what the report counts. */

import { describe, expect, jest, test } from '@jest/globals';
import { Shutdown, type ShutdownHost } from '../../../src/server/shutdown.js';
import {
  checkShutdownOptions,
  type ShutdownOptions,
  type ShutdownProgress,
} from '../../../src/server/shutdown-options.js';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { SeededRandom } from '../../support/random.js';

const clock = useClock();

/** A connection that ends when the test says so, or at once. */
class Client {
  readonly index: number;
  closedAt: number | undefined;
  reason = '';
  private readonly host: Host;

  constructor(host: Host, index: number) {
    this.host = host;
    this.index = index;
  }

  close(code: number, reason: string): void {
    clock.block(this.host.costOfClose);
    this.closedAt = this.host.now();
    this.reason = `${code} ${reason}`.trim();
    this.host.order.push(this.index);
    if (this.host.answersClose) this.end(true);
  }

  terminate(): void {
    this.end(false);
  }

  end(wasClean: boolean): void {
    this.host.endClient(this, wasClean);
  }
}

class Host implements ShutdownHost {
  readonly clients = new Set<Client>();
  readonly order: number[] = [];
  readonly progress: ShutdownProgress[] = [];
  answersClose = true;
  costOfClose = 0;
  /** Whether the http server has no other connections. */
  endsAtOnce = true;
  isEnded = false;
  refused = 0;
  refusesAt: number | undefined;
  dropsHandshakes = false;
  shutdown: Shutdown | undefined;
  private elapsed = 0;
  onEnded: (() => void) | undefined;

  constructor(count: number) {
    clock.stop();
    const random = new SeededRandom(7);
    clock.useRandom(() => random.next());
    for (let i = 0; i < count; i++) this.clients.add(new Client(this, i));
  }

  now(): number {
    return this.elapsed;
  }

  start(options: ShutdownOptions): Shutdown {
    this.shutdown = new Shutdown(this, options);
    this.shutdown.start();
    return this.shutdown;
  }

  advance(milliseconds: number, step = milliseconds): void {
    for (let passed = 0; passed < milliseconds; passed += step) {
      this.elapsed += step;
      clock.advance(step);
    }
  }

  refuse(): void {
    this.refusesAt = this.elapsed;
  }

  close(client: Client, code: number, reason: string): void {
    client.close(code, reason);
  }

  drop(client: Client): void {
    client.terminate();
  }

  end(onEnded: () => void): void {
    this.isEnded = true;
    this.onEnded = onEnded;
    if (this.endsAtOnce) onEnded();
  }

  dropHandshakes(): void {
    this.dropsHandshakes = true;
  }

  endClient(client: Client, wasClean: boolean): void {
    if (!this.clients.delete(client)) return;
    this.shutdown?.countEnd(client, wasClean);
  }
}

describe('a shutdown', () => {
  test('closes every connection at once by default, with 1001', async () => {
    const host = new Host(3);
    const clients = [...host.clients];
    const report = await host.start({}).done;
    expect(report).toEqual({ closed: 3, clean: 3, terminated: 0, refused: 0, ms: 0 });
    expect(clients.map(({ reason }) => reason)).toEqual(['1001', '1001', '1001']);
    expect(clock.timerCount).toBe(0);
  });

  test('of no connections is done at once', async () => {
    expect((await new Host(0).start({ spread: 1000 }).done).closed).toBe(0);
  });

  test('spreads 1,000 connections evenly over ten seconds, in random order', () => {
    const host = new Host(1000);
    host.start({ spread: 10_000 });
    const perSecond: number[] = [];
    for (let second = 0; second < 10; second++) {
      const before = host.order.length;
      host.advance(1000, 10);
      perSecond.push(host.order.length - before);
    }
    expect(host.order).toHaveLength(1000);
    for (const count of perSecond) expect(Math.abs(count - 100)).toBeLessThanOrEqual(5);
    const inOrder = host.order.filter((index, i) => index > (host.order[i - 1] ?? -1)).length;
    expect(Math.abs(inOrder - 500)).toBeLessThan(60);
  });

  test('accepts clients during lameDuck, and closes nothing', () => {
    const host = new Host(2);
    const shutdown = host.start({ lameDuck: 5000 });
    host.advance(4999);
    expect([shutdown.isAccepting, host.refusesAt, host.order]).toEqual([true, undefined, []]);
    host.advance(1);
    expect([shutdown.isAccepting, host.refusesAt, host.order.length]).toEqual([false, 5000, 2]);
  });

  test('drops the connections that are left at the deadline', async () => {
    const host = new Host(4);
    host.answersClose = false;
    const { done } = host.start({ timeout: 1000 });
    const [first] = [...host.clients];
    host.advance(999);
    first?.end(true);
    expect(host.clients.size).toBe(3);
    host.advance(1);
    const report = await done;
    expect(report).toEqual({ closed: 4, clean: 1, terminated: 3, refused: 0, ms: 1000 });
    expect(host.dropsHandshakes).toBe(true);
  });

  test('drops those that were not closed yet when the deadline is before the end of spread', async () => {
    const host = new Host(10);
    const { done } = host.start({ spread: 10_000, timeout: 4500 });
    host.advance(4400, 100);
    host.answersClose = false;
    host.advance(100);
    const { clean, terminated } = await done;
    expect([clean, terminated, host.order.length]).toEqual([5, 5, 10]);
  });

  test('never works for more than a few milliseconds in a row', () => {
    const host = new Host(100_000);
    host.costOfClose = 0.01;
    host.start({});
    expect(host.order.length).toBeLessThan(600);
    let turns = 0;
    while (host.clients.size > 0 && turns++ < 1000) {
      const before = host.order.length;
      host.advance(1);
      expect(host.order.length - before).toBeLessThan(600);
    }
    expect(host.order).toHaveLength(100_000);
  });

  test('drops as slowly as it closes', async () => {
    const host = new Host(2000);
    host.answersClose = false;
    for (const client of host.clients) {
      client.terminate = () => {
        clock.block(0.01);
        client.end(false);
      };
    }
    const { done } = host.start({ timeout: 0 });
    expect(host.clients.size).toBeGreaterThan(1400);
    for (let turn = 0; turn < 40; turn++) host.advance(1);
    expect((await done).terminated).toBe(2000);
  });

  test('skips connections that ended before their turn', () => {
    const host = new Host(3);
    const [, , last] = [...host.clients];
    host.start({ spread: 3000, lameDuck: 10 });
    last?.end(true);
    host.advance(5000, 100);
    expect(host.order.sort()).toEqual([0, 1]);
  });
});

describe('a second call', () => {
  test('with shorter times hardens the shutdown', async () => {
    const host = new Host(10);
    const shutdown = host.start({ lameDuck: 60_000, spread: 60_000, timeout: 300_000 });
    host.advance(10);
    shutdown.harden({ lameDuck: 0, spread: 0 });
    expect(host.order).toHaveLength(10);
    expect((await shutdown.done).clean).toBe(10);
  });

  test('with longer times or none changes nothing', () => {
    const host = new Host(10);
    host.answersClose = false;
    const shutdown = host.start({ spread: 1000, timeout: 2000 });
    host.advance(100);
    shutdown.harden({});
    shutdown.harden({ lameDuck: 1000, spread: 10_000, timeout: 10_000 });
    expect(host.order.length).toBeLessThan(3);
    host.advance(900, 10);
    expect(host.order).toHaveLength(10);
    host.advance(1000);
    expect(host.clients.size).toBe(0);
  });

  test('spreads what is left over its own period', () => {
    const host = new Host(100);
    const shutdown = host.start({ spread: 100_000, timeout: 300_000 });
    host.advance(49_990, 10);
    expect(host.order).toHaveLength(50);
    shutdown.harden({ spread: 500 });
    host.advance(250, 10);
    expect(Math.abs(host.order.length - 75)).toBeLessThan(3);
    host.advance(250, 10);
    expect(host.order).toHaveLength(100);
  });

  test('with timeout 0 drops everything', async () => {
    const host = new Host(5);
    host.answersClose = false;
    const shutdown = host.start({});
    shutdown.harden({ timeout: 0 });
    expect((await shutdown.done).terminated).toBe(5);
  });

  test('may come from a listener while connections are closed', async () => {
    const host = new Host(5);
    const [first] = [...host.clients];
    const { done } = host.start({ lameDuck: 10 });
    host.answersClose = false;
    if (first !== undefined) first.close = () => host.shutdown?.harden({ timeout: 0 });
    host.advance(10);
    host.advance(1);
    expect((await done).terminated).toBe(5);
  });
});

describe('the end of a shutdown', () => {
  test('waits for the other connections of the http server, until the deadline', async () => {
    const host = new Host(1);
    host.endsAtOnce = false;
    const { done } = host.start({ timeout: 5000 });
    await until(() => host.isEnded, 'the end of the server');
    host.advance(4999);
    expect(host.dropsHandshakes).toBe(false);
    host.advance(1);
    expect(host.dropsHandshakes).toBe(true);
    host.onEnded?.();
    expect(await done).toEqual({ closed: 1, clean: 1, terminated: 0, refused: 0, ms: 5000 });
    expect(clock.timerCount).toBe(0);
  });

  test('comes a second after the deadline, although a connection has not ended', async () => {
    const host = new Host(2);
    const [first] = [...host.clients];
    host.answersClose = false;
    if (first !== undefined) first.terminate = () => {};
    const { done } = host.start({ timeout: 5000 });
    host.advance(6000);
    expect(await done).toEqual({ closed: 1, clean: 0, terminated: 1, refused: 0, ms: 6000 });
    expect([host.isEnded, clock.timerCount]).toEqual([true, 0]);
  });

  test('comes early when every connection has ended', async () => {
    const host = new Host(10);
    const { done } = host.start({ spread: 10_000 });
    for (const client of [...host.clients]) client.end(true);
    expect((await done).ms).toBe(0);
    expect(clock.timerCount).toBe(0);
  });

  test('a listener that throws does not stop the others from being closed', () => {
    const host = new Host(3);
    for (const client of [...host.clients].slice(0, 2)) {
      client.close = () => {
        host.endClient(client, true);
        throw new Error('of a listener');
      };
    }
    const errors: unknown[] = [];
    const attempt = (step: () => void) => {
      try {
        step();
      } catch (error) {
        errors.push(error);
      }
    };
    attempt(() => host.start({}));
    for (let turn = 0; turn < 3; turn++) attempt(() => host.advance(1));
    expect(errors).toHaveLength(2);
    expect(host.clients.size).toBe(0);
  });
});

describe('the signal', () => {
  test('drops the rest when it is aborted', async () => {
    const host = new Host(5);
    host.answersClose = false;
    const abort = new AbortController();
    const { done } = host.start({ signal: abort.signal });
    abort.abort();
    expect((await done).terminated).toBe(5);
  });

  test('that is aborted already drops everything at once', async () => {
    const host = new Host(5);
    host.answersClose = false;
    expect((await host.start({ signal: AbortSignal.abort(), lameDuck: 1000 }).done).closed).toBe(5);
  });
});

describe('retryAfter', () => {
  const reasonsOf = (options: ShutdownOptions): string[] => {
    const host = new Host(200);
    const clients = [...host.clients];
    host.start(options);
    return clients.map(({ reason }) => reason);
  };

  test('stands in each Close, behind the reason', () => {
    expect(new Set(reasonsOf({ retryAfter: 5, code: 1012 }))).toEqual(
      new Set(['1012 retry-after=5.0']),
    );
    expect(new Set(reasonsOf({ retryAfter: 2, reason: 'deploy' }))).toEqual(
      new Set(['1001 deploy; retry-after=2.0']),
    );
  });

  test('is drawn for each connection from a range', () => {
    const delays = reasonsOf({ retryAfter: [10, 30] }).map((reason) =>
      Number(reason.split('=')[1]),
    );
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...delays)).toBeLessThanOrEqual(30);
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(Math.abs(mean - 20)).toBeLessThan(2);
  });
});

describe('onProgress', () => {
  test('hears once in a turn how many connections are open and closed', async () => {
    const host = new Host(4);
    const seen: ShutdownProgress[] = [];
    host.answersClose = false;
    const { done } = host.start({ onProgress: (progress) => seen.push(progress), timeout: 1000 });
    const [first, second] = [...host.clients];
    await turns();
    first?.end(true);
    second?.end(true);
    await turns();
    host.advance(1000);
    await done;
    expect(seen).toEqual([
      { open: 4, closed: 0, terminated: 0, ms: 0 },
      { open: 2, closed: 2, terminated: 0, ms: 0 },
      { open: 0, closed: 4, terminated: 2, ms: 1000 },
    ]);
  });

  test('may fail: that is a process warning', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const fail = () => {
      throw new Error('no space left');
    };
    expect((await new Host(1).start({ onProgress: fail }).done).clean).toBe(1);
    expect(String(warn.mock.calls[0]?.[0])).toContain('no space left');
    warn.mockRestore();
  });
});

describe('checkShutdownOptions', () => {
  test.each<[string, unknown, RegExp]>([
    ['no object', 5, /must be an object/],
    ['a code that may not be sent', { code: 1006 }, /must be a close code, such as 1012: 1006/],
    ['a negative time', { lameDuck: -1 }, /lameDuck must be a number of milliseconds: -1/],
    ['a time in words', { spread: '10s' }, /spread must be a number of milliseconds/],
    ['a negative delay', { retryAfter: -1 }, /retryAfter/],
    ['a range the wrong way round', { retryAfter: [5, 1] }, /retryAfter/],
    ['a range of three', { retryAfter: [1, 2, 3] }, /retryAfter/],
    ['a reason that is too long', { reason: 'x'.repeat(124) }, /at most 123 bytes/],
    ['a reason too long with the delay', { reason: 'x'.repeat(110), retryAfter: [1, 10] }, /123/],
    ['a reason that is no string', { reason: 5 }, /must be a string/],
    ['a signal that is none', { signal: new AbortController() }, /must be an AbortSignal/],
    ['a callback that is none', { onProgress: true }, /onProgress must be a function/],
    ['a code that is no number', { code: '1001' }, /must be a close code/],
    ['a delay in words', { retryAfter: '5 s' }, /a number of seconds, or a range/],
  ])('refuses %s', (_, options, message) => {
    expect(() => checkShutdownOptions(options as ShutdownOptions)).toThrow(message);
  });

  test('accepts the signal of an AbortController, and numbers of environment variables', () => {
    const { signal } = new AbortController();
    const options = { signal, timeout: '5000', lameDuck: null } as unknown as ShutdownOptions;
    expect(() => checkShutdownOptions(options)).not.toThrow();
  });

  test('warns of an unknown option', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    checkShutdownOptions({ lameduck: 5 } as ShutdownOptions);
    expect(String(warn.mock.calls[0]?.[0])).toContain('did you mean lameDuck?');
    warn.mockRestore();
  });

  test('accepts each option at its edge', () => {
    expect(() =>
      checkShutdownOptions({
        code: 4999,
        reason: 'x'.repeat(105),
        lameDuck: 0,
        spread: 2 ** 31 - 1,
        timeout: 0,
        retryAfter: [0, 30],
      }),
    ).not.toThrow();
  });
});
