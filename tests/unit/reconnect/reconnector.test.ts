/** The Reconnector: delays, attempts, `resume`, the end. Time is the test's. */

import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { HandshakeError } from '../../../src/handshake/errors.js';
import type { AttemptInfo, ReconnectOptions, ResumeInfo } from '../../../src/reconnect/options.js';
import type { Ending, Verdict } from '../../../src/reconnect/verdict.js';
import { useClock } from '../../support/clock.js';
import { FakeConnections, type FakeSocket, settle, watch } from '../../support/fake-connections.js';

const clock = useClock();

beforeEach(() => {
  clock.stop();
  clock.useRandom(() => 0.5);
});

const refused = (): Error => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

function make(options: ReconnectOptions<FakeSocket> = {}, url?: never) {
  const fake = new FakeConnections(options, url);
  const next = () => watch(fake.reconnector.next());
  return { fake, reconnector: fake.reconnector, next };
}

/** Opens the attempt in progress. */
async function open(fake: FakeConnections): Promise<FakeSocket> {
  await settle();
  const socket = fake.waiting[0]?.open();
  await settle();
  if (socket === undefined) throw new Error('no attempt is in progress');
  return socket;
}

async function refuse(fake: FakeConnections, error = refused()): Promise<void> {
  await settle();
  fake.waiting[0]?.refuse(error);
  await settle();
}

/** How long the reconnector waits before the next attempt, to the nearest 100 ms. */
async function delayOf(fake: FakeConnections): Promise<number> {
  for (let waited = 0; waited <= 120_000; waited += 100) {
    await settle();
    if (fake.waiting.length > 0) return waited;
    clock.advance(100);
  }
  throw new Error('no attempt came');
}

describe('delays', () => {
  test('the first is short, later ones grow up to the longest', async () => {
    const { fake, next } = make({ backoff: { first: 1000, base: 2000, factor: 2, max: 10_000 } });
    next();
    const delays: number[] = [];
    for (let i = 0; i < 5; i++) {
      await refuse(fake);
      delays.push(await delayOf(fake));
    }
    expect(delays).toEqual([500, 3000, 5000, 9000, 9000]);
  });

  test('a connection that lasted minUptime begins them anew', async () => {
    const { fake, next } = make({ backoff: { first: 1000 }, minUptime: 5000 });
    next();
    await refuse(fake);
    await delayOf(fake);
    const socket = await open(fake);
    clock.advance(5000);
    socket.end();
    next();
    expect(await delayOf(fake)).toBe(500);
  });

  test('connections that do not last keep the delays growing', async () => {
    const { fake, next } = make({ backoff: { first: 1000, base: 2000, factor: 2, max: 60_000 } });
    const delays: number[] = [];
    next();
    for (let i = 0; i < 3; i++) {
      const socket = await open(fake);
      clock.advance(4999);
      socket.end();
      next();
      delays.push(await delayOf(fake));
    }
    expect(delays).toEqual([500, 3000, 5000]);
  });

  test('Retry-After is the earliest time, and is spread', async () => {
    const { fake, next } = make({ backoff: { first: 1000 } });
    next();
    const error = new HandshakeError('UNEXPECTED_RESPONSE', 503, '503', {
      headers: { 'retry-after': '7' },
      body: Buffer.alloc(0),
      retryAfter: 7000,
    });
    await refuse(fake, error);
    expect(await delayOf(fake)).toBe(7500);
  });

  test('retry-after in the reason of a Close is the earliest time', async () => {
    const { fake, next } = make({ backoff: { first: 1000 } });
    next();
    (await open(fake)).endWith(1012, 'deploy; retry-after=17.3');
    next();
    expect(await delayOf(fake)).toBe(17_800);
  });

  test('after sleep of the machine the next attempt comes at once', async () => {
    const { fake, next } = make({ backoff: { first: 60_000 } });
    next();
    await refuse(fake);
    clock.sleep(3_600_000);
    expect(await delayOf(fake)).toBe(5000);
  });

  test('a short retry-after does not end the growth', async () => {
    const { fake, next } = make({ backoff: { first: 1000, base: 2000, factor: 2, max: 60_000 } });
    const delays: number[] = [];
    next();
    for (let i = 0; i < 3; i++) {
      (await open(fake)).endWith(1012, 'retry-after=0.1');
      next();
      delays.push(await delayOf(fake));
    }
    expect(delays).toEqual([200, 3000, 5000]); // 150
  });

  test('a delay of classify is taken as it is', async () => {
    const { fake, next } = make({ classify: () => ({ after: 200 }) });
    next();
    for (let i = 0; i < 3; i++) {
      await refuse(fake);
      expect(await delayOf(fake)).toBe(200);
    }
  });

  test('the loss of a connection that lasted is no attempt', async () => {
    const { fake, next } = make({ maxAttempts: 1, minUptime: 1000 });
    next();
    const socket = await open(fake);
    clock.advance(1000);
    socket.end();
    const outcome = next();
    await delayOf(fake);
    expect(outcome.state).toBe('pending');
    await refuse(fake);
    expect(outcome.state).toBe('rejected');
  });

  test('maxAttempts ends them with the last error', async () => {
    const { fake, next } = make({ maxAttempts: 2 });
    const outcome = next();
    await refuse(fake);
    await delayOf(fake);
    const last = refused();
    await refuse(fake, last);
    expect(outcome).toEqual({ state: 'rejected', error: last });
    expect(clock.timerCount).toBe(0);
  });
});

