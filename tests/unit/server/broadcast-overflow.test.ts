/** `broadcast` with an overflow function of the program. */

import { expect, test } from '@jest/globals';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { topicServer } from '../../support/topic-server.js';

const scope = useScope();

test('an overflow function that throws stops no one else, and the caller gets the exception', async () => {
  const overflow = (): never => {
    throw new Error('by the program');
  };
  const { server, join } = topicServer(scope(), { maxBufferedAmount: 1000, overflow });
  const slow = await join();
  const other = await join();
  slow.client.pause();
  slow.socket.send('f'.repeat(100_000));
  await turns();
  const reports: unknown[] = [];
  const onReport = (report: unknown): void => void reports.push(report);
  expect(() => server.broadcast('x', { onReport })).toThrow('by the program');
  await turns();
  expect(other.received).toEqual(['x']);
  expect(reports).toEqual([{ sent: 1, queued: 0, dropped: 0, closed: 0 }]);
  slow.socket.terminate();
});
