/** The names and bytes in Redis: channels, keys, slots, messages, answers of scripts. */

import { describe, expect, test } from '@jest/globals';
import { decodeHistory } from '../../../src/topics/redis-history.js';
import { decodeMessage, encodePlain, RedisNames, slotOf } from '../../../src/topics/redis-names.js';
import { parseOwnSlots } from '../../../src/topics/redis-wire.js';

/** As CLUSTER KEYSLOT of Redis 7.0 answers. */
const SLOTS: readonly (readonly [string, number])[] = [
  ['123456789', 0x31c3],
  ['', 0],
  ['foo', 12_182],
  ['{foo}bar', 12_182],
  ['a{foo}{bar}', 12_182],
  ['{}foo', 9500],
  ['foo{}{bar}', 8363],
  ['foo{{bar}}zap', 4015],
  ['{foo', 13_308],
  ['ü€😀', 10_853],
];

test.each(SLOTS)('the slot of %p is %p', (name, slot) => {
  expect(slotOf(name)).toBe(slot);
});

const TOPICS = [
  'a',
  'a b',
  '}',
  '{',
  '{}',
  'a}b',
  '%7D',
  '%',
  '%25}',
  'ü€😀',
  'line\nbreak',
  ':log',
];

describe.each([false, true])('names with a cluster: %p', (isCluster) => {
  const names = new RedisNames('ws6455:', isCluster);

  test.each(TOPICS)('the channel of %p leads back to it', (topic) => {
    expect(names.topic(names.channel(topic))).toBe(topic);
  });

  test.each(TOPICS)('the keys of %p are in one slot', (topic) => {
    const [meta, log] = names.keys(topic);
    expect(slotOf(meta)).toBe(slotOf(log));
    if (isCluster) expect(slotOf(names.channel(topic))).toBe(slotOf(log));
  });

  test('no two names are the same', () => {
    const all = TOPICS.flatMap((topic) => [names.channel(topic), ...names.keys(topic)]);
    expect(new Set(all).size).toBe(all.length);
  });
});

test.each(['{app}:', '{', '}', '', 'a{b'])('with the prefix %p a topic has one slot', (prefix) => {
  const names = new RedisNames(prefix, true);
  const all = [names.channel('a}b'), ...names.keys('a}b')];
  expect(new Set(all.map(slotOf)).size).toBe(1);
});

test('without a cluster the channel is the prefix and the topic', () => {
  expect(new RedisNames('p:', false).channel('a}b')).toBe('p:a}b');
});

describe('messages', () => {
  test('a message without a history', () => {
    const bytes = encodePlain(Uint8Array.of(1, 0, 10));
    expect([...bytes]).toEqual([0, 1, 0, 10]);
    expect(decodeMessage(bytes)).toEqual({ data: Buffer.from([1, 0, 10]) });
    expect(decodeMessage(encodePlain(new Uint8Array(0))).data).toHaveLength(0);
  });

  test('a message with its position', () => {
    const { data, position } = decodeMessage(Buffer.from('\u0001abc-1-2:9007199254740991\n\nx'));
    expect(String(data)).toBe('\nx');
    expect(position).toEqual({ epoch: 'abc-1-2', offset: Number.MAX_SAFE_INTEGER });
  });

  test.each([
    '',
    'hello',
    '\u0001no end',
    '\u0001no offset\nx',
    '\u0001e:\nx',
    '\u0001e:0\nx',
    '\u0001e:NaN\nx',
    '\u0001:1\nx',
  ])('%p of another program is left as it is', (text) => {
    expect(decodeMessage(Buffer.from(text))).toEqual({ data: Buffer.from(text) });
  });
});

describe('the answer of the script that reads', () => {
  const start = [Buffer.from('e'), Buffer.from('5')];

  test('has the messages after the offset', () => {
    const answer = [...start, 1, Buffer.from('d'), Buffer.from('e')];
    expect(decodeHistory(answer, 3)).toEqual({
      complete: true,
      messages: [
        { data: Buffer.from('d'), offset: 4 },
        { data: Buffer.from('e'), offset: 5 },
      ],
      position: { epoch: 'e', offset: 5 },
    });
  });

  test('says that they are not all there', () => {
    const position = { epoch: 'e', offset: 5 };
    expect(decodeHistory([...start, 0], 3)).toEqual({ complete: false, messages: [], position });
  });
});

describe('CLUSTER NODES', () => {
  const line = (flags: string, slots: string): string =>
    `0a ip:7001@17001 ${flags} - 0 1700000000000 2 connected${slots}`;

  test('has the slots of the server itself', () => {
    const answer = [
      line('master', ' 0-99'),
      line('myself,master', ' 100-5460 7000 [93-<-0b] [94->-0b] 9000-9001'),
      '',
    ].join('\n');
    expect(parseOwnSlots(answer)).toEqual([
      [100, 5460],
      [7000, 7000],
      [9000, 9001],
    ]);
  });

  test('has none for a server without slots', () => {
    expect(parseOwnSlots(line('myself,master', ''))).toEqual([]);
    expect(parseOwnSlots('')).toEqual([]);
  });
});
