/** Random bytes and frames in both directions: nothing is lost, and nothing depends on where they are cut. */

import { describe, expect, jest, test } from '@jest/globals';
import { toHar } from '../../../src/recording/har.js';
import { fromHar } from '../../../src/recording/har-import.js';
import { toPcapng } from '../../../src/recording/pcapng.js';
import { formatRecord, parseRecording } from '../../../src/recording/read.js';
import type { Sender } from '../../../src/recording/records.js';
import { TIMEOUT, withSeeds } from '../../fuzz/seeds.js';
import { brokenStream, frameStream } from '../../fuzz/streams.js';
import { randomCuts, type SeededRandom } from '../../support/random.js';
import { DEFLATE, RecordedScene, requestHead, responseHead } from '../../support/recordings.js';

jest.setTimeout(TIMEOUT);

/** What both ends send: mostly a handshake and frames, which may be wrong. */
function randomBytes(random: SeededRandom): Record<Sender, Buffer> {
  const fields = random.next() < 0.5 ? [DEFLATE] : [];
  const noise = () => random.bytes(random.integer(0, 200));
  const frames = () => {
    const stream = random.next() < 0.7 ? frameStream(random, 0.5, true) : brokenStream(random);
    return random.next() < 0.9 ? stream.bytes : noise();
  };
  const head = (text: string) => (random.next() < 0.95 ? Buffer.from(text, 'latin1') : noise());
  return {
    client: Buffer.concat([head(requestHead(...fields)), frames()]),
    server: Buffer.concat([head(responseHead(...fields)), frames()]),
  };
}

/** The chunks of both directions, in a random order, as connections of one recording. */
function record(
  random: SeededRandom,
  bytes: Record<Sender, Buffer>,
  longest: number,
): RecordedScene {
  const scene = new RecordedScene({ maxPayload: random.pick([0, 1000, 100_000]) });
  const chunks = {
    client: randomCuts(bytes.client, random, longest),
    server: randomCuts(bytes.server, random, longest),
  };
  while (chunks.client.length + chunks.server.length > 0) {
    const from = random.next() < 0.5 ? 'client' : 'server';
    const chunk = chunks[from].shift();
    if (chunk !== undefined) scene.send(from, chunk);
  }
  return scene.end('client').end('server');
}

/** All bytes that the records of one end have. */
function bytesOf(scene: RecordedScene, from: Sender): Buffer {
  const own = scene.events.filter((event) => event.from === from);
  return Buffer.concat(
    own.map((event) => {
      if (event.type === 'handshake') return Buffer.from(event.head, 'latin1');
      return Buffer.from(event.type === 'end' ? '' : event.bytes, 'hex');
    }),
  );
}

describe('a recording of random bytes', () => {
  test('has every byte once, in its order', () =>
    withSeeds(60, async (random) => {
      const bytes = randomBytes(random);
      for (const longest of [20, 5000]) {
        const scene = record(random, bytes, longest);
        for (const from of ['client', 'server'] as const) {
          expect(bytesOf(scene, from).equals(bytes[from])).toBe(true);
        }
      }
    }));

  test('is read again as it was written, and can be exported', () =>
    withSeeds(40, async (random) => {
      const scene = record(random, randomBytes(random), 5000);
      const text = scene.records.map(formatRecord).join('');
      const again = parseRecording(text);
      expect(again.map(formatRecord).join('')).toBe(text);
      expect(toPcapng(again).length).toBeGreaterThan(100);
      const frames = fromHar(JSON.stringify(toHar(again))).filter(({ type }) => type === 'frame');
      const wire = (records: readonly object[]) => records.map((one) => Reflect.get(one, 'bytes'));
      expect(wire(frames)).toEqual(wire(scene.frames));
    }));
});
