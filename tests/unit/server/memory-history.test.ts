/** The history of topics in memory: offsets, repetitions, limits, and `since` beside an array. */

import { describe, expect, test } from '@jest/globals';
import type { TopicPosition } from '../../../src/server/broker.js';
import { MemoryHistory } from '../../../src/server/memory-history.js';
import { useClock } from '../../support/clock.js';
import { SeededRandom } from '../../support/random.js';

const clock = useClock();

const LIMITS = { size: 3, ttl: 60_000 };
const SWEEP_INTERVAL = 10_000;

/** A history with the messages 1, 2, 3… of the topic `a`. */
function historyOf(count: number, limits = LIMITS) {
  const history = new MemoryHistory<string>();
  for (let i = 1; i <= count; i++) history.append('a', `${i}`, limits);
  return history;
}

test('messages are numbered from 1, for each topic', () => {
  const history = historyOf(2);
  const { epoch } = history.position('a');
  expect(history.append('b', 'x', LIMITS).position).toMatchObject({ offset: 1 });
  expect(history.append('a', '3', LIMITS).position).toEqual({ epoch, offset: 3 });
  expect(history.position('a')).toEqual({ epoch, offset: 3 });
  expect(history.position('b').epoch).not.toBe(epoch);
});

test('the position before the first message leads to it', () => {
  const history = new MemoryHistory<string>();
  const before = history.position('a');
  expect(before.offset).toBe(0);
  history.append('a', '1', LIMITS);
  expect(history.since('a', before)).toMatchObject({ complete: true, messages: [{ data: '1' }] });
});

describe('since, of five messages of which three are kept', () => {
  const rows: [string, number, string[] | undefined][] = [
    ['the newest', 5, []],
    ['the one before', 4, ['5']],
    ['the oldest range that is kept', 2, ['3', '4', '5']],
    ['a range of which one is gone', 1, undefined],
    ['the beginning', 0, undefined],
    ['one that does not exist yet', 6, undefined],
    ['a negative one', -1, undefined],
    ['NaN', Number.NaN, undefined],
  ];

  test.each(rows)('%s', (_, offset, expected) => {
    const history = historyOf(5);
    const { epoch } = history.position('a');
    const { complete, messages, position } = history.since('a', { epoch, offset });
    expect(complete).toBe(expected !== undefined);
    expect(messages.map(({ data }) => data)).toEqual(expected ?? []);
    expect(messages.map((message) => message.offset)).toEqual((expected ?? []).map(Number));
    expect(position).toEqual({ epoch, offset: 5 });
  });

  test('of another epoch', () => {
    const found = historyOf(5).since('a', { epoch: 'other', offset: 5 });
    expect(found).toMatchObject({ complete: false, messages: [], position: { offset: 5 } });
  });

  test('of a topic without messages', () => {
    const history = new MemoryHistory();
    const { complete, position } = history.since('a', { epoch: 'other', offset: 0 });
    expect(complete).toBe(false);
    expect(history.since('a', position)).toEqual({ complete: true, messages: [], position });
  });
});

describe('a message of a publisher', () => {
  test('that is repeated changes nothing', () => {
    const history = new MemoryHistory<string>();
    const append = (publisher: string, sequence: number) =>
      history.append('a', `${publisher}${sequence}`, { ...LIMITS, publisher, sequence });
    const results = [
      append('x', 1),
      append('y', 1),
      append('x', 5),
      append('x', 5),
      append('x', 2),
    ];
    expect(results.map(({ position, isRepetition }) => [position.offset, isRepetition])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [3, true],
      [3, true],
    ]);
    expect(history.position('a').offset).toBe(3);
  });

  test('is known for `ttl`, also when it is not kept any more', () => {
    clock.stop();
    const history = historyOf(0);
    const options = { ...LIMITS, publisher: 'x', sequence: 1 };
    history.append('a', 'x', options);
    for (let i = 0; i < 9; i++) history.append('a', 'other', LIMITS);
    clock.advance(LIMITS.ttl - 1);
    expect(history.append('a', 'x', options).isRepetition).toBe(true);
    history.append('a', 'other', LIMITS);
    clock.advance(SWEEP_INTERVAL);
    expect(history.append('a', 'x', options).isRepetition).toBe(false);
  });
});

describe('what is older than `ttl`', () => {
  test('is removed, and the offsets go on', () => {
    clock.stop();
    const history = historyOf(3);
    const { epoch } = history.position('a');
    clock.advance(LIMITS.ttl - 1);
    history.append('a', '4', LIMITS);
    expect(history.since('a', { epoch, offset: 1 }).complete).toBe(true);
    clock.advance(SWEEP_INTERVAL);
    expect(history.since('a', { epoch, offset: 1 }).complete).toBe(false);
    expect(history.since('a', { epoch, offset: 3 }).messages).toMatchObject([{ offset: 4 }]);
  });

  test('is forgotten with its topic, and a new epoch begins', () => {
    clock.stop();
    const history = historyOf(3);
    const { epoch } = history.position('a', LIMITS);
    expect(clock.timerCount).toBe(1);
    clock.advance(LIMITS.ttl + SWEEP_INTERVAL);
    expect([history.topics, clock.timerCount]).toEqual([0, 0]);
    expect(history.since('a', { epoch, offset: 3 })).toMatchObject({
      complete: false,
      position: { offset: 0 },
    });
  });

  test('is kept as long as its position is asked for', () => {
    clock.stop();
    const history = historyOf(3);
    const position = history.position('a', LIMITS);
    for (let i = 0; i < 10; i++) {
      clock.advance(LIMITS.ttl / 2);
      expect(history.position('a', LIMITS)).toEqual(position);
    }
    expect(history.since('a', position).complete).toBe(true);
  });
});

test('closed it has no timer and no topic', () => {
  clock.stop();
  const history = historyOf(3);
  history.close();
  expect([history.topics, clock.timerCount]).toEqual([0, 0]);
});

test.each([1, 2, 3, 4, 5])('since is what an array says: seed %i', (seed) => {
  clock.stop();
  const random = new SeededRandom(seed);
  const history = new MemoryHistory<number>();
  const logs = new Map<string, number[]>();
  const positions: [topic: string, TopicPosition][] = [];
  const limits = { size: 20, ttl: 1e9 };
  for (let step = 0; step < 2000; step++) {
    const topic = random.pick(['a', 'b', 'c']);
    const log = logs.get(topic) ?? [];
    logs.set(topic, log);
    if (random.next() < 0.6) {
      history.append(topic, log.push(step), limits);
      continue;
    }
    positions.push([topic, history.position(topic)]);
    const [asked, position] = random.pick(positions);
    const { complete, messages } = history.since(asked, position);
    const all = logs.get(asked) ?? [];
    const missed = all.length - position.offset;
    expect(complete).toBe(missed <= limits.size);
    const expected = all.map((_, i) => i + 1).slice(position.offset);
    expect(messages.map(({ offset }) => offset)).toEqual(complete ? expected : []);
    expect(messages.map(({ data }) => data)).toEqual(complete ? expected : []);
  }
});
