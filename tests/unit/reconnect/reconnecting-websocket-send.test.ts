/** ReconnectingWebSocket: `send` without a connection, the buffer, and what was not sent. */

import { describe, expect, test } from '@jest/globals';
import { useClock } from '../../support/clock.js';
import { turns, until } from '../../support/inbox.js';
import { Any, ReconnectingClient } from '../../support/reconnecting-client.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();

/** A client that has lost its connection and waits. */
async function waiting(options = {}): Promise<ReconnectingClient> {
  clock.stop();
  const client = new ReconnectingClient(scope(), options);
  await client.seen('open');
  (await client.peer()).ws.close(1012);
  await client.seen('close');
  return client;
}

/** The messages of the second connection. */
async function receivedNext(client: ReconnectingClient, count: number): Promise<string[]> {
  clock.advance(100);
  const { received } = await client.peer(1);
  await until(
    () => received.length >= count,
    () => `${count} messages: ${received}`,
  );
  await turns();
  return received;
}

const text = (all: unknown[]): string[] => all.map(String);

describe('without a buffer', () => {
  test('send throws while there is no connection', async () => {
    const client = await waiting();
    expect(() => client.ws.send('lost')).toThrow(
      expect.objectContaining({ name: 'InvalidStateError' }),
    );
    expect([client.ws.unsent(), client.ws.bufferedAmount]).toEqual([[], 0]);
  });

  test('send throws while the peer closes the connection', async () => {
    clock.stop();
    const client = new ReconnectingClient(scope());
    await client.seen('open');
    const { ws } = await client.peer();
    ws.close(1012);
    await until(() => client.ws.readyState === 0, 'the state CONNECTING');
    expect(() => client.ws.send('lost')).toThrow(DOMException);
    await client.seen('close');
  });

  test('send works again in the next connection', async () => {
    const client = await waiting();
    client.ws.onopen = () => client.ws.send('back');
    expect(await receivedNext(client, 1)).toEqual(['back']);
  });
});

describe('with a buffer', () => {
  test('a message that cannot be sent ends everything, and leaves no connection', async () => {
    let masks = 0;
    const generateMask = (): void => {
      if (++masks === 2) throw new Error('no mask'); // that of the message, not of a Close
    };
    const client = await waiting({ buffer: {}, generateMask });
    client.ws.send('1');
    clock.advance(100);
    await until(() => client.ws.readyState === 3, 'the end');
    const peer = await client.peer(1);
    await until(() => peer.ws.readyState === 3, 'the end of the connection');
    expect(clock.timerCount).toBe(0);
  });

  test('messages are sent in order, before those of later', async () => {
    const client = await waiting({ buffer: {} });
    client.ws.onopen = () => client.ws.send('3');
    client.ws.send('1');
    client.ws.send(new Blob(['22']));
    expect([client.ws.bufferedAmount, client.ws.unsent().length]).toEqual([3, 2]);
    expect(await receivedNext(client, 3)).toEqual(['1', '22', '3']);
    expect([client.ws.bufferedAmount, client.ws.unsent()]).toEqual([0, []]);
  });

  test('messages wait for the first connection, too', async () => {
    const client = new ReconnectingClient(scope(), { buffer: {} });
    client.ws.send('early');
    const { received } = await client.peer();
    await until(() => received.length === 1, 'the message');
  });

  test('bytes are copied', async () => {
    const client = await waiting({ buffer: {} });
    const bytes = Buffer.from('before');
    client.ws.send(bytes);
    bytes.fill('x');
    expect(text(client.ws.unsent())).toEqual(['before']);
    expect(await receivedNext(client, 1)).toEqual(['before']);
  });

  test.each([
    ['messages', { messages: 2 }],
    ['bytes', { bytes: 5 }],
  ])('beyond %s send throws, and what waits stays', async (_of, buffer) => {
    const client = await waiting({ buffer });
    client.ws.send('11');
    client.ws.send('22');
    expect(() => client.ws.send('33')).toThrow(
      expect.objectContaining({ name: 'QuotaExceededError' }),
    );
    expect(client.events.filter((event) => event.startsWith('overflow'))).toEqual([]);
    expect(await receivedNext(client, 2)).toEqual(['11', '22']);
  });

  test("'drop-oldest' tells each message that it drops", async () => {
    const client = await waiting({ buffer: { bytes: 6, overflow: 'drop-oldest' } });
    const dropped: unknown[] = [];
    client.ws.onoverflow = ({ data }) => dropped.push(data);
    for (const message of ['11', '22', '33', '4444']) client.ws.send(message);
    expect(dropped).toEqual(['11', '22']);
    expect(client.ws.bufferedAmount).toBe(6);
    expect(() => client.ws.send('7777777')).toThrow(DOMException);
    expect(await receivedNext(client, 2)).toEqual(['33', '4444']);
  });

  test('what waits at the end is told', async () => {
    const client = await waiting({ buffer: {} });
    client.ws.send('kept');
    client.ws.close();
    client.ws.send('after');
    await client.ended();
    expect([client.ws.unsent(), client.ws.bufferedAmount]).toEqual([['kept'], 9]);
  });
});

describe('unsent()', () => {
  test('has what the last connection did not write, and it is not sent again', async () => {
    clock.stop();
    const client = new ReconnectingClient(scope());
    await client.seen('open');
    const { ws } = await client.peer();
    ws.pause();
    const sent = [1, 2, 3, 4].map((digit) => String(digit).repeat(200_000));
    for (const message of sent) client.ws.send(message);
    ws.terminate();
    await client.seen('close');
    const unsent = text(client.ws.unsent());
    expect(unsent.length).toBeGreaterThan(0);
    expect(sent.slice(-unsent.length)).toEqual(unsent);
    client.ws.onopen = () => client.ws.send('new');
    expect(await receivedNext(client, 1)).toEqual(['new']);
    expect(text(client.ws.unsent())).toEqual(unsent);
    (await client.peer(1)).ws.close(1012);
    await client.seen('close', 2);
    expect(client.ws.unsent()).toEqual([]);
  });
});

describe('after close()', () => {
  test('send does nothing but count, as in browsers', async () => {
    const client = await waiting();
    client.ws.close();
    client.ws.send('four');
    client.ws.send(new Uint8Array(3));
    await client.ended();
    expect([client.ws.bufferedAmount, client.ws.unsent()]).toEqual([7, []]);
  });
});

describe('wrong options', () => {
  test.each([
    [{ buffer: true }, TypeError, 'The option buffer must be an object'],
    [{ buffer: { messages: -1 } }, RangeError, 'buffer.messages must be a number of messages'],
    [{ buffer: { bytes: '1 MB' } }, TypeError, 'buffer.bytes must be a number of bytes'],
    [{ buffer: { overflow: 'drop' } }, TypeError, "must be 'reject' or 'drop-oldest'"],
    [{ minUptime: -1 }, RangeError, 'minUptime'],
  ])('%p', (options, ErrorClass, message) => {
    const create = () => new Any('ws://server.example.com/', options);
    expect(create).toThrow(ErrorClass);
    expect(create).toThrow(message);
  });
});
