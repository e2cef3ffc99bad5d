/** The client y-websocket, which knows the class by `WebSocketPolyfill`, against a small server of ours. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createDecoder, readVarUint } from 'lib0/decoding';
import { createEncoder, length, toUint8Array, writeVarUint } from 'lib0/encoding';
import WebSocket, { WebSocketServer } from 'ws';
import { readSyncMessage, writeSyncStep1, writeUpdate } from 'y-protocols/sync';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';
import { untilUpdate } from '../support/yjs.mjs';

const SYNC = 0;

/** A message of the protocol, which `write` fills. */
function syncMessage(write) {
  const encoder = createEncoder();
  writeVarUint(encoder, SYNC);
  write(encoder);
  return length(encoder) > 1 ? toUint8Array(encoder) : undefined;
}

function answer(ws, document, data) {
  const decoder = createDecoder(data);
  if (readVarUint(decoder) !== SYNC) return;
  const reply = syncMessage((encoder) => readSyncMessage(decoder, encoder, document, ws));
  if (reply) ws.send(reply);
}

/** Keeps one document and tells each client what the others did to it. */
async function start() {
  const document = new Y.Doc();
  const wss = new WebSocketServer({ port: 0, perMessageDeflate: true });
  wss.on('connection', (ws) => {
    ws.binaryType = 'arraybuffer';
    ws.on('message', (data) => answer(ws, document, new Uint8Array(data)));
    ws.send(syncMessage((encoder) => writeSyncStep1(encoder, document)));
  });
  document.on('update', (update, origin) => {
    const message = syncMessage((encoder) => writeUpdate(encoder, update));
    for (const client of wss.clients) if (client !== origin) client.send(message);
  });
  await once(wss, 'listening');
  return { wss, url: `ws://localhost:${wss.address().port}` };
}

function join(url) {
  const document = new Y.Doc();
  const provider = new WebsocketProvider(url, 'room', document, {
    WebSocketPolyfill: WebSocket,
    disableBc: true,
  });
  return { document, provider };
}

async function converged(members) {
  const texts = members.map(({ document }) => document.getText('text'));
  texts[0].insert(0, 'x'.repeat(200_000));
  for (let number = 0; number < 100; number++) {
    for (const text of texts) text.insert(text.length, `${number} `);
  }
  const whole = 200_000 + 2 * 290;
  await Promise.all(
    members.map(({ document }, index) =>
      untilUpdate(document, () => texts[index].length === whole),
    ),
  );
  assert.equal(texts[0].toString(), texts[1].toString());
}

/** The server drops a client, which comes back by itself. */
async function cameBack([first, second], wss) {
  for (const ws of wss.clients) ws.terminate();
  first.document.getMap('map').set('key', 'after');
  const map = second.document.getMap('map');
  await untilUpdate(second.document, () => map.get('key') === 'after');
}

await runsOn('y-websocket', 'y-websocket');
const { wss, url } = await start();
const members = [join(url), join(url)];
await result('y-websocket: two documents converge', () => converged(members));
await result('y-websocket: clients come back after terminate()', () => cameBack(members, wss));
for (const { provider, document } of members) {
  provider.destroy();
  document.destroy();
}
wss.close();
