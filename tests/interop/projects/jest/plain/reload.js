/** The package loaded again and again, as hot reload does: the copies that nobody uses go away. */
const assert = require('node:assert/strict');
const { createRequire } = require('node:module');
const { test } = require('node:test');
const { closed, pair } = require('../support.js');

const COPIES = 12;

/** A copy of its own, out of Node's cache. */
function load() {
  for (const path of Object.keys(require.cache)) {
    if (path.includes('ws6455')) delete require.cache[path];
  }
  return createRequire(__filename)('ws6455');
}

async function useCopy(references) {
  const WebSocket = load();
  references.push(new WeakRef(WebSocket));
  const connection = await pair({ WebSocket, serverOptions: { perMessageDeflate: true } });
  connection.client.send('a');
  assert.equal(await connection.received.next(), 'a');
  await closed(connection);
}

/** Each turn lets go of what the last one still held. */
async function collect() {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise(setImmediate);
    globalThis.gc();
  }
}

test('nothing is left on process, and the old copies are collected', async () => {
  const count = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);
  const before = count();
  const references = [];
  for (let number = 0; number < COPIES; number++) await useCopy(references);
  assert.deepEqual(count(), before);
  await collect();
  const alive = references.filter((reference) => reference.deref() !== undefined);
  // The newest is still in Node's cache; one more may be held by what runs.
  assert.ok(alive.length <= 2, `${alive.length} of ${COPIES} copies are still there`);
});
