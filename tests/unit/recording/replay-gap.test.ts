/** A replay with the recorded times waits also for longer than a timer of Node can. */

import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { time } from '../../../src/connection/time.js';
import { replay } from '../../../src/recording/replay.js';
import { useClock } from '../../support/clock.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { RecordedScene } from '../../support/recordings.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const clock = useClock();
const scope = useScope();

test('a gap of a year does not end at once', async () => {
  const inboxes: Inbox[] = [];
  const server = createServer((socket) => inboxes.push(new Inbox(socket)));
  const port = await scope().listen(server);
  const scene = new RecordedScene().open();
  scene.time += 365 * 86_400_000;
  scene.client({ payload: 'x' });
  clock.stop();
  const times: number[] = [];
  const { setTimeout } = time;
  time.setTimeout = (callback, milliseconds, ...args) => {
    if (milliseconds > 86_400_000) times.push(milliseconds);
    return setTimeout(callback, milliseconds, ...args);
  };
  const stop = new AbortController();
  const done = replay(scene.records, {
    url: `ws://127.0.0.1:${port}/`,
    timing: 'original',
    signal: stop.signal,
  });
  done.catch(() => {});
  await until(() => inboxes.length > 0, 'a connection');
  const [inbox] = inboxes as [Inbox];
  inbox.stream.write(upgradeResponse(keyOf(await inbox.message())));
  await until(() => times.length > 0 && clock.timerCount > 0, 'a timer');
  expect(Math.max(...times)).toBe(2 ** 31 - 1);
  clock.advance(2 ** 31 - 1);
  await until(() => times.length > 1, 'the next timer');
  await turns();
  stop.abort(new Error('enough'));
  await expect(done).rejects.toThrow('enough');
});
