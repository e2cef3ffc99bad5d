/** What a client of ours sends, a server of ours receives, and the other way round. */
import { describe, expect, jest, test } from '@jest/globals';
import { listen, type Product, productOn, type Role } from '../conformance/subject.js';
import { settled } from '../conformance/turns.js';
import { inShort } from '../conformance/wire-bytes.js';
import { type WireEnd, wirePair } from '../support/duplex-pair.js';
import { randomCuts, type SeededRandom } from '../support/random.js';
import { noise, text } from './noise.js';
import { TIMEOUT, withSeeds } from './seeds.js';

jest.setTimeout(TIMEOUT);

const SIZES = [0, 1, 2, 124, 125, 126, 127, 128, 1000, 4095, 4096, 4097, 16_383, 16_384];
const LARGE_SIZES = [65_534, 65_535, 65_536, 65_537, 200_000];

/** One end: the product, its events, and what it has sent. */
interface End {
  product: Product;
  settled: string[];
  sent: string[];
  pings: string[];
  callbacks: { expected: number; called: number; failed: number };
}

function endOn(wire: WireEnd, role: Role): End {
  const product = productOn(wire, role);
  const callbacks = { expected: 0, called: 0, failed: 0 };
  return { product, settled: listen(product), sent: [], pings: [], callbacks };
}

/** Carries the bytes on from one wire to the other, cut anew. */
function relay(from: WireEnd, to: WireEnd, random: SeededRandom): void {
  const longest = random.pick([7, 100, 1000]);
  from.on('data', (chunk: Buffer) => {
    const most = chunk.length > 5000 ? 70_000 : longest;
    for (const piece of randomCuts(chunk, random, most)) to.write(piece);
  });
  from.on('end', () => to.end());
}

function connect(random: SeededRandom): [End, End] {
  const [clientWire, middleA] = wirePair();
  const [middleB, serverWire] = wirePair();
  relay(middleA, middleB, random);
  relay(middleB, middleA, random);
  return [endOn(clientWire, 'client'), endOn(serverWire, 'server')];
}

function sendPart(end: End, data: Buffer | string, binary: boolean, fin: boolean): void {
  const { callbacks } = end;
  callbacks.expected++;
  end.product.send(data, { binary, fin }, (error) => {
    callbacks.called++;
    if (error !== undefined && error !== null) callbacks.failed++;
  });
}

function ping(end: End, random: SeededRandom): void {
  const payload = random.bytes(random.pick([0, 1, 125]));
  end.product.ping(payload);
  end.pings.push(inShort(payload));
  end.sent.push(`ping ${inShort(payload)}`);
}

/** Sends one message, whole or in fragments, perhaps with Pings between them. */
function message(end: End, random: SeededRandom): void {
  const binary = random.next() < 0.5;
  const size = random.next() < 0.1 ? random.pick(LARGE_SIZES) : random.pick(SIZES);
  const data = binary ? noise(random, size) : text(random, size);
  let offset = 0;
  for (let more = random.pick([0, 0, 0, 1, 4]); more > 0; more--) {
    const to = random.integer(offset, data.length);
    sendPart(end, data.subarray(offset, to), binary, false);
    if (random.next() < 0.3) ping(end, random);
    offset = to;
  }
  const rest = data.subarray(offset);
  const asString = !binary && offset === 0 && random.next() < 0.5;
  sendPart(end, asString ? rest.toString('utf8') : rest, binary, true);
  end.sent.push(`${binary ? 'binary' : 'text'} ${inShort(data)}`);
}

const isPong = (event: string): boolean => event.startsWith('pong');

/** RFC 6455 §5.5.3 lets a busy end answer only the newest Ping: some of them, in order. */
function expectPongsOf(end: End): void {
  const pongs = end.settled.filter(isPong).map((event) => event.slice('pong '.length));
  let next = 0;
  for (const pong of pongs) {
    next = end.pings.indexOf(pong, next) + 1;
    expect(next).toBeGreaterThan(0);
  }
  if (end.pings.length > 0) expect(pongs.at(-1)).toBe(end.pings.at(-1));
}

async function roundTrip(random: SeededRandom): Promise<void> {
  const ends = connect(random);
  const [client, server] = ends;
  const progress = (): number => client.settled.length + server.settled.length;
  for (let count = random.integer(1, 12); count > 0; count--) {
    const end = random.pick(ends);
    if (random.next() < 0.15) ping(end, random);
    else message(end, random);
    if (random.next() < 0.3) await settled(progress, 1);
  }
  await settled(progress, 30);
  for (const end of ends) {
    const other = end === client ? server : client;
    expect(other.settled.filter((event) => !isPong(event))).toEqual(end.sent);
    expectPongsOf(end);
    const { expected } = end.callbacks;
    expect(end.callbacks).toEqual({ expected, called: expected, failed: 0 });
    expect(end.product.bufferedAmount).toBe(0);
  }
  random.pick(ends).product.close(4999, 'enough');
  await settled(progress, 30);
  for (const { settled } of ends) expect(settled.at(-1)).toBe('close 4999 enough');
}

describe('round trip', () => {
  test('messages, fragments and Pings arrive exactly, in order, both ways', () =>
    withSeeds(120, roundTrip));
});
