/** Timers that become fake, and real again, while a connection is open. */
const { once } = require('node:events');
const { closed, pair } = require('../support.js');

afterEach(() => jest.useRealTimers());

test('sent under fake timers and under real ones: both arrive', async () => {
  const connection = await pair();
  jest.useFakeTimers();
  connection.client.send('a');
  jest.useRealTimers();
  connection.client.send('b');
  expect(await connection.received.next()).toBe('a');
  expect(await connection.received.next()).toBe('b');
  await closed(connection);
});

test('the same for a burst, from either side', async () => {
  const connection = await pair();
  const texts = Array.from({ length: 20 }, (_, number) => `${number}`);
  jest.useFakeTimers();
  for (const text of texts) connection.client.send(text);
  for (const text of texts) connection.server.send(text);
  jest.useRealTimers();
  for (const text of texts) expect(await connection.received.next()).toBe(text);
  for (const text of texts) expect(await connection.replies.next()).toBe(text);
  await closed(connection);
});

test('fake timers switched on between send and delivery', async () => {
  const connection = await pair();
  connection.client.send('a');
  jest.useFakeTimers();
  expect(await connection.received.next()).toBe('a');
  await closed(connection);
});

test('paused under real timers, going on under fake ones, and the other way round', async () => {
  const connection = await pair();
  connection.server.pause();
  connection.client.send('a');
  jest.useFakeTimers();
  connection.server.resume();
  expect(await connection.received.next()).toBe('a');
  connection.server.pause();
  connection.client.send('b');
  jest.useRealTimers();
  connection.server.resume();
  expect(await connection.received.next()).toBe('b');
  await closed(connection);
});

test('pause() and resume() at once under fake timers, then real ones', async () => {
  const connection = await pair();
  jest.useFakeTimers();
  connection.server.pause();
  connection.server.resume();
  jest.useRealTimers();
  connection.client.send('a');
  expect(await connection.received.next()).toBe('a');
  await closed(connection);
});

test('closing begun under real timers is completed under fake ones', async () => {
  const { wss, client, server } = await pair();
  const codes = Promise.all([once(client, 'close'), once(server, 'close')]);
  client.close(4001);
  jest.useFakeTimers();
  expect((await codes).map(([code]) => code)).toEqual([4001, 4001]);
  await new Promise((resolve) => wss.close(resolve));
});

test('a clock that jumps by an hour does not run into a timeout', async () => {
  jest.useFakeTimers();
  const connection = await pair({ clientOptions: { handshakeTimeout: 1_000 } });
  const codes = Promise.all([once(connection.client, 'close'), once(connection.server, 'close')]);
  connection.client.close(4001);
  jest.advanceTimersByTime(3_600_000);
  expect((await codes).map(([code]) => code)).toEqual([4001, 4001]);
  await new Promise((resolve) => connection.wss.close(resolve));
});

test('no timer of the library is among the fake ones', async () => {
  jest.useFakeTimers();
  const connection = await pair();
  connection.client.send('a');
  await connection.received.next();
  connection.client.close();
  expect(jest.getTimerCount()).toBe(0);
  await once(connection.server, 'close');
  await new Promise((resolve) => connection.wss.close(resolve));
});

test.each(['legacy', 'modern'])('%s fake timers', async (kind) => {
  const connection = await pair();
  jest.useFakeTimers(kind === 'legacy' ? { legacyFakeTimers: true } : undefined);
  connection.client.send('a');
  connection.client.send('b');
  expect(await connection.received.next()).toBe('a');
  expect(await connection.received.next()).toBe('b');
  jest.useRealTimers();
  await closed(connection);
});
