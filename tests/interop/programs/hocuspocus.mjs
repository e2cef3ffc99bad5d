/** Hocuspocus, server and provider: two Yjs documents become one. */
import assert from 'node:assert/strict';
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import { Server } from '@hocuspocus/server';
import WebSocket from 'ws';
import * as Y from 'yjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { told, untilUpdate } from '../support/yjs.mjs';

const options = { quiet: true, stopOnSignals: false, port: 0, address: '127.0.0.1' };

async function start() {
  const server = new Server(
    {
      ...options,
      onAuthenticate: async ({ token }) => {
        if (token !== 'secret') throw new Error('not you');
      },
    },
    { perMessageDeflate: { threshold: 256 } },
  );
  await server.listen();
  return { server, url: `ws://localhost:${server.address.port}` };
}

/** A document of its own that a connection of its own keeps in step. */
async function open(url, token = 'secret') {
  const socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket });
  const document = new Y.Doc();
  const provider = new HocuspocusProvider({
    name: 'notes',
    document,
    token,
    websocketProvider: socket,
  });
  provider.attach();
  return { socket, provider, document };
}

const synced = async ({ provider }) => {
  if (!provider.isSynced) await told(provider, 'synced');
};

const has = ({ document }, key) => untilUpdate(document, () => document.getMap('map').has(key));

async function converged(members) {
  const [first, second] = members;
  await Promise.all(members.map(synced));
  const texts = members.map(({ document }) => document.getText('text'));
  for (let number = 0; number < 100; number++) {
    texts[0].insert(0, `a${number} `);
    texts[1].insert(texts[1].length, `b${number} `);
  }
  texts[0].insert(0, 'x'.repeat(300_000));
  first.document.getMap('map').set('first', true);
  second.document.getMap('map').set('second', new Uint8Array(5000));
  await Promise.all([has(first, 'second'), has(second, 'first')]);
  assert.equal(texts[0].toString(), texts[1].toString());
  assert.ok(texts[0].length > 300_000);
  assert.deepEqual(Y.encodeStateVector(first.document), Y.encodeStateVector(second.document));
}

/** What happened while one was away is there when it is back. */
async function rejoined([first, second]) {
  const away = told(second.socket, 'disconnect');
  second.socket.disconnect();
  await away;
  first.document.getMap('map').set('meanwhile', 1);
  second.document.getMap('map').set('apart', 2);
  await second.socket.connect();
  await Promise.all([has(second, 'meanwhile'), has(first, 'apart')]);
}

async function refused(url) {
  const { socket, provider } = await open(url, 'guess');
  const { reason } = await told(provider, 'authenticationFailed');
  assert.equal(reason, 'permission-denied');
  provider.destroy();
  socket.destroy();
}

await runsOn('hocuspocus', '@hocuspocus/server', '@hocuspocus/provider');
const { server, url } = await start();
const members = [await open(url), await open(url)];
await result('hocuspocus: two documents converge', () => converged(members));
await result('hocuspocus: and again after a time apart', () => rejoined(members));
await result('hocuspocus: a wrong token', () => refused(url));
for (const { provider, socket } of members) {
  provider.destroy();
  socket.destroy();
}
await server.destroy();
