/** Random operations on a Reconnector, beside a model that knows only the rules. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ReconnectorState } from '../../../src/reconnect/reconnector.js';
import { useClock } from '../../support/clock.js';
import {
  FakeConnections,
  type FakeSocket,
  type Outcome,
  settle,
  watch,
} from '../../support/fake-connections.js';
import { SeededRandom } from '../../support/random.js';

const STEPS = 60;
const SEEDS = 60;
const MAX_DELAY = 10_000;
const MAX_RETRY_AFTER = 4000;

const clock = useClock();

beforeEach(() => clock.stop());

/** What may follow a state. */
const NEXT: Record<ReconnectorState, readonly ReconnectorState[]> = {
  IDLE: ['CONNECTING', 'ENDED'],
  CONNECTING: ['RESUMING', 'OPEN', 'WAITING', 'CONNECTING', 'ENDED'],
  RESUMING: ['OPEN', 'WAITING', 'CONNECTING', 'ENDED'],
  OPEN: ['WAITING', 'CONNECTING', 'ENDED'],
  WAITING: ['CONNECTING', 'ENDED'],
  ENDED: [],
};

const FATAL = [1000, 1002, 1008, 4001];
const RETRIED = [1001, 1005, 1011, 1012, 1013, 3001];

/** One run. */
class Run {
  private readonly random: SeededRandom;
  private readonly controller = new AbortController();
  private readonly fake: FakeConnections;
  private resume: { resolve(): void; reject(error: Error): void } | undefined;
  private outcome: Outcome<FakeSocket | undefined> = { state: 'resolved' };
  private state: ReconnectorState = 'IDLE';
  private hasEnded = false;
  private waitedSince = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    clock.useRandom(() => this.random.next());
    this.fake = new FakeConnections({
      signal: this.controller.signal,
      backoff: { first: 1000, base: 1000, factor: 2, max: MAX_DELAY },
      connectTimeout: 0,
      resume: () =>
        new Promise<void>((resolve, reject) => {
          this.resume = { resolve, reject };
        }),
    });
  }

  async start(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      this.random.pick(this.operations())();
      await settle();
      this.check();
      if (this.outcome.state === 'pending') continue;
      this.outcome = watch(this.fake.reconnector.next());
      await settle();
      this.check();
    }
    await this.fake.reconnector.end();
    await settle();
    expect(clock.timerCount).toBe(0);
    expect([this.fake.open, this.fake.waiting]).toEqual([[], []]);
  }

  /** What may happen now. */
  private operations(): (() => void)[] {
    const { fake, random } = this;
    const [attempt] = fake.waiting;
    const [socket] = fake.open;
    const error = (code: string): Error => Object.assign(new Error(code), { code });
    return [
      () => clock.advance(random.integer(0, 3000)),
      () => clock.sleep(random.integer(0, 100_000)),
      ...(attempt
        ? [
            () => void attempt.open(),
            () => attempt.refuse(error(random.pick(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND']))),
          ]
        : []),
      ...(socket
        ? [
            () => socket.end(),
            () => socket.endWith(random.pick(RETRIED)),
            () => socket.endWith(1012, `retry-after=${random.integer(0, MAX_RETRY_AFTER / 1000)}`),
            () => this.resume?.resolve(),
            () => this.resume?.reject(new Error('resume')),
          ]
        : []),
      ...(random.next() < 0.02 ? [this.abort, ...(socket ? [this.endFatally] : [])] : []),
    ];
  }

  private readonly abort = (): void => {
    this.controller.abort();
    this.hasEnded = true;
  };

  private readonly endFatally = (): void => {
    this.fake.open[0]?.endWith(this.random.pick(FATAL));
    this.hasEnded = true;
  };

  private check(): void {
    const { fake, outcome, state } = this;
    const now = fake.reconnector.state;
    expect(fake.open.length + fake.waiting.length).toBeLessThanOrEqual(1);
    if (outcome.state === 'resolved' && outcome.value !== undefined) {
      expect(['OPEN', 'ENDED']).toContain(now);
    }
    if (now !== state) expect(reachable(state)).toContain(now);
    if (this.hasEnded && outcome.state !== 'pending') expect(now).toBe('ENDED');
    if (now === 'ENDED') expect([fake.waiting, clock.timerCount]).toEqual([[], 0]);
    this.checkWait(now);
    this.state = now;
  }

  /** A wait is never longer than the longest delay, and its end is an attempt. */
  private checkWait(now: ReconnectorState): void {
    const time = clock.elapsed;
    if (now !== 'WAITING' || this.state !== 'WAITING') this.waitedSince = time;
    const longest = Math.max(MAX_DELAY, 2 * MAX_RETRY_AFTER) + 3000; // one step of the clock
    expect(time - this.waitedSince).toBeLessThanOrEqual(longest);
  }
}

/** Several steps may happen between two looks. */
function reachable(state: ReconnectorState): Set<ReconnectorState> {
  const found = new Set<ReconnectorState>();
  const visit = (from: ReconnectorState): void => {
    for (const to of NEXT[from]) {
      if (found.has(to)) continue;
      found.add(to);
      visit(to);
    }
  };
  visit(state);
  return found;
}

describe('whatever happens', () => {
  test(`there is one attempt or connection at most (${SEEDS} seeds)`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        await new Run(seed).start();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
      clock.release();
      clock.stop();
    }
  }, 20_000);
});
