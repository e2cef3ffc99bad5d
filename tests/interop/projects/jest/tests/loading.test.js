/** The package is loaded under fake timers, and loaded again. */
const { closed, pair } = require('../support.js');

beforeEach(() => jest.resetModules());
afterEach(() => jest.useRealTimers());

async function works(WebSocket) {
  const connection = await pair({ WebSocket });
  for (const text of ['a', 'b', 'c']) connection.client.send(text);
  for (const text of ['a', 'b', 'c']) expect(await connection.received.next()).toBe(text);
  connection.server.pause();
  connection.client.send('d');
  connection.server.resume();
  expect(await connection.received.next()).toBe('d');
  expect(await closed(connection)).toEqual([4001, 4001]);
}

test('loaded under fake timers, used under them', async () => {
  jest.useFakeTimers();
  await works(require('ws6455'));
});

test('loaded under fake timers, used under real ones', async () => {
  jest.useFakeTimers();
  const WebSocket = require('ws6455');
  jest.useRealTimers();
  await works(WebSocket);
});

test('loaded under real timers, used under fake ones', async () => {
  const WebSocket = require('ws6455');
  jest.useFakeTimers();
  await works(WebSocket);
});

test('loaded under legacy fake timers', async () => {
  jest.useFakeTimers({ legacyFakeTimers: true });
  const WebSocket = require('ws6455');
  jest.useRealTimers();
  await works(WebSocket);
});

test('loading it again leaves no listener on process', async () => {
  const names = process.eventNames();
  const before = names.map((name) => process.listenerCount(name));
  for (let count = 0; count < 12; count++) {
    jest.resetModules();
    await works(require('ws6455'));
  }
  expect(process.eventNames()).toEqual(names);
  expect(names.map((name) => process.listenerCount(name))).toEqual(before);
});

test('two copies talk to each other', async () => {
  const One = require('ws6455');
  jest.resetModules();
  const Other = require('ws6455');
  expect(Other).not.toBe(One);
  const wss = new One.Server({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => wss.once('listening', resolve));
  wss.on('connection', (ws) => ws.on('message', (data) => ws.send(`${data}`)));
  const ws = new Other(`ws://127.0.0.1:${wss.address().port}`);
  ws.on('open', () => ws.send('hello'));
  const reply = await new Promise((resolve) => ws.on('message', resolve));
  expect(`${reply}`).toBe('hello');
  ws.close();
  await new Promise((resolve) => ws.once('close', resolve));
  await new Promise((resolve) => wss.close(resolve));
});
