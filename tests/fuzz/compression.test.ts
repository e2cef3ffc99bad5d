/** Compression under random streams, random cuts and random bytes, and between our own two ends. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, jest, test } from '@jest/globals';
import { CompressedScene, type CompressedSettings } from '../conformance/compressed-scene.js';
import { peerFrame } from '../conformance/rows.js';
import { listen, type Product, ROLES, type Role } from '../conformance/subject.js';
import { inShort } from '../conformance/wire-bytes.js';
import { Compressor } from '../support/deflate.js';
import { closePayload, type FrameOptions, OPCODE } from '../support/frames.js';
import { until } from '../support/inbox.js';
import { byteByByte, randomCuts, type SeededRandom } from '../support/random.js';
import { Scope } from '../support/scope.js';
import { connectPair, type Loose } from '../support/websockets.js';
import { noise, text } from './noise.js';
import { TIMEOUT, withSeeds } from './seeds.js';

jest.setTimeout(TIMEOUT);

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = OPCODE;
const SIZES = [0, 1, 5, 20, 125, 126, 300, 1000, 5000];
/** The last one is inflated in the thread pool. */
const LARGE_SIZES = [65_535, 70_000, 400_000];

/** Text that repeats itself, like what is worth compressing, or noise. */
function content(random: SeededRandom, opcode: number, large: boolean): Buffer {
  const size = random.pick(large && random.next() < 0.1 ? LARGE_SIZES : SIZES);
  if (random.next() < 0.3) return opcode === TEXT ? text(random, size) : noise(random, size);
  const unit = text(random, random.integer(1, 60));
  return Buffer.concat(Array<Buffer>(Math.ceil(size / unit.length)).fill(unit));
}

function control(random: SeededRandom): FrameOptions {
  return { opcode: random.pick([PING, PONG]), payload: random.bytes(random.pick([0, 1, 125])) };
}

function inFragments(random: SeededRandom, first: FrameOptions, payload: Buffer): FrameOptions[] {
  const frames: FrameOptions[] = [];
  let offset = 0;
  for (let more = random.pick([0, 0, 1, 2, 6]); more > 0; more--) {
    const end = random.integer(offset, payload.length);
    const opening = offset === 0 && frames.length === 0;
    const kind = opening ? first : { opcode: CONTINUATION };
    frames.push({ ...kind, fin: false, payload: payload.subarray(offset, end) });
    if (random.next() < 0.3) frames.push(control(random));
    offset = end;
  }
  const kind = frames.length === 0 ? first : { opcode: CONTINUATION };
  return [...frames, { ...kind, payload: payload.subarray(offset) }];
}

interface Stream {
  role: Role;
  settings: CompressedSettings;
  bytes: Buffer;
}

/** Parameters for the peer's side, as both roles agree on them. */
function peerSettings(random: SeededRandom, role: Role): CompressedSettings {
  const peer = role === 'server' ? 'client' : 'server';
  const bits = random.pick([undefined, 9, 11, 15]);
  const alone = random.next() < 0.3;
  const answer = [
    'permessage-deflate',
    ...(alone ? [`${peer}_no_context_takeover`] : []),
    ...(bits === undefined ? [] : [`${peer}_max_window_bits=${bits}`]),
  ].join('; ');
  const perMessageDeflate = {
    ...(alone && { [`${peer}NoContextTakeover`]: true }),
    ...(bits !== undefined && { [`${peer}MaxWindowBits`]: bits }),
  };
  return { offer: answer, answer, perMessageDeflate };
}

/** Makes a stream wrong somewhere, or not: bytes changed in a payload, a bit of RSV, a cut. */
function spoil(random: SeededRandom, frames: FrameOptions[]): FrameOptions[] {
  const at = random.integer(0, frames.length - 1);
  return frames.map((frame, i) => {
    if (i !== at) return frame;
    const payload = Buffer.from(frame.payload ?? '');
    const kind = random.integer(0, 3);
    if (kind === 0) return { ...frame, rsv: random.integer(1, 7) };
    if (kind === 1)
      return { ...frame, payload: payload.subarray(0, random.integer(0, payload.length)) };
    if (kind === 2) return { ...frame, payload: Buffer.concat([payload, random.bytes(3)]) };
    for (let n = random.integer(1, 3); n > 0 && payload.length > 0; n--) {
      payload[random.integer(0, payload.length - 1)] = random.integer(0, 255);
    }
    return { ...frame, payload };
  });
}

