/** What is said between our endpoint and a peer, whichever of the two is the server. */
import { deepStrictEqual, strictEqual } from 'node:assert';
import { once } from 'node:events';
import { SUBPROTOCOL } from '../puppets/subprotocol.mjs';
import { within } from './deadline.mjs';

const MEBIBYTE = 2 ** 20;
const TEXT = 'Grüße, 世界 🌍 \u0000 \ufeff';
const REASON = 'genug für heute 🌙';

/** `ours` is our WebSocket, open; `peer` a Puppet, `id` the connection's name there. */
export const EXCHANGES = [
  { name: 'text of one to four bytes a character', run: ({ ours }) => echoed(ours, TEXT) },
  { name: 'binary', run: ({ ours }) => echoed(ours, allBytes()) },
  { name: 'empty text', run: ({ ours }) => echoed(ours, '') },
  { name: 'empty binary', run: ({ ours }) => echoed(ours, Buffer.alloc(0)) },
  { name: '1 MiB of text', run: ({ ours }) => echoed(ours, 'ä'.repeat(MEBIBYTE / 2)) },
  { name: '1 MiB of binary', run: ({ ours }) => echoed(ours, Buffer.alloc(MEBIBYTE, allBytes())) },
  { name: 'many messages keep their order', run: inOrder },
  { name: 'a fragmented text to the peer, a ping between its frames', run: fragmentsToPeer },
  { name: 'a fragmented binary to the peer', run: binaryFragmentsToPeer },
  { name: 'a fragmented message from the peer', needs: 'fragments', run: fragmentsFromPeer },
  { name: 'our ping is answered', run: ourPing },
  { name: 'their ping is answered', needs: 'ping', run: theirPing },
  { name: 'a subprotocol is agreed', protocols: ['chat.v1', SUBPROTOCOL], run: subprotocol },
  { name: 'closed by us with code and reason', run: closedByUs },
  { name: 'closed by us without a code', run: closedByUsWithoutCode },
  { name: 'closed by the peer with code and reason', run: closedByPeer },
  { name: 'closed by the peer without a code', needs: 'emptyClose', run: closedByPeerWithoutCode },
  { name: 'dropped by us is 1006 there', run: droppedByUs },
  { name: 'dropped by the peer is 1006 here', needs: 'drop', run: droppedByPeer },
  { name: 'left for another page is 1001 here', needs: 'leave', run: pageLeft },
];

function allBytes() {
  return Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
}

function order(ours, what) {
  ours.send(`do:${JSON.stringify(what)}`);
}

async function received(ours) {
  const [data, isBinary] = await once(ours, 'message');
  return { data, isBinary };
}

async function echoed(ours, message) {
  const answer = received(ours);
  ours.send(message);
  const { data, isBinary } = await answer;
  strictEqual(isBinary, typeof message !== 'string');
  if (!Buffer.from(message).equals(data)) throw new Error(`echoed as ${data.length} other bytes`);
}

async function inOrder({ ours }) {
  const expected = Array.from({ length: 200 }, (_, at) => `${at}`);
  const answers = [];
  const all = new Promise((resolve) => {
    ours.on('message', (data) => answers.push(`${data}`) === expected.length && resolve());
  });
  for (const text of expected) ours.send(text);
  await all;
  deepStrictEqual(answers, expected);
}

async function fragmentsToPeer({ ours }) {
  const answer = received(ours);
  const pong = once(ours, 'pong');
  const bytes = Buffer.from('äöü');
  ours.send(bytes.subarray(0, 3), { fin: false, binary: false });
  ours.ping('between');
  ours.send('', { fin: false });
  ours.send(bytes.subarray(3), { fin: true, binary: false });
  const { data, isBinary } = await answer;
  strictEqual(`${data}`, 'äöü');
  strictEqual(isBinary, false);
  strictEqual(`${(await pong)[0]}`, 'between');
}

async function binaryFragmentsToPeer({ ours }) {
  const answer = received(ours);
  ours.send(allBytes(), { fin: false });
  ours.send(allBytes(), { fin: true });
  const { data, isBinary } = await answer;
  deepStrictEqual(data, Buffer.alloc(512, allBytes()));
  strictEqual(isBinary, true);
}