describe('what an attempt connects to', () => {
  test('functions are called once for each attempt, and told of it', async () => {
    const calls: [string, AttemptInfo][] = [];
    const note =
      <T>(name: string, value: T) =>
      (info: AttemptInfo): T => {
        calls.push([name, info]);
        return value;
      };
    const fake = new FakeConnections(
      {
        protocols: note('protocols', ['chat']),
        headers: async (info) => note('headers', { Cookie: 'a=b' })(info),
        token: note('token', 'abc.def'),
      },
      note('url', 'ws://server.example.com/x'),
    );
    watch(fake.reconnector.next());
    const error = refused();
    await refuse(fake, error);
    await delayOf(fake);
    const headers = { Cookie: 'a=b', Authorization: 'Bearer abc.def' };
    const plan = { url: 'ws://server.example.com/x', protocols: ['chat'], headers };
    expect(fake.plans).toEqual([plan, plan]);
    expect(calls.map(([name]) => name).sort()).toEqual(
      ['headers', 'headers', 'protocols', 'protocols', 'token', 'token', 'url', 'url'].sort(),
    );
    expect(calls.map(([, { attempt }]) => attempt)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect(calls.at(-1)?.[1].last).toEqual({ during: 'connect', error });
  });

  test.each<[string, () => never | Promise<never>]>([
    ['throws', () => expectError()],
    ['rejects', () => Promise.reject(new Error('no token'))],
  ])('a function that %s fails the attempt', async (_, token) => {
    const endings: Ending[] = [];
    const classify = (ending: Ending, suggested: Verdict): Verdict => {
      endings.push(ending);
      return suggested;
    };
    let calls = 0;
    const { fake, next } = make({ classify, token: () => (++calls === 1 ? token() : 'ok') });
    next();
    await delayOf(fake);
    expect(endings).toEqual([{ during: 'prepare', error: new Error('no token') }]);
    expect(fake.plans).toHaveLength(1);
  });

  test('a function that does not end fails the attempt after connectTimeout', async () => {
    const never = new Promise<string>(() => {});
    const outcome = make({ token: () => never, connectTimeout: 300, maxAttempts: 1 }).next();
    await settle();
    clock.advance(300);
    await settle();
    expect(outcome.error).toMatchObject({
      code: 'WS_ERR_ATTEMPT_TIMEOUT',
      message: expect.stringContaining('300 ms'),
    });
  });

  test('a token with other characters is not sent, and not in the message', async () => {
    const outcome = make({ token: 'abc\r\nX-Evil: secret' }).next();
    await settle();
    expect(outcome.state).toBe('rejected');
    expect(outcome.error).toBeInstanceOf(TypeError);
    expect(outcome.error?.message).not.toContain('secret');
  });
});

const expectError = (): never => {
  throw new Error('no token');
};

describe('resume', () => {
  test('is called before the connection is given, and told of the gap', async () => {
    const infos: ResumeInfo[] = [];
    let finish: () => void = () => {};
    const resume = (_: FakeSocket, info: ResumeInfo): Promise<void> => {
      infos.push(info);
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const { fake, reconnector, next } = make({ resume, backoff: { first: 1000 } });
    const outcome = next();
    const socket = await open(fake);
    expect([outcome.state, reconnector.state]).toEqual(['pending', 'RESUMING']);
    finish();
    await settle();
    expect([outcome.value === socket, reconnector.state]).toEqual([true, 'OPEN']);
    clock.advance(6000);
    socket.end();
    next();
    await delayOf(fake);
    await open(fake);
    expect(infos).toEqual([
      { attempt: 1, downtime: 0, last: undefined },
      { attempt: 1, downtime: 500, last: await socket.closed },
    ]);
  });

  test.each<[string, number[], ReconnectOptions<FakeSocket>['resume']]>([
    ['throws', [1000], () => expectError()],
    ['rejects', [1000], () => Promise.reject(new Error('no token'))],
    ['does not end', [], () => new Promise(() => {})], // terminated
  ])('if it %s, the connection is closed and the attempt has failed', async (_, codes, resume) => {
    const { fake, next } = make({ resume, connectTimeout: 100 });
    const outcome = next();
    const socket = await open(fake);
    if (!socket.isClosed) clock.advance(100);
    await settle();
    expect([socket.isClosed, socket.closedWith]).toEqual([true, codes]);
    expect(outcome.state).toBe('pending');
    expect(await delayOf(fake)).toBe(2500);
  });

  test('a Close meanwhile is judged by its code', async () => {
    const { fake, next } = make({ resume: () => new Promise(() => {}) });
    const outcome = next();
    (await open(fake)).endWith(1008, 'who are you?');
    await settle();
    expect(outcome.error).toMatchObject({ code: 'WS_ERR_CLOSED', closeCode: 1008 });
    expect(clock.timerCount).toBe(0);
  });
});

test('neither resume nor a function of the options is called after the end', async () => {
  const calls: string[] = [];
  const { fake, reconnector, next } = make({
    resume: () => calls.push('resume'),
    token: () => void calls.push('token'),
  });
  next();
  await settle();
  fake.waiting[0]?.open();
  void reconnector.end();
  await settle();
  expect(calls).toEqual(['token']);
  expect(fake.open).toEqual([]);
});

describe('the end', () => {
  test('a Close with 1000 of the peer ends it without an error', async () => {
    const { fake, reconnector, next } = make();
    next();
    (await open(fake)).endWith(1000);
    const outcome = next();
    await settle();
    expect(outcome).toEqual({ state: 'resolved', value: undefined });
    expect(reconnector.state).toBe('ENDED');
  });

  test('an ending that is fatal is thrown once', async () => {
    const { fake, next } = make();
    next();
    (await open(fake)).endWith(4001, 'banned');
    const outcome = next();
    await settle();
    expect(outcome.error).toMatchObject({ closeCode: 4001, reason: 'banned' });
    const after = next();
    await settle();
    expect(after).toEqual({ state: 'resolved', value: undefined });
  });

  test.each<[Verdict, string]>([
    ['retry', 'pending'],
    ['fatal', 'rejected'],
    [{ after: 50 }, 'pending'],
  ])('classify may say %j', async (verdict, state) => {
    const { fake, next } = make({ classify: () => verdict });
    next();
    (await open(fake)).endWith(4001);
    const outcome = next();
    await settle();
    expect(outcome.state).toBe(state);
  });

  test.each([undefined, 'Retry', { after: Number.NaN }, { after: -1 }, 7])(
    'classify must not say %j',
    async (verdict) => {
      const outcome = make({ classify: () => verdict as Verdict, token: expectError }).next();
      await settle();
      expect(outcome.error).toBeInstanceOf(TypeError);
      expect(outcome.error?.message).toMatch(/^classify\(\) must return/);
    },
  );

  test('a connection that is open is closed before the next one is made', async () => {
    const { fake, next } = make({ backoff: { first: 100 } });
    next();
    const socket = await open(fake);
    next();
    await settle();
    expect([socket.closedWith, fake.waiting.length]).toEqual([[1000], 0]);
    expect(await delayOf(fake)).toBe(100); // 50
  });
});

/** Brings a reconnector into a state. */
const STATES: Record<string, (it: ReturnType<typeof make>) => Promise<void>> = {
  IDLE: async () => {},
  WAITING: ({ fake }) => refuse(fake),
  CONNECTING: settle,
  RESUMING: async ({ fake }) => void (await open(fake)),
  OPEN: async ({ fake }) => void (await open(fake)),
};

describe.each(Object.keys(STATES))('in the state %s', (state) => {
  async function bring(options: ReconnectOptions<FakeSocket>) {
    const isResuming = state === 'RESUMING';
    const it = make({
      ...options,
      resume: isResuming ? () => new Promise<void>(() => {}) : undefined,
    });
    const outcome = state === 'IDLE' ? undefined : it.next();
    await STATES[state]?.(it);
    expect(it.reconnector.state).toBe(state);
    return { ...it, outcome };
  }

  test('the signal ends it, with one AbortError, and leaves nothing', async () => {
    const controller = new AbortController();
    const { fake, outcome, next } = await bring({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await settle();
    const last = outcome?.state === 'pending' || outcome?.state === 'rejected' ? outcome : next();
    await settle();
    expect(last.error).toMatchObject({ name: 'AbortError', cause: new Error('enough') });
    const after = next();
    await settle();
    expect(after.state).toBe('resolved');
    expect([fake.open, fake.waiting, clock.timerCount]).toEqual([[], [], 0]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('end() ends it without an error, and leaves nothing', async () => {
    const controller = new AbortController();
    const { fake, outcome, reconnector, next } = await bring({ signal: controller.signal });
    await reconnector.end();
    await settle();
    expect(outcome?.state).not.toBe('rejected');
    const after = next();
    await settle();
    expect(after).toEqual({ state: 'resolved', value: undefined });
    expect([fake.open, fake.waiting, clock.timerCount]).toEqual([[], [], 0]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    expect(reconnector.state).toBe('ENDED');
  });
});