async function compressedStream(
  random: SeededRandom,
  wrong: number,
  large: boolean,
): Promise<Stream> {
  const role = random.pick(ROLES);
  const settings = peerSettings(random, role);
  const scene = await CompressedScene.open(role, settings);
  const side = role === 'server' ? 'client' : 'server';
  const compressor = new Compressor(scene.agreement[side]);
  await scene.finish();
  const frames: FrameOptions[] = [];
  for (let count = random.integer(1, 8); count > 0; count--) {
    if (random.next() < 0.2) frames.push(control(random));
    const opcode = random.pick([TEXT, BINARY]);
    const payload = content(random, opcode, large);
    const plain = random.next() < 0.3;
    const sent = plain ? payload : await compressor.message(payload);
    frames.push(...inFragments(random, { opcode, rsv: plain ? 0 : 4 }, sent));
  }
  if (random.next() < 0.3) frames.push({ opcode: CLOSE, payload: closePayload(1000, 'bye') });
  compressor.close();
  const all = random.next() < wrong ? spoil(random, frames) : frames;
  const mask = (): Partial<FrameOptions> => (role === 'server' ? { mask: random.bytes(4) } : {});
  return {
    role,
    settings,
    bytes: Buffer.concat(all.map((one) => peerFrame(role, { ...one, ...mask() }))),
  };
}

interface Result {
  events: string[];
  heard: string[];
  faults: string[];
  reason: string | undefined;
  endedFirst: boolean;
}

type Prepare = (product: Product) => void;

const nothing: Prepare = () => {};

/** Sends every message back. */
const echo: Prepare = (product) => {
  product.on('message', (data: Buffer, binary: boolean) => product.send(data, { binary }));
};

/** Pauses at every second message and goes on a turn later. */
const pausing: Prepare = (product) => {
  let count = 0;
  product.on('message', () => {
    if (++count % 2 === 0) return;
    product.pause();
    setImmediate(() => product.resume());
  });
};

async function result(
  { role, settings }: Stream,
  chunks: Buffer[],
  prepare: Prepare,
  more: CompressedSettings = {},
): Promise<Result> {
  const scene = await CompressedScene.open(role, { ...settings, ...more });
  prepare(scene.product);
  await scene.feed(chunks);
  const endedFirst = scene.peer.ended;
  await scene.finish();
  const { peer, events } = scene;
  const { faults, heard } = peer.reader;
  const data = heard.filter(({ opcode }) => opcode < 8);
  return {
    events,
    heard: data.map(({ opcode, payload }) => `${opcode} ${inShort(payload)}`),
    faults,
    reason: peer.closing?.reason,
    endedFirst,
  };
}

function cutsOf(bytes: Buffer, random: SeededRandom): Buffer[][] {
  const cuts = [20, 300, 9000].map((most) => randomCuts(bytes, random, most));
  return bytes.length > 3000 ? cuts.slice(1) : [byteByByte(bytes), ...cuts];
}

describe('cut invariance with compression', () => {
  async function check(stream: Stream, random: SeededRandom, prepare: Prepare): Promise<void> {
    const whole = await result(stream, [stream.bytes], prepare);
    expect(whole.faults).toEqual([]);
    for (const chunks of cutsOf(stream.bytes, random)) {
      expect(await result(stream, chunks, prepare)).toEqual(whole);
    }
  }

  test('legal streams and streams with a mistake', () =>
    withSeeds(20, async (random) =>
      check(await compressedStream(random, 0.5, true), random, nothing),
    ));

  test('with replies', () =>
    withSeeds(10, async (random) => check(await compressedStream(random, 0, false), random, echo)));

  test('with an application that pauses, or takes one event per turn', () =>
    withSeeds(10, async (random) => {
      const stream = await compressedStream(random, 0.5, true);
      const straight = await result(stream, [stream.bytes], nothing);
      for (const chunks of [[stream.bytes], ...cutsOf(stream.bytes, random).slice(0, 1)]) {
        expect(await result(stream, chunks, pausing)).toEqual(straight);
        const slow = { allowSynchronousEvents: false };
        expect(await result(stream, chunks, nothing, slow)).toEqual(straight);
      }
    }));
});

