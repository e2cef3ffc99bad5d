/** The whole of a connection under fake timers, which nobody moves on. */
const { closed, pair } = require('../support.js');

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const COMPRESSED = {
  serverOptions: { perMessageDeflate: { threshold: 0 } },
  clientOptions: { perMessageDeflate: { threshold: 0 } },
};

test('messages go both ways, and the closing handshake is completed', async () => {
  const connection = await pair();
  connection.client.send('a');
  connection.client.send('b');
  expect(await connection.received.next()).toBe('a');
  expect(await connection.received.next()).toBe('b');
  connection.server.send('c');
  expect(await connection.replies.next()).toBe('c');
  expect(await closed(connection)).toEqual([4001, 4001]);
});

test.each([10, 5_000, 500_000])('%i characters are compressed and come back', async (length) => {
  const connection = await pair(COMPRESSED);
  const text = 'xyz'.repeat(length).slice(0, length);
  for (let count = 0; count < 4; count++) connection.client.send(text);
  for (let count = 0; count < 4; count++) expect(await connection.received.next()).toBe(text);
  connection.server.send(text);
  expect(await connection.replies.next()).toBe(text);
  expect(await closed(connection)).toEqual([4001, 4001]);
});

test('what came while it was paused is delivered when it goes on', async () => {
  const connection = await pair();
  connection.server.pause();
  connection.client.send('a');
  connection.client.send('b');
  connection.server.resume();
  expect(await connection.received.next()).toBe('a');
  expect(await connection.received.next()).toBe('b');
  await closed(connection);
});

test('many messages of one chunk are all delivered', async () => {
  const connection = await pair();
  for (let number = 0; number < 5_000; number++) connection.client.send(`${number}`);
  for (let number = 0; number < 5_000; number++) {
    expect(await connection.received.next()).toBe(`${number}`);
  }
  await closed(connection);
});

test('ping is answered, callbacks of send are called', async () => {
  const connection = await pair();
  const pong = new Promise((resolve) => connection.client.once('pong', resolve));
  connection.client.ping('p');
  expect((await pong).toString()).toBe('p');
  await new Promise((resolve, reject) => {
    connection.client.send('a', (error) => (error ? reject(error) : resolve()));
  });
  await closed(connection);
  await new Promise((resolve) => connection.client.send('late', resolve));
});

test('terminate() closes both', async () => {
  const { wss, client, server } = await pair();
  const ends = Promise.all([client, server].map((ws) => new Promise((r) => ws.once('close', r))));
  client.terminate();
  expect(await ends).toEqual([1006, 1006]);
  await new Promise((resolve) => wss.close(resolve));
});

test('a Blob is sent', async () => {
  const connection = await pair();
  connection.client.send(new Blob(['from a blob']));
  connection.client.send('behind');
  expect(await connection.received.next()).toBe('from a blob');
  expect(await connection.received.next()).toBe('behind');
  await closed(connection);
});

test('createWebSocketStream reads and ends', async () => {
  const { createWebSocketStream } = require('ws6455');
  const { wss, client, server } = await pair();
  const stream = createWebSocketStream(server, { encoding: 'utf8' });
  const ended = new Promise((resolve) => stream.once('end', resolve));
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  client.send('a');
  client.close();
  await ended;
  expect(chunks).toEqual(['a']);
  await new Promise((resolve) => wss.close(resolve));
});

test('a refused connection is told, a refused handshake too', async () => {
  const WebSocket = require('ws6455');
  const { once } = require('node:events');
  const wss = new WebSocket.Server({ port: 0, host: '127.0.0.1', verifyClient: () => false });
  await once(wss, 'listening');
  const url = `ws://127.0.0.1:${wss.address().port}`;
  const [refused] = await once(new WebSocket(url), 'error');
  expect(refused.message).toBe('Unexpected server response: 401');
  await new Promise((resolve) => wss.close(resolve));
  const [error] = await once(new WebSocket(url), 'error');
  expect(error.code).toBe('ECONNREFUSED');
});
