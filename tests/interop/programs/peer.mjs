/** PeerServer, the signalling server of PeerJS: clients of its own protocol send offers to each other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import express from 'express';
import { ExpressPeerServer } from 'peer';
import WebSocket from 'ws';
import { within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

async function start() {
  const app = express();
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peers = ExpressPeerServer(server, { path: '/signal' });
  app.use('/', peers);
  const { port } = server.address();
  return { server, peers, base: `ws://127.0.0.1:${port}/signal/peerjs?key=peerjs` };
}

/** The next message, as an object. */
const heard = async (ws) => JSON.parse((await within(5_000, 'a message', once(ws, 'message')))[0]);

async function join(base, id) {
  const ws = new WebSocket(`${base}&id=${id}&token=${id}-token`);
  assert.deepEqual(await heard(ws), { type: 'OPEN' });
  return ws;
}

async function sendsOffer({ base }) {
  const [first, second] = [await join(base, 'first'), await join(base, 'second')];
  const offer = heard(second);
  first.send(JSON.stringify({ type: 'OFFER', dst: 'second', payload: { sdp: 'v=0' } }));
  assert.deepEqual(await offer, {
    ...{ type: 'OFFER', src: 'first', dst: 'second' },
    payload: { sdp: 'v=0' },
  });
  const answer = heard(first);
  second.send(JSON.stringify({ type: 'ANSWER', dst: 'first', payload: { sdp: 'v=1' } }));
  assert.equal((await answer).payload.sdp, 'v=1');
  for (const ws of [first, second]) {
    ws.close();
    await once(ws, 'close');
  }
}

async function keepsOffer({ base }) {
  const first = await join(base, 'early');
  first.send(JSON.stringify({ type: 'OFFER', dst: 'late', payload: 'kept' }));
  await new Promise((resolve) => first.ping('', undefined, resolve));
  await once(first, 'pong');
  const ws = new WebSocket(`${base}&id=late&token=t`);
  const messages = [];
  await new Promise((resolve) => {
    ws.on('message', (data) => {
      messages.push(JSON.parse(data).type);
      if (messages.length === 2) resolve();
    });
  });
  assert.deepEqual(messages.sort(), ['OFFER', 'OPEN']);
  for (const one of [first, ws]) {
    one.close();
    await once(one, 'close');
  }
}

async function refusesTaken({ base }) {
  const first = await join(base, 'taken');
  const second = new WebSocket(`${base}&id=taken&token=another`);
  assert.equal((await heard(second)).type, 'ID-TAKEN');
  const [code] = await once(second, 'close');
  assert.equal(code, 1005);
  first.close();
  await once(first, 'close');
}

await runsOn('peer', 'peer');
const started = await start();
await result('peer: an offer and its answer', () => sendsOffer(started));
await result('peer: an offer is kept for who comes later', () => keepsOffer(started));
await result('peer: an id that is taken', () => refusesTaken(started));
started.server.close();
// PeerServer looks after its clients by timers that nothing stops.
process.exit();
