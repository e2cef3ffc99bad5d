/** What waits for the broker, with listeners that publish again, and when the server is closed. */

import { expect, test } from '@jest/globals';
import type { TopicPosition } from '../../../src/server/broker.js';
import { Outbox } from '../../../src/server/outbox.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';

const clock = useClock();

const MAX_MESSAGES = 10_000;
const limits = { size: 10, ttl: 60_000 };

/** An outbox, and the calls of its history, which the test answers. */
function scripted(onError: (error: Error, outbox: Outbox) => void = () => {}) {
  const calls: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  const errors: string[] = [];
  const publish = (_: string, data: Uint8Array): Promise<TopicPosition> =>
    new Promise((resolve, reject) => {
      calls.push({
        text: Buffer.from(data).toString(),
        resolve: () => resolve({ epoch: 'e', offset: 1 }),
        reject,
      });
    });
  const unused = (): never => {
    throw new Error('not used');
  };
  const outbox: Outbox = new Outbox({
    history: { publish, position: unused, since: unused },
    publisher: 'p',
    onPublished: () => {},
    onError: (error) => {
      errors.push(error.message);
      onError(error, outbox);
    },
  });
  const add = (text: string): void => outbox.add('a', Buffer.from(text), limits);
  return { outbox, add, errors, calls, texts: () => calls.map(({ text }) => text) };
}

test('a listener may publish the error that the outbox is full', () => {
  clock.stop();
  let depth = 0;
  const { outbox, add, errors } = scripted(() => {
    if (depth++ < 100) add('an error');
  });
  for (let i = 0; i < MAX_MESSAGES; i++) add(`${i}`);
  expect(errors).toEqual([]);
  add('too many');
  expect(errors).toHaveLength(1);
  expect(outbox.lost).toBe(2);
});

test('an outbox that stays full causes one error, until it is half empty', async () => {
  clock.stop();
  const { outbox, add, calls, errors } = scripted();
  for (let i = 0; i <= MAX_MESSAGES; i++) add(`${i}`);
  outbox.onStatus(true);
  clock.advance(1_000);
  await turns();
  const confirm = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      calls.at(-1)?.resolve();
      await turns(1);
    }
  };
  for (let i = 0; i < 5; i++) {
    await confirm(1);
    for (let j = 0; j < 2; j++) add('more');
  }
  expect([errors.length, outbox.lost]).toEqual([1, 6]);
  await confirm(MAX_MESSAGES / 2);
  for (let i = 0; i <= MAX_MESSAGES / 2; i++) add('more');
  expect([errors.length, outbox.lost]).toEqual([2, 7]);
});

test('a listener may publish the error that a message was too old: each is handed over once', async () => {
  clock.stop();
  const { outbox, add, texts, calls } = scripted(() => add('an error'));
  outbox.onStatus(true);
  add('first');
  await turns();
  add('old');
  clock.advance(limits.ttl - 1);
  add('young');
  clock.advance(1);
  calls[0]?.resolve();
  await turns();
  expect(texts()).toEqual(['first', 'young']);
  calls[1]?.resolve();
  await turns();
  expect(texts()).toEqual(['first', 'young', 'an error']);
});

test('the end hands over what was refused and waits for its next attempt', async () => {
  clock.stop();
  const { outbox, add, texts, calls } = scripted();
  outbox.onStatus(true);
  add('1');
  add('2');
  await turns();
  calls[0]?.reject(new Error('not now'));
  await turns();
  outbox.close();
  expect(texts()).toEqual(['1', '1', '2']);
});

test('the end does not hand over again what is under way', async () => {
  const { outbox, add, texts } = scripted();
  outbox.onStatus(true);
  add('1');
  add('2');
  await turns();
  outbox.close();
  expect(texts()).toEqual(['1', '2']);
});
