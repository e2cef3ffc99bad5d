/** The WebSocket transport of libp2p: a listener and a dialer of its own, raw bytes both ways. */
import assert from 'node:assert/strict';
import { defaultLogger } from '@libp2p/logger';
import { webSockets } from '@libp2p/websockets';
import { multiaddr } from '@multiformats/multiaddr';
import WebSocket from 'ws';
import { deferred, within } from '../support/deadline.mjs';
import { result } from '../support/results.mjs';
import { runsOn } from '../support/runs-on.mjs';

const TIMEOUT = 5_000;

// The listener is a WebSocketServer; the dialer takes the global, as programs put it there.
globalThis.WebSocket = WebSocket;

/** Stands for libp2p's own upgrade to an encrypted, multiplexed connection: there is none. */
function upgrader(onInbound) {
  return {
    upgradeInbound: async (wire) => onInbound(wire),
    upgradeOutbound: async (wire) => wire,
    getConnectionEncrypters: () => new Map(),
    getStreamMuxers: () => new Map(),
  };
}

/** Resolves when `length` bytes are there. */
function collected(wire, length) {
  const { promise, resolve } = deferred();
  const chunks = [];
  wire.addEventListener('message', ({ data }) => {
    chunks.push(Buffer.from(data.subarray()));
    const bytes = Buffer.concat(chunks);
    if (bytes.length >= length) resolve(bytes);
  });
  return within(TIMEOUT, `${length} bytes`, promise);
}

async function start() {
  const transport = webSockets()({ logger: defaultLogger(), events: new EventTarget() });
  const inbound = [];
  const wanted = [];
  const onInbound = (wire) => (wanted.length > 0 ? wanted.shift()(wire) : inbound.push(wire));
  const next = () =>
    inbound.length > 0
      ? Promise.resolve(inbound.shift())
      : new Promise((resolve) => wanted.push(resolve));
  const listener = transport.createListener({ upgrader: upgrader(onInbound) });
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0/ws'));
  const dial = () => {
    const [address] = listener.getAddrs();
    return transport.dial(address, {
      upgrader: upgrader(() => {}),
      signal: AbortSignal.timeout(TIMEOUT),
    });
  };
  return { listener, dial, next };
}

async function exchanges({ dial, next }) {
  const [ours, theirs] = await Promise.all([dial(), within(TIMEOUT, 'inbound', next())]);
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, number) => number % 251));
  const there = collected(theirs, bytes.length);
  for (let at = 0; at < bytes.length; at += 10_000) ours.send(bytes.subarray(at, at + 10_000));
  assert.ok(bytes.equals(await there));
  const back = collected(ours, 4);
  theirs.send(Buffer.from('back'));
  assert.equal(`${await back}`, 'back');
  return [ours, theirs];
}

async function closes([ours, theirs]) {
  const { promise, resolve } = deferred();
  theirs.addEventListener('close', resolve);
  await ours.close({ signal: AbortSignal.timeout(TIMEOUT) });
  await within(TIMEOUT, 'the end', promise);
}

await runsOn('libp2p', '@libp2p/websockets');
const started = await start();
let wires;
await result('libp2p: bytes both ways', async () => {
  wires = await exchanges(started);
});
await result('libp2p: one side closes, the other is told', () => closes(wires));
await started.listener.close();
