/** F15: whatever bytes come, nothing is thrown, and at most one 'error' comes, then 'close'. */

import { describe, expect, jest, test } from '@jest/globals';
import { peerFrame } from '../conformance/rows.js';
import { ROLES, type Role, Scene } from '../conformance/subject.js';
import { OPCODE } from '../support/frames.js';
import { randomCuts, type SeededRandom } from '../support/random.js';
import { TIMEOUT, withSeeds } from './seeds.js';
import { brokenStream, type Stream } from './streams.js';

jest.setTimeout(TIMEOUT);

const FAILURE_CODES = [1002, 1007, 1008, 1009];

/** First bytes that are more likely to lead somewhere than others. */
const FIRST_BYTES = [0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x89, 0x8a, 0x88, 0xc1, 0x83];

/** Random bytes; behind a plausible beginning, so that they do not all fail at once. */
function randomStream(random: SeededRandom): Stream {
  const role = random.pick(ROLES);
  const bytes = random.bytes(random.integer(0, 200));
  if (bytes.length > 1 && random.next() < 0.7) {
    bytes[0] = random.pick(FIRST_BYTES);
    bytes[1] = (role === 'server' ? 0x80 : 0) | random.pick([0, 1, 2, 5, 60, 125, 126, 127]);
  }
  return { role, bytes };
}

/** The events must be: any, then perhaps one 'error', then exactly one 'close', the last. */
function expectOneEnd(scene: Scene): void {
  const { events, peer } = scene;
  const kinds = events.map((event) => event.split(' ')[0]);
  const errors = kinds.filter((kind) => kind === 'error').length;
  expect(errors).toBeLessThanOrEqual(1);
  expect(kinds.filter((kind) => kind === 'close').length).toBe(1);
  expect(kinds.at(-1)).toBe('close');
  if (errors === 1) {
    expect(kinds.at(-2)).toBe('error');
    expect(events.at(-1)).toBe('close 1006');
    expect(events.at(-2)).toMatch(/^error WS_ERR_/);
    expect(FAILURE_CODES).toContain(peer.closing?.code);
  }
  expect(peer.reader.faults).toEqual([]);
  expect(peer.reader.rest).toBe(0);
}

/** After the end, nothing is sent and no event comes. */
async function expectSilence(scene: Scene, role: Role): Promise<void> {
  const before = [scene.events.length, scene.peer.received];
  const ping = peerFrame(role, { opcode: OPCODE.PING, payload: 'still there?' });
  await scene.feed([ping, peerFrame(role, { payload: 'late' })]);
  expect([scene.events.length, scene.peer.received]).toEqual(before);
}

async function survive({ role, bytes }: Stream, random: SeededRandom): Promise<void> {
  const scene = new Scene(role);
  await scene.feed(random.next() < 0.5 ? [bytes] : randomCuts(bytes, random));
  if (scene.events.some((event) => event.startsWith('error'))) await expectSilence(scene, role);
  await scene.finish();
  expectOneEnd(scene);
}

describe('F15: bytes that nobody meant', () => {
  test('random bytes', () => withSeeds(500, (random) => survive(randomStream(random), random)));

  test('legal streams with bytes changed', () =>
    withSeeds(700, (random) => survive(brokenStream(random), random)));
});
