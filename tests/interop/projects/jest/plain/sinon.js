/** Sinon's fake timers, as Mocha's users have them, nextTick and setImmediate included. */
const assert = require('node:assert/strict');
const { afterEach, test } = require('node:test');
const sinon = require('sinon');
const WebSocket = require('ws6455');
const { closed, pair } = require('../support.js');

let clock;
afterEach(() => clock?.restore());

/** What the sockets bring is waited for by Node itself, which knows nothing of these timers. */
const SETTINGS = [undefined, { toFake: ['setImmediate'] }, { shouldAdvanceTime: true }];

for (const [number, setting] of SETTINGS.entries()) {
  test(`a connection, setting ${number}`, async () => {
    const connection = await pair({ WebSocket });
    clock = sinon.useFakeTimers(setting);
    connection.client.send('a');
    connection.client.send('b');
    assert.equal(await connection.received.next(), 'a');
    assert.equal(await connection.received.next(), 'b');
    connection.server.pause();
    connection.server.resume();
    clock.restore();
    connection.client.send('c');
    assert.equal(await connection.received.next(), 'c');
    assert.deepEqual(await closed(connection), [4001, 4001]);
  });
}

test('nextTick as well: restored before anything is waited for', async () => {
  const connection = await pair({ WebSocket });
  clock = sinon.useFakeTimers({ toFake: ['nextTick', 'setImmediate', 'setTimeout'] });
  connection.client.send('a');
  connection.client.send('b');
  clock.restore();
  connection.client.send('c');
  for (const text of ['a', 'b', 'c']) assert.equal(await connection.received.next(), text);
  assert.deepEqual(await closed(connection), [4001, 4001]);
});
