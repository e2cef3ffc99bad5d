/** What a program refuses a client with: status, reason phrase, body and header fields. */

import { describe, expect, test } from '@jest/globals';
import type { HttpMessage } from '../../support/inbox.js';
import { until } from '../../support/inbox.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { SharedServer } from '../../support/shared-server.js';

const scope = useScope();

type Refuse = (welcome: boolean, ...rest: unknown[]) => void;

/** The answer to a client that is refused like this, with its connection closed behind it. */
async function refusedWith(...rest: unknown[]): Promise<HttpMessage & { errors: string[] }> {
  const shared = new SharedServer(scope());
  shared.add('a', { verifyClient: (_info: unknown, refuse: Refuse) => refuse(false, ...rest) });
  const { inbox } = shared.connect(upgradeRequest());
  const message = await inbox.message();
  await until(() => inbox.ended, 'the end');
  expect(inbox.peek()).toHaveLength(0);
  return { ...message, errors: shared.errors };
}

describe('verifyClient refuses', () => {
  test('with a status of its own, a message and header fields', async () => {
    const fields = { 'WWW-Authenticate': 'Bearer', 'X-List': ['a', 'b'] };
    const { startLine, all, body } = await refusedWith(498, 'Token expired', fields);
    expect(startLine).toBe('HTTP/1.1 498 Token expired');
    expect(String(body)).toBe('Token expired');
    expect([all('www-authenticate'), all('x-list')]).toEqual([['Bearer'], ['a', 'b']]);
    expect([all('connection'), all('content-type')]).toEqual([['close'], ['text/html']]);
  });

  // RFC 9112 §4: a reason phrase is printable. RFC 9110 §15: an unknown status is as x00.
  test.each<[unknown[], string, string]>([
    [[498], 'HTTP/1.1 498 Bad Request', 'Bad Request'],
    [[520], 'HTTP/1.1 520 Internal Server Error', 'Internal Server Error'],
    [[498, 'zu spät'], 'HTTP/1.1 498 Bad Request', 'zu spät'],
    [[498, 'a\r\nb: c'], 'HTTP/1.1 498 Bad Request', 'a\r\nb: c'],
    [[403, 'a\r\nb: c'], 'HTTP/1.1 403 Forbidden', 'a\r\nb: c'],
    [['403', 'no'], 'HTTP/1.1 403 Forbidden', 'no'],
    [[302, '', { Location: '/login' }], 'HTTP/1.1 302 Found', 'Found'],
    [[599, 'x'], 'HTTP/1.1 599 x', 'x'],
    [[200, 'x'], 'HTTP/1.1 200 OK', 'x'],
  ])('with %p', async (rest, startLine, body) => {
    const message = await refusedWith(...rest);
    expect([message.startLine, String(message.body)]).toEqual([startLine, body]);
    expect(message.all('content-length')).toEqual([String(Buffer.byteLength(body))]);
    expect(message.errors).toEqual([]);
  });

  // RFC 9110 §15.3.5, §15.4.5.
  test.each([204, 304])('with %i, which has no content', async (status) => {
    const { status: answered, all, body } = await refusedWith(status, 'x');
    expect([answered, body.length]).toEqual([status, 0]);
    expect([all('content-length'), all('content-type')]).toEqual([[], []]);
  });

  // RFC 9110 §15.2: after 1xx the client waits for another response, and 101 accepts.
  test.each([101, 100, 103, 199, 600, 999, 99, 1000, 401.5, -401, 'x', {}])(
    'never with the status %p: 500 and callbackError',
    async (status) => {
      const { startLine, errors } = await refusedWith(status);
      expect(startLine).toBe('HTTP/1.1 500 Internal Server Error');
      expect(errors).toEqual([expect.stringContaining('200 to 599')]);
    },
  );
});
