/**
 * permessage-deflate between our endpoint and a peer, one connection for each set of parameters,
 * with a tap in between: what is agreed, what it comes to on the wire, and that it keeps to it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { deferred, within } from './deadline.mjs';
import { listen } from './listen.mjs';
import { fail, result } from './results.mjs';
import { load, subjectName } from './subject.mjs';
import { tap } from './tap.mjs';

const MEBIBYTE = 2 ** 20;
const OPEN = { server: openToServer, client: openFromClient };

/** Bytes that look random and are the same in every run. */
function noise(length) {
  const blocks = [];
  for (let at = 0; at < length; at += 32) {
    blocks.push(createHash('sha256').update(`${at}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** Words of a small vocabulary, so that every distance up to a window of 2^15 comes up. */
function prose(length) {
  const random = noise(length);
  let text = '';
  for (let at = 0; text.length < length; at += 2) {
    text += `wort${random.readUInt16BE(at) % 1500}-größe `;
  }
  return text.slice(0, length);
}

/** Short enough for zlib to find it again in the smallest window, of which it uses 250 bytes. */
const SMALL = prose(100);

/** The end of the noise comes once more: what went as it was is in nobody's context. */
function messages(size) {
  const end = noise(size).subarray(-200);
  return {
    size,
    whole: [SMALL, SMALL, prose(size), noise(size), end, '', Buffer.alloc(0), SMALL],
    fragmented: Buffer.from(prose(size), 'latin1'),
  };
}

const LARGE = messages(MEBIBYTE);
/** Enough to leave the largest window behind. */
const MEDIUM = messages(100_000);

const TAKEOVER = [
  {},
  { serverNoContextTakeover: true },
  { clientNoContextTakeover: true },
  { serverNoContextTakeover: true, clientNoContextTakeover: true },
];

/** Every window on each side, a small one facing a large one. */
const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15].map((bits) => ({
  serverMaxWindowBits: bits,
  clientMaxWindowBits: 23 - bits,
}));

/** For peers that cannot do with a window of 8 bits, which RFC 7692 has and newer zlibs have not. */
export function fromNineBits({ serverMaxWindowBits, clientMaxWindowBits }) {
  return serverMaxWindowBits !== 8 && clientMaxWindowBits !== 8;
}

const SETS = [...TAKEOVER, ...WINDOWS];

/** Large messages take their time: without parameters and with all of the context let go. */
const saidWith = (asks) => (asks === TAKEOVER[0] || asks === TAKEOVER[3] ? LARGE : MEDIUM);

function nameOf(parameters) {
  const names = Object.entries(parameters).map(([key, value]) =>
    value === true ? key : `${key} ${value}`,
  );
  return names.join(', ') || 'no parameters';
}

/** Whatever is opened is put on `closers`, also if nothing comes of it. */
async function openToServer({ peer, id, deflate, perMessageDeflate }, closers) {
  const { WebSocket } = load(subjectName);
  const wire = await tap(await peer.listen(id, deflate));
  closers.push(wire.close);
  const ours = new WebSocket(wire.base + id, [], { perMessageDeflate });
  closers.push(() => ours.terminate());
  await once(ours, 'open');
  return { ours, wire };
}

async function openFromClient({ peer, id, deflate, perMessageDeflate }, closers) {
  const arrival = deferred();
  const api = load(subjectName);
  const server = await listen(api, 'tcp', undefined, arrival.resolve, { perMessageDeflate });
  closers.push(server.close);
  const wire = await tap(server.base);
  closers.push(wire.close);
  peer.connect({ id, url: wire.base + id, protocols: [], deflate });
  const [ours] = await Promise.all([arrival.promise, peer.opened(id)]);
  closers.push(() => ours.terminate());
  return { ours, wire };
}

/** Says everything there is to say; resolves to what either side has sent, as bytes. */
async function converse(ours, { whole, fragmented }, can) {
  const log = { sent: [], received: [] };
  const heard = async () => {
    const [data, isBinary] = await once(ours, 'message');
    log.received.push(data);
    return { data, isBinary };
  };
  for (const message of whole) {
    const bytes = Buffer.from(message);
    log.sent.push(bytes);
    const answer = heard();
    ours.send(message);
    const { data, isBinary } = await answer;
    assert(bytes.equals(data), `${bytes.length} bytes are echoed as ${data.length} other ones`);
    assert.equal(isBinary, typeof message !== 'string');
  }
  await burst(ours, MEDIUM.whole, log);
  await fragmentsToPeer(ours, fragmented, log, heard);
  if (can.includes('fragments')) await fragmentsFromPeer(ours, log, heard);
  return log;
}

/** Nobody waits for anybody: small messages must not overtake large ones. */
async function burst(ours, messages, log) {
  const before = log.received.length;
  const all = new Promise((resolve) => {
    ours.on('message', function hear(data) {
      log.received.push(data);
      if (log.received.length < before + messages.length) return;
      ours.off('message', hear);
      resolve();
    });
  });
  for (const message of messages) ours.send(message);
  log.sent.push(...messages.map((message) => Buffer.from(message)));
  await all;
  for (const [at, data] of log.received.entries()) {
    assert(log.sent[at].equals(data), `echo ${at} is of another message`);
  }
}

async function fragmentsToPeer(ours, message, log, heard) {
  const answer = heard();
  const pong = once(ours, 'pong');
  const third = Math.ceil(message.length / 3);
  ours.send(message.subarray(0, third), { fin: false });
  ours.ping('between');
  ours.send(message.subarray(third, 2 * third), { fin: false });
  ours.send(message.subarray(2 * third), { fin: true });
  log.sent.push(message);
  assert(message.equals((await answer).data), 'a fragmented message comes back as another');
  assert.equal(`${(await pong)[0]}`, 'between');
}

async function fragmentsFromPeer(ours, log, heard) {
  const order = `do:${JSON.stringify({ fragments: ['eins ', 'zwei ', 'drei'] })}`;
  const answer = heard();
  ours.send(order);
  log.sent.push(Buffer.from(order));
  assert.equal(`${(await answer).data}`, 'eins zwei drei');
}

function assertSame(seen, said, side) {
  assert.equal(seen.length, said.length, `messages of the ${side}`);
  for (const [at, { payload }] of seen.entries()) {
    assert(payload.equals(said[at]), `message ${at} of the ${side} is another on the wire`);
  }
}

/** What can be made shorter is, by a fifth at least. */
function assertShorter(seen, side, size) {
  const incompressible = noise(size);
  for (const { payload, wireLength, compressed } of seen) {
    if (payload.length < size || payload.equals(incompressible)) continue;
    assert(compressed, `the ${side} left ${payload.length} bytes as they are`);
    assert(wireLength < 0.8 * payload.length, `${wireLength} bytes for ${payload.length}`);
  }
}

/** The first two messages are the same: the second one shrinks if the first may be referred to. */
function assertTakeover([first, second], noContextTakeover) {
  if (noContextTakeover) assert.equal(second.wireLength, first.wireLength);
  else assert(second.wireLength < first.wireLength / 2, 'our context is not taken over');
}

function inspect(wire, log, { ourSide, peerSide, agreed, asks, by, compresses, size }) {
  // RFC 7692 §7.1.2.2: a client keeps to what it has offered, whether the response has it or not.
  const offered = by === 'us' && ourSide === 'client' ? asks : {};
  const our = wire.sentBy(ourSide, { clientMaxWindowBits: offered.clientMaxWindowBits, ...agreed });
  const their = wire.sentBy(peerSide, { ...agreed });
  assertSame(our, log.sent, ourSide);
  assertSame(their, log.received, peerSide);
  if (agreed === undefined) {
    assert(![...our, ...their].some(({ compressed }) => compressed));
    return;
  }
  assertShorter(our, ourSide, size);
  const noContextTakeover = agreed[`${ourSide}NoContextTakeover`];
  // RFC 7692 §7.1.1.2: the same for the context, but for `ws`, which goes by the response.
  if (noContextTakeover || !offered.clientNoContextTakeover) assertTakeover(our, noContextTakeover);
  if (compresses) assertShorter(their, peerSide, size);
}

/** What `open` made of it, from the handshake to the last message. */
async function examine({ ours, wire }, { peer, role, can, compresses, agrees }, scenario, id) {
  const { by, asks, said } = scenario;
  const failure = new Promise((_, reject) => {
    ours.on('error', reject);
    ours.on('close', (code, reason) => reject(new Error(`closed by ${code} ${reason}`)));
  });
  failure.catch(() => {});
  const agreed = agrees(asks, by, role);
  assert.deepEqual(wire.agreed(), agreed);
  assert.equal(ours.extensions, agreed === undefined ? '' : 'permessage-deflate');
  const { extensions = wire.extensions() } = await peer.opened(id);
  assert.equal(extensions.startsWith('permessage-deflate'), agreed !== undefined);
  const log = await within(10_000, 'messages', Promise.race([converse(ours, said, can), failure]));
  const [ourSide, peerSide] = role === 'server' ? ['client', 'server'] : ['server', 'client'];
  inspect(wire, log, { ourSide, peerSide, agreed, asks, by, compresses, size: said.size });
}

async function compressed(facing, scenario, id) {
  const { by, asks } = scenario;
  const deflate = by === 'the peer' ? asks : {};
  const perMessageDeflate = { ...(by === 'us' ? asks : {}), threshold: 0 };
  const closers = [];
  try {
    const opening = OPEN[facing.role]({ ...facing, id, deflate, perMessageDeflate }, closers);
    await examine(await within(5_000, 'open', opening), facing, scenario, id);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Without the parameters that are undefined. */
export function given(parameters) {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/**
 * Everything about compression with the peer `name` in its `role`. `start` and `can` are those of
 * `face`. `weAsk` and `peerAsks` say which sets of parameters each side asks for, `agrees(asks, by,
 * role)` what comes of that (undefined: no compression); `compresses` is false for a peer that
 * inflates only.
 */
export async function faceCompressed({
  name,
  role,
  start,
  can = [],
  weAsk = () => true,
  peerAsks = () => false,
  agrees = (asks) => asks,
  compresses = true,
}) {
  const title = `${name} as ${role}, compressed`;
  let peer;
  try {
    peer = await start({});
    const scenarios = [
      ...SETS.filter(weAsk).map((asks) => ({ by: 'us', asks, said: saidWith(asks) })),
      ...SETS.slice(1)
        .filter(peerAsks)
        .map((asks) => ({ by: 'the peer', asks, said: MEDIUM })),
    ];
    const facing = { peer, role, can, compresses, agrees };
    for (const [at, scenario] of scenarios.entries()) {
      await result(`${title}: ${scenario.by} with ${nameOf(scenario.asks)}`, () =>
        compressed(facing, scenario, `/compressed/${at}`),
      );
    }
  } catch (error) {
    fail(title, error);
  } finally {
    await peer?.stop();
  }
}

/** With a peer that has no permessage-deflate: that we ask for it does no harm. */
export function faceUncompressed(peer) {
  const weAsk = (asks) => asks === TAKEOVER[0];
  return faceCompressed({ ...peer, weAsk, agrees: () => undefined });
}
