/** A topic that is followed: repetitions while the history is asked, and what it answers then. */

import { expect, test } from '@jest/globals';
import type { StoredMessage, TopicHistory, TopicPosition } from '../../../src/server/broker.js';
import { TopicFollower } from '../../../src/server/topic-follower.js';
import { useClock } from '../../support/clock.js';
import { turns } from '../../support/inbox.js';

const clock = useClock();

const MAX_RETRY_DELAY = 1_000;
const MAX_ATTEMPTS = 5;
const EPOCH = 'e';

type Answer = TopicHistory<StoredMessage>;

/** A follower that has delivered the messages up to 5, and asks the history as after an outage. */
async function asking(since: (position: TopicPosition) => Promise<Answer>) {
  clock.stop();
  const delivered: string[] = [];
  const gaps: number[] = [];
  const unused = (): never => {
    throw new Error('not used');
  };
  const follower = new TopicFollower(
    'a',
    { size: 100, ttl: 60_000 },
    {
      history: {
        publish: unused,
        position: async () => ({ epoch: EPOCH, offset: 5 }),
        since: (_, position) => since(position),
      },
      deliver: (_, data) => delivered.push(Buffer.from(data).toString()),
      onGap: (_, { offset }) => gaps.push(offset),
      onError: () => {},
    },
  );
  const receive = (offset: number, text = `${offset}`): void =>
    follower.receive(Buffer.from(text), { epoch: EPOCH, offset });
  follower.onConfirmed(() => {});
  await turns();
  follower.onDown();
  follower.onConfirmed(() => {});
  return { follower, delivered, gaps, receive };
}

async function failAgain(): Promise<void> {
  for (let i = 0; i < MAX_ATTEMPTS; i++) {
    await turns();
    clock.advance(MAX_RETRY_DELAY);
  }
  await turns();
}

const fail = async (): Promise<never> => {
  throw new Error('no history');
};

test('a repetition is not delivered again, although the history has failed', async () => {
  const { follower, delivered, gaps, receive } = await asking(fail);
  receive(4);
  receive(5);
  await failAgain();
  expect([delivered, gaps, follower.position?.offset]).toEqual([[], [], 5]);
});

test('after a repetition the gap is where messages are missing', async () => {
  const { follower, delivered, gaps, receive } = await asking(fail);
  receive(5);
  receive(8);
  await failAgain();
  expect([delivered, gaps, follower.position?.offset]).toEqual([['8'], [7], 8]);
});

test('a repetition is not delivered again, although the history is incomplete', async () => {
  const since = async ({ offset }: TopicPosition): Promise<Answer> => ({
    complete: offset >= 20,
    messages: [],
    position: { epoch: EPOCH, offset: 20 },
  });
  const { follower, delivered, gaps, receive } = await asking(since);
  receive(5);
  receive(21);
  await turns();
  expect([delivered, gaps, follower.position?.offset]).toEqual([['21'], [20], 21]);
});

test('an engine that lost its last messages gives their numbers again: these are delivered', async () => {
  const since = async ({ offset }: TopicPosition): Promise<Answer> => ({
    complete: offset <= 4,
    messages: [],
    position: { epoch: EPOCH, offset: 4 },
  });
  const { follower, delivered, gaps, receive } = await asking(since);
  receive(4, 'another 4');
  receive(5, 'another 5');
  await turns();
  expect(delivered).toEqual(['another 4', 'another 5']);
  expect([gaps, follower.position?.offset]).toEqual([[4], 5]);
});
