/** Jest's jsdom environment: globals are of jsdom's window, modules are Node's. */
const { closed, pair } = require('../support.js');

afterEach(() => jest.useRealTimers());

test('this is jsdom', () => {
  expect(window.document.body).toBeDefined();
});

test.each([false, true])('messages arrive, and it closes; fake timers: %s', async (fake) => {
  if (fake) jest.useFakeTimers();
  const connection = await pair();
  for (const text of ['a', 'b', 'c']) connection.client.send(text);
  for (const text of ['a', 'b', 'c']) expect(await connection.received.next()).toBe(text);
  expect(await closed(connection)).toEqual([4001, 4001]);
});

test("the window's typed arrays, ArrayBuffer and Blob are sent", async () => {
  const connection = await pair();
  connection.client.send(new Uint8Array([97, 98]));
  connection.client.send(new Uint8Array([99, 100]).buffer);
  connection.client.send(new DataView(new Uint8Array([101]).buffer));
  expect(await connection.received.next()).toBe('ab');
  expect(await connection.received.next()).toBe('cd');
  expect(await connection.received.next()).toBe('e');
  await closed(connection);
});

test('listeners in the way of browsers get events', async () => {
  const connection = await pair();
  const event = await new Promise((resolve) => {
    connection.client.addEventListener('message', resolve);
    connection.server.send('a');
  });
  expect(event.type).toBe('message');
  expect(event.data).toBe('a');
  expect(event.target).toBe(connection.client);
  await closed(connection);
});