async function fragmentsFromPeer({ ours }) {
  const message = received(ours);
  order(ours, { fragments: ['eins ', 'zwei ', 'drei'] });
  const { data, isBinary } = await message;
  strictEqual(`${data}`, 'eins zwei drei');
  strictEqual(isBinary, false);
}

async function ourPing({ ours }) {
  const pong = once(ours, 'pong');
  ours.ping('are you there?');
  strictEqual(`${(await pong)[0]}`, 'are you there?');
}

async function theirPing({ ours }) {
  const ping = once(ours, 'ping');
  const message = received(ours);
  order(ours, { ping: 'and you?' });
  strictEqual(`${(await ping)[0]}`, 'and you?');
  strictEqual(`${(await message).data}`, 'pong and you?');
}

async function subprotocol({ ours, peer, id }) {
  strictEqual(ours.protocol, SUBPROTOCOL);
  strictEqual((await peer.opened(id)).protocol, SUBPROTOCOL);
}

/** What both sides say of the end, in one form. */
async function ends({ ours, peer, id }, start) {
  const here = once(ours, 'close');
  start();
  const [code, reason] = await here;
  return { here: { code, reason: `${reason}` }, there: await peer.closed(id) };
}

async function closedByUs(exchange) {
  const { here, there } = await ends(exchange, () => exchange.ours.close(4001, REASON));
  deepStrictEqual(there, { code: 4001, reason: REASON });
  // RFC 6455 §5.5.1: an answer typically echoes the code; the reason is the peer's affair.
  const echo = exchange.can.includes('echoReason') ? REASON : '';
  deepStrictEqual(here, { code: exchange.oddities.answer ?? 4001, reason: echo });
}

async function closedByUsWithoutCode(exchange) {
  const { here, there } = await ends(exchange, () => exchange.ours.close());
  deepStrictEqual(there, { code: exchange.oddities.empty ?? 1005, reason: '' });
  deepStrictEqual(here, { code: exchange.oddities.answerToEmpty ?? 1005, reason: '' });
}

async function closedByPeer(exchange) {
  const { here, there } = await ends(exchange, () =>
    order(exchange.ours, { close: [4002, REASON] }),
  );
  deepStrictEqual(here, { code: 4002, reason: REASON });
  deepStrictEqual(there, { code: 4002, reason: REASON });
}

async function closedByPeerWithoutCode(exchange) {
  const { here, there } = await ends(exchange, () => order(exchange.ours, { close: [] }));
  deepStrictEqual(here, { code: 1005, reason: '' });
  deepStrictEqual(there, { code: 1005, reason: '' });
}

async function droppedByUs(exchange) {
  const { here, there } = await ends(exchange, () => exchange.ours.terminate());
  deepStrictEqual(here, { code: 1006, reason: '' });
  deepStrictEqual(there, { code: exchange.oddities.drop ?? 1006, reason: '' });
}

/** The peer goes with its connection, and can tell no more: only our side is asked. */
async function endsHere({ ours }, what) {
  const here = once(ours, 'close');
  order(ours, what);
  const [code, reason] = await here;
  return { code, reason: `${reason}` };
}

async function droppedByPeer(exchange) {
  deepStrictEqual(await endsHere(exchange, { drop: true }), { code: 1006, reason: '' });
}

async function pageLeft(exchange) {
  deepStrictEqual(await endsHere(exchange, { leave: true }), { code: 1001, reason: '' });
}

/** Runs one exchange on a connection of its own, opened by `open(id, protocols)`. */
export async function exchange({ run, protocols = [] }, { peer, can, oddities }, id, open) {
  const ours = await within(5_000, 'open', open(id, protocols));
  const failure = new Promise((_, reject) => ours.on('error', reject));
  try {
    await within(
      5_000,
      'exchange',
      Promise.race([run({ ours, peer, can, oddities, id }), failure]),
    );
  } finally {
    ours.terminate();
  }
}