describe('bytes that nobody meant, as compressed payloads', () => {
  const FAILURE_CODES = [1002, 1007, 1009];

  /** Noise, or a message with bytes changed. */
  function payload(random: SeededRandom): Buffer {
    if (random.next() < 0.5) return random.bytes(random.integer(0, 100));
    const unit = text(random, 40);
    const bytes = deflateRawSync(Buffer.concat([unit, unit, unit]), { finishFlush: 2 });
    for (let n = random.integer(1, 4); n > 0; n--) {
      bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
    }
    return bytes.subarray(0, -4);
  }

  /** Bytes come, and with them perhaps a failure: then silence. */
  async function survive(random: SeededRandom): Promise<void> {
    const role = random.pick(ROLES);
    const scene = await CompressedScene.open(role, { maxPayload: 100_000 });
    const frames = Array.from({ length: random.integer(1, 4) }, () =>
      inFragments(random, { rsv: 4, opcode: random.pick([TEXT, BINARY]) }, payload(random)),
    );
    const bytes = Buffer.concat(frames.flat().map((frame) => scene.frame(frame)));
    await scene.feed(random.next() < 0.5 ? [bytes] : randomCuts(bytes, random));
    const errors = scene.events.filter((event) => event.startsWith('error '));
    if (errors.length > 0) {
      const before = [scene.events.length, scene.peer.received];
      await scene.feed([scene.frame({ opcode: PING }), scene.frame({ payload: 'late' })]);
      expect([scene.events.length, scene.peer.received]).toEqual(before);
    }
    await scene.finish();
    const kinds = scene.events.map((event) => event.split(' ')[0]);
    expect(kinds.filter((kind) => kind === 'close' || kind === 'error')).toEqual(
      errors.length > 0 ? ['error', 'close'] : ['close'],
    );
    expect(scene.events.at(-1)).toBe('close 1006');
    if (errors.length > 0) expect(FAILURE_CODES).toContain(scene.peer.closing?.code);
    expect(scene.peer.reader.faults).toEqual([]);
  }

  test('are delivered or refused, once', () => withSeeds(75, survive));
});

/** One end of ours, its events, and what it has sent. */
interface End {
  product: Product;
  settled: string[];
  sent: string[];
  called: number[];
}

describe('round trip with compression', () => {
  const flag = (random: SeededRandom): boolean | undefined =>
    random.next() < 0.3 ? true : undefined;
  const bits = (random: SeededRandom): number | undefined => random.pick([undefined, 9, 12, 15]);

  function options(random: SeededRandom): Loose {
    const perMessageDeflate = {
      threshold: random.pick([undefined, 0, 100]),
      serverNoContextTakeover: flag(random),
      clientNoContextTakeover: flag(random),
      zlibDeflateOptions: random.pick([undefined, { level: 1 }, { memLevel: 9, level: 9 }]),
    };
    return { perMessageDeflate };
  }

  /** The window bits of one side only, so that both always agree. */
  function serverOptions(random: SeededRandom): Loose {
    const { perMessageDeflate } = options(random) as { perMessageDeflate: object };
    const windows = { serverMaxWindowBits: bits(random), clientMaxWindowBits: bits(random) };
    return { perMessageDeflate: { ...perMessageDeflate, ...windows } };
  }

  function endOf(face: unknown): End {
    const product = face as Product;
    return { product, settled: listen(product), sent: [], called: [] };
  }

  function message(end: End, random: SeededRandom): void {
    const opcode = random.pick([TEXT, BINARY]);
    const data = content(random, opcode, true);
    const compress = random.next() < 0.8;
    let offset = 0;
    const part = (to: number, fin: boolean): void => {
      const number = end.called.length;
      end.called.push(0);
      const options = { binary: opcode === BINARY, fin, compress };
      end.product.send(data.subarray(offset, to), options, (error) => {
        end.called[number] = (end.called[number] ?? 0) + (error ? 100 : 1);
      });
      offset = to;
    };
    for (let more = random.pick([0, 0, 0, 1, 3]); more > 0; more--) {
      part(random.integer(offset, data.length), false);
      if (random.next() < 0.3) end.product.ping('between');
    }
    part(data.length, true);
    end.sent.push(`${opcode === TEXT ? 'text' : 'binary'} ${inShort(data)}`);
  }

  const messages = ({ settled }: End): string[] =>
    settled.filter((event) => /^(text|binary) /.test(event));

  async function roundTrip(random: SeededRandom): Promise<void> {
    const scope = new Scope();
    try {
      const { client, ws } = await connectPair(scope, serverOptions(random), options(random));
      expect(client.extensions).toMatch(/^permessage-deflate/);
      const ends = [endOf(client), endOf(ws)] as const;
      for (let count = random.integer(3, 15); count > 0; count--) {
        message(random.pick(ends), random);
        if (random.next() < 0.2) await new Promise((go) => setImmediate(go));
      }
      const [one, other] = ends;
      const arrived = (): boolean =>
        messages(one).length === other.sent.length && messages(other).length === one.sent.length;
      await until(arrived, 'all messages', 10_000);
      expect(messages(one)).toEqual(other.sent);
      expect(messages(other)).toEqual(one.sent);
      const idle = (): boolean =>
        ends.every(({ called, product }) => !called.includes(0) && product.bufferedAmount === 0);
      await until(idle, 'all callbacks');
      for (const { called } of ends) expect(called.every((times) => times === 1)).toBe(true);
      random.pick(ends).product.close(4999, 'enough');
      await until(
        () => ends.every(({ settled }) => settled.at(-1) === 'close 4999 enough'),
        'the end',
      );
    } finally {
      await scope.close();
    }
  }

  test('messages and fragments arrive exactly, in order, both ways', () =>
    withSeeds(30, roundTrip));
});
