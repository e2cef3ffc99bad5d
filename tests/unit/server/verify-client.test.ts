/** `verifyClient`. */

import { describe, expect, test } from '@jest/globals';
import { turns, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import { frameFor, type Loose, next, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const { startServer } = useServers(scope);

describe('verifyClient', () => {
  type Answer = (result: unknown, code?: unknown, message?: unknown, headers?: unknown) => void;

  test('has origin, secure and req, in this order', async () => {
    const seen: Loose[] = [];
    const { answer } = startServer({ verifyClient: (info: Loose) => seen.push(info) });
    await answer({ add: [['Origin', 'http://example.com']] });
    await answer();
    expect(Object.keys(seen[0] ?? {})).toEqual(['origin', 'secure', 'req']);
    expect(seen[0]).toMatchObject({ origin: 'http://example.com', secure: false });
    expect(seen[0]?.['req']).toHaveProperty('url', '/chat');
    expect(seen[1]?.['origin']).toBeUndefined();
  });

  test.each([
    [true, 101],
    [1, 101],
    [false, 401],
    [undefined, 401],
    [0, 401],
  ])('that returns %p: %i', async (result, status) => {
    const { answer, connections } = startServer({ verifyClient: (_info: unknown) => result });
    const { status: answered, body } = await answer();
    expect(answered).toBe(status);
    if (status === 401) expect(String(body)).toBe('Unauthorized');
    expect(connections).toHaveLength(status === 101 ? 1 : 0);
  });

  test('with two parameters has a callback, to be called now or later', async () => {
    for (const later of [false, true]) {
      const { answer, connections } = startServer({
        verifyClient: (_info: unknown, callback: Answer) => {
          if (later) setImmediate(callback, true);
          else callback(true);
        },
      });
      expect((await answer()).status).toBe(101);
      expect(connections).toHaveLength(1);
    }
  });

  test.each<[string, unknown[], number, string]>([
    ['nothing more', [], 401, 'Unauthorized'],
    ['a code', [404], 404, 'Not Found'],
    ['a message', [403, 'go away'], 403, 'go away'],
    ['undefined for the code', [undefined, 'go away'], 401, 'go away'],
    ['null for everything', [null, null, null], 401, 'Unauthorized'],
    ['zero and an empty text', [0, ''], 401, 'Unauthorized'],
  ])('refuses with %s', async (_, rest, status, text) => {
    const { answer } = startServer({
      verifyClient: (_info: unknown, callback: Answer) => callback(false, ...rest),
    });
    const message = await answer();
    expect([message.status, String(message.body)]).toEqual([status, text]);
    expect(message.all('connection')).toEqual(['close']);
    expect(message.all('content-length')).toEqual([`${text.length}`]);
    expect(message.all('content-type')).toEqual(['text/html']);
  });

  test('refuses with header fields, which replace ours', async () => {
    const { ask } = startServer({
      verifyClient: (_info: unknown, callback: Answer) => {
        const fields = { 'Retry-After': 120, 'Content-Type': 'text/plain' };
        callback(false, 503, 'later', fields);
      },
    });
    const { status, all, body } = await ask().inbox.message();
    expect(status).toBe(503);
    expect(all('retry-after')).toEqual(['120']);
    expect(all('content-type')).toEqual(['text/plain']);
    expect(String(body)).toBe('later');
  });

  test.each<[string, unknown[]]>([
    ['a header value', [401, 'x', { A: 'b\r\nC: d' }]],
    ['a header name', [401, 'x', { 'A: b\r\nC': 'd' }]],
    ['a code that is none', [12345]],
  ])('cannot break the answer with %s: 500', async (_, rest) => {
    const { wss, answer } = startServer({
      verifyClient: (_info: unknown, callback: Answer) => callback(false, ...rest),
    });
    wss.on('callbackError', () => {});
    const { status, all } = await answer();
    expect([status, all('c')]).toEqual([500, []]);
  });

  test.each([true, false])('that answers twice counts once (%p first)', async (first) => {
    const { ask, connections } = startServer({
      verifyClient: (_info: unknown, callback: Answer) => {
        callback(first);
        try {
          callback(!first);
        } catch {
          // `ws` throws here
        }
      },
    });
    const { inbox, wire } = ask();
    expect((await inbox.message()).status).toBe(first ? 101 : 401);
    await turns();
    expect(connections).toHaveLength(first ? 1 : 0);
    if (!first) return;
    const seen = next<[Buffer]>(connections[0]?.[0] as WebSocketInstance, 'message');
    wire.write(frameFor('server', { payload: 'alive' }));
    expect(String((await seen)[0])).toBe('alive');
    expect(inbox.peek()).toHaveLength(0);
    expect(inbox.ended).toBe(false);
  });

  test('that answers when the client is gone leaves nothing behind', async () => {
    for (const result of [true, false]) {
      const answers: Answer[] = [];
      const { ask, wss, connections } = startServer({
        verifyClient: (_info: unknown, callback: Answer) => answers.push(callback),
      });
      const { far } = ask();
      await until(() => answers.length > 0, 'verifyClient');
      far.destroy();
      await turns();
      const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      answers[0]?.(result);
      await turns();
      const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      expect([connections.length, wss.clients.size]).toEqual([0, 0]);
      expect(after).toBe(before);
    }
  });

  test('that answers when the server is closing: 503', async () => {
    const answers: Answer[] = [];
    const { ask, wss } = startServer({
      verifyClient: (_info: unknown, callback: Answer) => answers.push(callback),
    });
    const { inbox } = ask();
    await until(() => answers.length > 0, 'verifyClient');
    wss.close();
    answers[0]?.(true);
    expect((await inbox.message()).status).toBe(503);
  });

  test('that waits: bytes behind the request are delivered afterwards', async () => {
    const answers: Answer[] = [];
    const { ask, wss } = startServer({
      verifyClient: (_info: unknown, callback: Answer) => answers.push(callback),
    });
    const seen: string[] = [];
    wss.on('connection', (ws: WebSocketInstance) =>
      ws.on('message', (data) => seen.push(String(data))),
    );
    const { wire } = ask();
    wire.write(frameFor('server', { payload: 'a' }));
    await until(() => answers.length > 0, 'verifyClient');
    wire.write(frameFor('server', { payload: 'b' }));
    await turns();
    expect(seen).toEqual([]);
    answers[0]?.(true);
    await until(() => seen.length === 2, 'the messages');
    expect(seen).toEqual(['a', 'b']);
  });

  test('is not asked about a request that is refused anyway', async () => {
    let calls = 0;
    const { answer } = startServer({ path: '/a', verifyClient: () => ++calls > 0 });
    await answer({ target: '/b' });
    await answer({ target: '/a', set: { 'Sec-WebSocket-Key': 'x' } });
    expect(calls).toBe(0);
  });
});
