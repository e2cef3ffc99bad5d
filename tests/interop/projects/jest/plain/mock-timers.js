/** The fake timers of Node's own test runner. */
const assert = require('node:assert/strict');
const { test } = require('node:test');
const WebSocket = require('ws6455');
const { closed, pair } = require('../support.js');

test('a connection under mock.timers', async (context) => {
  context.mock.timers.enable();
  const connection = await pair({ WebSocket });
  connection.client.send('a');
  connection.client.send('b');
  assert.equal(await connection.received.next(), 'a');
  assert.equal(await connection.received.next(), 'b');
  connection.server.pause();
  connection.client.send('c');
  connection.server.resume();
  assert.equal(await connection.received.next(), 'c');
  context.mock.timers.tick(3_600_000);
  assert.deepEqual(await closed(connection), [4001, 4001]);
});

test('switched on between send and delivery, off before the next', async (context) => {
  const connection = await pair({ WebSocket });
  connection.client.send('a');
  context.mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'setInterval'] });
  assert.equal(await connection.received.next(), 'a');
  connection.client.send('b');
  context.mock.timers.reset();
  connection.client.send('c');
  assert.equal(await connection.received.next(), 'b');
  assert.equal(await connection.received.next(), 'c');
  assert.deepEqual(await closed(connection), [4001, 4001]);
});
