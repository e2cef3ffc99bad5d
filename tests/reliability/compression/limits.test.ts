/** `maxPayload`, garbage and windows: D2, D3, D5 and D6 of THREATS.md. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { CompressedScene } from '../../conformance/compressed-scene.js';
import { ROLES } from '../../conformance/subject.js';
import { inShort } from '../../conformance/wire-bytes.js';
import { OPCODE } from '../../support/frames.js';
import { randomCuts, SeededRandom } from '../../support/random.js';
import { useScope } from '../../support/scope.js';
import { codeOf, deflated, letters, useCompressed } from './scene.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const scope = useScope();
const open = useCompressed(scope);
const { CONTINUATION, BINARY } = OPCODE;

describe.each(ROLES)('D2: as a %s, maxPayload', (role) => {
  /** Up to where messages are inflated at once, and far above. */
  const SIZES = [1, 5, 1000, 65_536, 300_000, 3_000_000];

  async function outcome(limit: number, payloads: Buffer[]): Promise<unknown[]> {
    const scene = await open(role, { maxPayload: limit });
    const frames = payloads.map((payload, i) =>
      scene.frame({
        opcode: i === 0 ? BINARY : CONTINUATION,
        rsv: i === 0 ? 4 : 0,
        fin: i === payloads.length - 1,
        payload,
      }),
    );
    scene.peer.write(frames);
    await scene.until(() => scene.events.length > 0);
    await scene.settled();
    return [scene.events[0]?.replace(/ .*/, ''), codeOf(scene)];
  }

  test.each(SIZES)('of %d bytes lets exactly as much pass', async (size) => {
    for (const make of [Buffer.alloc, (n: number) => letters(n, n)]) {
      const payload = deflated(make(size));
      // The wire's own bytes are counted too, where nothing was gained.
      const limit = Math.max(size, payload.length);
      const halves = [
        payload.subarray(0, payload.length >> 1),
        payload.subarray(payload.length >> 1),
      ];
      expect(await outcome(limit, [payload])).toEqual(['binary', undefined]);
      expect(await outcome(limit, halves)).toEqual(['binary', undefined]);
    }
  });

  test.each(SIZES)('of %d bytes lets not one byte more pass', async (size) => {
    for (const make of [Buffer.alloc, (n: number) => letters(n, n)]) {
      const payload = deflated(make(size + 1));
      const halves = [
        payload.subarray(0, payload.length >> 1),
        payload.subarray(payload.length >> 1),
      ];
      expect(await outcome(size, [payload])).toEqual(['error', 1009]);
      expect(await outcome(size, halves)).toEqual(['error', 1009]);
    }
  });

  const zerosIn = (count: number): Buffer => deflateRawSync(Buffer.alloc(count));
  test('counts behind last blocks too', async () => {
    const two = Buffer.concat([zerosIn(500), zerosIn(500), Buffer.alloc(1)]);
    expect(await outcome(1000, [two])).toEqual(['binary', undefined]);
    expect(await outcome(999, [two])).toEqual(['error', 1009]);
    expect(await outcome(500, [two])).toEqual(['error', 1009]);
  });

  test('may be used up by a last block', async () => {
    const one = Buffer.concat([zerosIn(500), Buffer.alloc(1)]);
    expect(await outcome(500, [one])).toEqual(['binary', undefined]);
    const empty = Buffer.concat([zerosIn(500), Buffer.from([3, 0, 0])]);
    expect(await outcome(500, [empty])).toEqual(['binary', undefined]);
  });

  test('of 0 is no limit', async () => {
    expect(await outcome(0, [deflated(letters(1, 3_000_000))])).toEqual(['binary', undefined]);
  });

  test('is not the limit of what is sent', async () => {
    const scene = await open(role, { maxPayload: 10, perMessageDeflate: { threshold: 0 } });
    scene.product.send(letters(1, 100_000));
    await scene.until(() => scene.peer.reader.heard.length > 0);
    expect(scene.peer.reader.heard.map(({ payload }) => inShort(payload))).toEqual([
      inShort(letters(1, 100_000)),
    ]);
  });
});

describe.each(ROLES)('D3: as a %s, garbage', (role) => {
  const large = deflated(letters(3, 3_000_000));
  const wrong = (at: number): Buffer => {
    const bytes = Buffer.from(large);
    bytes.fill(0xff, at, at + 30);
    return bytes;
  };
  test.each([
    ['2 MiB of it', new SeededRandom(1).bytes(2 * MIB)],
    ['at the beginning of a large message', wrong(0)],
    ['in the middle of a large message', wrong(large.length >> 1)],
    ['at the end of a large message', wrong(large.length - 30)],
    ['a large message cut short', large.subarray(0, -5)],
    [
      'a large message with bytes behind its end',
      Buffer.concat([large, Buffer.from([6, 1, 2, 3])]),
    ],
  ])('%s fails with 1007, once', async (_name, payload) => {
    const scene = await open(role);
    const frames = [{ payload: 'a' }, { rsv: 4, payload }, { payload: 'never delivered' }];
    scene.peer.write(frames.map((frame) => scene.frame(frame)));
    await scene.until(() => scene.peer.ended);
    await scene.finish();
    expect(codeOf(scene)).toBe(1007);
    expect(scene.events.map((event) => event.replace(/^error .*/, 'error'))).toEqual([
      'text 61',
      'error',
      'close 1006',
    ]);
  });
});

describe.each(ROLES)('D5: as a %s, the window of the peer', (role) => {
  test('goes on over messages that are inflated at once, later, or not at all', async () => {
    const scene = await open(role);
    const random = new SeededRandom(5);
    const delivered: string[] = [];
    for (let i = 0; i < 60; i++) {
      const size = random.pick([3, 100, 2000, 40_000, 400_000, 1_500_000]);
      const message = letters(1 + (i % 3), size);
      const plain = random.next() < 0.3;
      const frame = plain ? scene.frame({ payload: message }) : await scene.compressed(message);
      scene.peer.write(random.next() < 0.5 ? [frame] : randomCuts(frame, random, 60_000));
      delivered.push(`text ${inShort(message)}`);
    }
    await scene.until(() => scene.events.length >= delivered.length);
    expect(scene.events).toEqual(delivered);
  });

  const sides = { server: 'client', client: 'server' } as const;
  test.each([8, 9, 10, 12, 15])('D6: of %d bits, with data that repeats', async (bits) => {
    const side = sides[role];
    const agreed = `permessage-deflate; ${side}_max_window_bits=${bits}`;
    const perMessageDeflate = { [`${side}MaxWindowBits`]: bits };
    const settings = { offer: agreed, answer: agreed, perMessageDeflate };
    const scene = await CompressedScene.open(role, settings).catch((error: unknown) => {
      if (bits === 8) return undefined; // may be declined
      throw error;
    });
    if (scene === undefined) return;
    expect(scene.agreement[side].windowBits).toBe(bits);
    const delivered: string[] = [];
    for (const distance of [100, 240, 250, 300, 500, 700, 1200, 3000, 5000, 30_000]) {
      const noise = new SeededRandom(distance).bytes(distance);
      for (const message of [Buffer.concat([noise, noise, noise]), noise]) {
        scene.peer.write([await scene.compressed(message, BINARY)]);
        delivered.push(`binary ${inShort(message)}`);
      }
    }
    await scene.until(() => scene.events.length >= delivered.length);
    expect(scene.events).toEqual(delivered);
    await scene.finish();
  });
});
