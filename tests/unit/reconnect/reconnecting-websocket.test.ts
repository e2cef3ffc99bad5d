/** ReconnectingWebSocket: its events and states over several connections. */

import { describe, expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { ReconnectingClient } from '../../support/reconnecting-client.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();

async function opened(options = {}): Promise<ReconnectingClient> {
  clock.stop();
  const client = new ReconnectingClient(scope(), options);
  await client.seen('open');
  return client;
}

describe('a connection', () => {
  test('opens, receives and ends as with the class of the web', async () => {
    const client = await opened();
    const { ws } = await client.peer();
    ws.send('one');
    await client.seen('message');
    ws.close(1012, 'restart');
    await client.seen('close');
    expect(client.events).toEqual(['open in 1', 'message one', "close 1012 'restart' clean in 0"]);
  });

  test('has the subprotocol, extensions and the URL', async () => {
    const client = await opened({ protocols: ['chat'], perMessageDeflate: true });
    const { extensions, protocol, url } = client.ws;
    expect({ extensions, protocol, url }).toEqual({
      extensions: '',
      protocol: 'chat',
      url: 'ws://server.example.com/chat',
    });
  });

  test('follows a connection that has ended, after a delay', async () => {
    const client = await opened();
    (await client.peer()).ws.terminate();
    await client.seen('close');
    expect(client.events.slice(1)).toEqual(['error in 0', "close 1006 '' unclean in 0"]);
    await turns();
    expect(client.attempts).toBe(1);
    clock.advance(100);
    await client.seen('open', 2);
    expect([client.ws.readyState, client.attempts]).toEqual([1, 2]);
  });

  test('follows attempts that fail, each of which is an error', async () => {
    const client = await opened();
    client.network = 'down';
    (await client.peer()).ws.close(1001);
    for (let failed = 1; failed <= 3; failed++) {
      await until(() => clock.timerCount === 1, 'the delay');
      clock.advance(100);
      await client.seen('error', failed);
    }
    client.network = 'up';
    await until(() => clock.timerCount === 1, 'the delay');
    clock.advance(100);
    await client.seen('open', 2);
    expect(client.events.slice(1)).toEqual([
      "close 1001 '' clean in 0",
      'error in 0',
      'error in 0',
      'error in 0',
      'open in 1',
    ]);
    expect(client.attempts).toBe(5);
  });

  test.each(['blob', 'arraybuffer'] as const)('delivers binary messages as %s', async (type) => {
    const client = await opened();
    const got: unknown[] = [];
    client.ws.binaryType = type;
    client.ws.onmessage = ({ data }) => got.push(data);
    const first = await client.peer();
    first.ws.send(Buffer.from('a'));
    first.ws.send('text');
    await client.seen('message', 2);
    first.ws.close(1012);
    await client.seen('close');
    clock.advance(100);
    (await client.peer(1)).ws.send(Buffer.from('b'));
    await client.seen('message', 3);
    const bytes = await Promise.all(
      [got[0], got[2]].map(async (data) =>
        data instanceof Blob ? data.text() : Buffer.from(data as ArrayBuffer).toString(),
      ),
    );
    const Class = type === 'blob' ? Blob : ArrayBuffer;
    expect([got[0] instanceof Class, got[2] instanceof Class]).toEqual([true, true]);
    expect([got[1], ...bytes]).toEqual(['text', 'a', 'b']);
  });
});

describe('the end', () => {
  test('is the Close of a peer with 1000', async () => {
    const client = await opened();
    (await client.peer()).ws.close(1000, 'done');
    await client.ended();
    expect(client.events).toEqual(['open in 1', "close 1000 'done' clean in 3"]);
    expect(clock.timerCount).toBe(0);
  });

  test('is a fatal close code', async () => {
    const client = await opened();
    (await client.peer()).ws.close(1008, 'not you');
    await client.ended();
    expect(client.events).toEqual(['open in 1', "close 1008 'not you' clean in 3"]);
  });

  test('is a fatal status: an error, and close', async () => {
    const verifyClient = (_: unknown, done: (is: boolean, status: number) => void) =>
      done(false, 401);
    const client = new ReconnectingClient(scope(), {}, { verifyClient });
    await client.ended();
    expect(client.events).toEqual(['error in 3', "close 1006 '' unclean in 3"]);
    expect(client.errors[0]).toMatchObject({ name: 'HandshakeError' });
  });

  test('is the last of maxAttempts', async () => {
    const client = await opened({ maxAttempts: 2 });
    client.network = 'down';
    (await client.peer()).ws.close(1012);
    await client.seen('close');
    clock.advance(100);
    await client.ended();
    expect(client.events.slice(1)).toEqual([
      "close 1012 '' clean in 0",
      'error in 3',
      "close 1006 '' unclean in 3",
    ]);
  });

  test('is an exception of classify', async () => {
    const classify = () => {
      throw new TypeError('a mistake');
    };
    const client = await opened({ classify });
    (await client.peer()).ws.close(1012);
    await client.ended();
    expect(client.events.slice(1)).toEqual(['error in 3', "close 1012 '' clean in 3"]);
    expect(client.errors).toEqual([new TypeError('a mistake')]);
  });
});

describe('resume', () => {
  test('comes before open, messages and the buffer', async () => {
    const order: string[] = [];
    clock.stop();
    const client = new ReconnectingClient(scope(), {
      buffer: {},
      async resume(socket: { send(data: string): void }, { attempt }: { attempt: number }) {
        order.push(`resume ${attempt}, state ${client.ws.readyState}`);
        socket.send('log in');
        await turns();
      },
    });
    await client.seen('open');
    client.ws.onopen = () => order.push('open');
    (await client.peer()).ws.close(1012);
    await client.seen('close');
    client.ws.send('kept');
    clock.advance(100);
    const { ws, received } = await client.peer(1);
    ws.send('early');
    await client.seen('message');
    await until(() => received.length === 2, 'two messages');
    expect(received).toEqual(['log in', 'kept']);
    expect(order.slice(1)).toEqual(['resume 2, state 0', 'open']);
    expect(client.events.slice(2)).toEqual(['open in 1', 'message early']);
  });

  test('that fails is an error, and another attempt follows', async () => {
    let calls = 0;
    clock.stop();
    const client = new ReconnectingClient(scope(), {
      resume: () => (++calls === 1 ? Promise.reject(new Error('no')) : undefined),
    });
    await client.seen('error');
    clock.advance(100);
    await client.seen('open');
    expect(client.events).toEqual(['error in 0', 'open in 1']);
  });
});

describe('url and protocols', () => {
  test('may be functions, called for each attempt', async () => {
    const seen: number[] = [];
    const client = await opened({
      protocols: ({ attempt }: { attempt: number }) => {
        seen.push(attempt);
        return [`v${attempt}`];
      },
    });
    expect(client.ws.protocol).toBe('v1');
    (await client.peer()).ws.close(1012);
    await client.seen('close');
    expect(client.ws.protocol).toBe('');
    clock.advance(100);
    await client.seen('open', 2);
    expect([client.ws.protocol, seen]).toEqual(['v2', [1, 2]]);
  });
});
