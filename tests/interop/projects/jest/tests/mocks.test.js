/** The package replaced by mocks, as tests of programs do. */
const sinon = require('sinon');

afterEach(() => {
  jest.resetModules();
  jest.restoreAllMocks();
  jest.unmock('ws6455');
});

test('jest.mock() makes a class whose methods do nothing', () => {
  jest.doMock('ws6455');
  const WebSocket = require('ws6455');
  const ws = new WebSocket('ws://nowhere.test');
  ws.send('a');
  ws.on('message', () => {});
  expect(WebSocket).toHaveBeenCalledWith('ws://nowhere.test');
  expect(ws.send).toHaveBeenCalledWith('a');
  const wss = new WebSocket.Server({ port: 1 });
  wss.close();
  expect(wss.close).toHaveBeenCalledTimes(1);
});

test('jest.spyOn() watches methods and attributes of the prototype', async () => {
  const { closed, pair } = require('../support.js');
  const WebSocket = require('ws6455');
  const send = jest.spyOn(WebSocket.prototype, 'send');
  const state = jest.spyOn(WebSocket.prototype, 'readyState', 'get').mockReturnValueOnce(3);
  const connection = await pair({ WebSocket });
  state.mockRestore();
  connection.client.send('a');
  expect(await connection.received.next()).toBe('a');
  expect(send).toHaveBeenCalledWith('a');
  await closed(connection);
});

test("Sinon's stub of an instance", () => {
  const WebSocket = require('ws6455');
  const ws = sinon.createStubInstance(WebSocket);
  ws.send('a');
  expect(ws).toBeInstanceOf(WebSocket);
  expect(ws.send.calledOnceWith('a')).toBe(true);
  const wss = sinon.createStubInstance(WebSocket.Server);
  wss.close();
  expect(wss.close.calledOnce).toBe(true);
});

test('a connection is compared and printed', async () => {
  const { closed, pair } = require('../support.js');
  const connection = await pair();
  expect(connection.client).toEqual(connection.client);
  expect(connection.client).not.toBe(connection.server);
  expect(() => expect(connection.client).toBe(connection.server)).toThrow(/readyState/);
  await closed(connection);
});
