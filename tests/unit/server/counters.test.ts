/** What a server counts of connections that have ended. */

import { describe, expect, test } from '@jest/globals';
import type { CloseInfo } from '../../../src/connection/close-info.js';
import { ServerCounters } from '../../../src/server/counters.js';

function info(more: Partial<CloseInfo> = {}): CloseInfo {
  const messages = { sent: 0, received: 0 };
  return {
    wasClean: false,
    by: 'peer',
    cause: 'close',
    messages,
    opened: 1000,
    closed: 1000,
    ...more,
  };
}

const close = (code: number) => ({ code, reason: '' });

describe('a connection that ended', () => {
  test('adds what it sent and received', () => {
    const counters = new ServerCounters();
    counters.end(info({ messages: { sent: 2, received: 3 }, bytes: { sent: 20, received: 30 } }));
    counters.end(info({ messages: { sent: 1, received: 1 } }));
    expect(counters.messages).toEqual({ sent: 3, received: 4 });
    expect(counters.bytes).toEqual({ sent: 20, received: 30 });
  });

  test('was open for so long; not less than 0 if the clock was set back', () => {
    const counters = new ServerCounters();
    counters.end(info({ closed: 1000 + 61_000 }));
    counters.end(info({ closed: 0 }));
    const { sum, count } = counters.connectionDurations;
    expect([sum, count]).toEqual([61, 2]);
  });

  test.each<[what: string, given: Partial<CloseInfo>, code: number]>([
    ['the peer', { by: 'peer', received: close(4001), sent: close(4001) }, 4001],
    [
      'us, answered with another code',
      { by: 'us', sent: close(1000), received: close(1005) },
      1000,
    ],
    ['a violation without an answer', { by: 'peer', sent: close(1002) }, 1002],
    ['the wire', { by: 'wire' }, 1006],
  ])('counts the code of %s', (_what, given, code) => {
    const counters = new ServerCounters();
    counters.end(info(given));
    counters.end(info(given));
    expect(counters.closes).toEqual([{ code, by: given.by, count: 2 }]);
  });
});

test('a peer cannot make more than 64 counters', () => {
  const counters = new ServerCounters();
  for (let code = 3000; code < 3100; code++) counters.end(info({ received: close(code) }));
  counters.end(info({ received: close(3000) }));
  expect(counters.closes).toHaveLength(65);
  expect(counters.closes.at(0)).toEqual({ code: 3000, by: 'peer', count: 2 });
  expect(counters.closes.at(-1)).toEqual({ code: 'other', by: 'peer', count: 36 });
});
