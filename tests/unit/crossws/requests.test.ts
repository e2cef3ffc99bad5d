/** The URL of a request: what the hooks and the namespace are made from. */

import { expect, test } from '@jest/globals';
import { crosswsServer } from '../../support/crossws-server.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

test.each([
  ['a space', 'a b'],
  ['a path', 'server.example.com/admin?'],
  ['a fragment', 'server.example.com/admin#'],
  ['credentials', 'user@server.example.com'],
  ['a port that is no number', 'server.example.com:port'],
])('a Host with %s is answered with 400, and no hook is called', async (_, host) => {
  const calls: unknown[] = [];
  const { adapter, ask } = crosswsServer(scope(), {
    hooks: { upgrade: ({ url }) => void calls.push(url) },
  });
  adapter.server.on('callbackError', (error) => calls.push(error));
  const response = await ask({ set: { Host: host } }).inbox.message();
  expect(response.status).toBe(400);
  expect(String(response.body)).toBe('The request target and Host must be a valid URL');
  expect(calls).toEqual([]);
});

test('a request target in absolute-form is the URL', async () => {
  const urls: string[] = [];
  const { adapter, ask } = crosswsServer(scope(), {
    hooks: { upgrade: ({ url }) => void urls.push(url) },
  });
  const target = 'http://other.example.com/chat?a=b';
  expect((await ask({ target }).inbox.message()).status).toBe(101);
  expect(urls).toEqual([target]);
  expect([...adapter.peers.keys()]).toEqual(['/chat']);
});

test.each(['[::1]:8080', '192.0.2.1', 'localhost:3000'])('the Host %s is valid', async (host) => {
  const { ask } = crosswsServer(scope(), {});
  expect((await ask({ set: { Host: host } }).inbox.message()).status).toBe(101);
});
