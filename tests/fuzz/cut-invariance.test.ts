/** However the bytes are cut, the application gets the same events and the peer the same bytes. */
import { describe, expect, jest, test } from '@jest/globals';
import { Scene, type Settings } from '../conformance/subject.js';
import { turn } from '../conformance/turns.js';
import { byteByByte, randomCuts, type SeededRandom } from '../support/random.js';
import { TIMEOUT, withSeeds } from './seeds.js';
import { frameStream, type Stream } from './streams.js';

jest.setTimeout(TIMEOUT);

interface Result {
  events: string[];
  sent: string[];
  faults: string[];
  reason: string | undefined;
  endedFirst: boolean;
}

type Prepare = (scene: Scene) => void;

const nothing: Prepare = () => {};

/** Sends every message back. */
const echo: Prepare = ({ product }) => {
  product.on('message', (data: Buffer, binary: boolean) => product.send(data, { binary }));
};

/** Pauses at every second message or Ping and goes on a turn later. */
const pausing: Prepare = ({ product }) => {
  let count = 0;
  const pause = (): void => {
    if (++count % 2 === 0) return;
    product.pause();
    setImmediate(() => product.resume());
  };
  product.on('message', pause);
  product.on('ping', pause);
};

async function result(
  stream: Stream,
  chunks: Buffer[],
  prepare: Prepare,
  settings: Settings = {},
): Promise<Result> {
  const scene = new Scene(stream.role, settings);
  prepare(scene);
  await turn();
  for (const [i, chunk] of chunks.entries()) {
    scene.inject(chunk);
    if (i % 64 === 63) await turn();
  }
  await scene.settled();
  const endedFirst = scene.peer.ended;
  await scene.finish();
  const { peer, events } = scene;
  const { faults } = peer.reader;
  return { events, sent: peer.sent, faults, reason: peer.closing?.reason, endedFirst };
}

function cutsOf(bytes: Buffer, random: SeededRandom): Buffer[][] {
  const longest = [3, 20, 200, 5000].map((most) => randomCuts(bytes, random, most));
  if (bytes.length > 3000) return longest.slice(2);
  return [byteByByte(bytes), ...longest];
}

async function check(stream: Stream, random: SeededRandom, prepare: Prepare): Promise<void> {
  const whole = await result(stream, [stream.bytes], prepare);
  expect(whole.faults).toEqual([]);
  for (const chunks of cutsOf(stream.bytes, random)) {
    expect(await result(stream, chunks, prepare)).toEqual(whole);
  }
}

describe('cut invariance', () => {
  test('legal streams and streams with a mistake', () =>
    withSeeds(150, (random) => check(frameStream(random, 0.5, true), random, nothing)));

  test('with replies', () =>
    withSeeds(100, (random) => check(frameStream(random, 0.3, false), random, echo)));

  test('with an application that pauses', () =>
    withSeeds(60, async (random) => {
      const stream = frameStream(random, 0.5, false);
      const straight = await result(stream, [stream.bytes], nothing);
      for (const chunks of [[stream.bytes], ...cutsOf(stream.bytes, random).slice(0, 3)]) {
        expect(await result(stream, chunks, pausing)).toEqual(straight);
      }
    }));

  test('with one event per turn', () =>
    withSeeds(40, async (random) => {
      const stream = frameStream(random, 0.5, false);
      const straight = await result(stream, [stream.bytes], nothing);
      for (const chunks of [[stream.bytes], ...cutsOf(stream.bytes, random).slice(0, 3)]) {
        const slow = { allowSynchronousEvents: false };
        expect(await result(stream, chunks, nothing, slow)).toEqual(straight);
      }
    }));
});
