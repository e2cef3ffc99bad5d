/**
 * Memory in proportion to what a peer has sent, never to what it announces or to how it cuts it
 * (RFC 6455 §10.4). R2, R3, R7 and F6 of tests/reliability/THREATS.md.
 */

import { describe, expect, test } from '@jest/globals';
import { peerFrame } from '../conformance/rows.js';
import { ROLES, type Role, Scene } from '../conformance/subject.js';
import { turn } from '../conformance/turns.js';
import { OPCODE } from '../support/frames.js';
import { MIB, memoryInUse } from '../support/memory.js';

const { BINARY, TEXT, CONTINUATION } = OPCODE;
/** A flood is read a few thousand frames a turn: what still waits is not yet what it costs. */
async function allIsRead(): Promise<void> {
  for (let i = 0; i < 64; i++) await turn();
}

/** What `count` scenes cost while each holds what `fill` has fed it, and nothing more. */
async function measured(
  count: number,
  role: Role,
  fill: (scene: Scene, index: number) => void,
): Promise<number> {
  const rehearsal = new Scene(role);
  const scenes = Array.from({ length: count }, () => new Scene(role));
  for (const scene of scenes) await scene.settled();
  // Once for nothing: what is compiled or cached by it does not count.
  fill(rehearsal, 0);
  rehearsal.product.terminate();
  await rehearsal.settled();
  const before = await memoryInUse();
  for (const [index, scene] of scenes.entries()) fill(scene, index);
  await allIsRead();
  const after = await memoryInUse();
  for (const { events, product } of scenes) {
    expect(events.filter((event) => !event.startsWith('binary'))).toEqual([]);
    product.terminate();
  }
  for (const scene of scenes) await scene.settled();
  return after - before;
}

/** A thousand continuations, as one chunk. */
function thousandFragments(role: Role, payload: string): Buffer {
  const next = peerFrame(role, { opcode: CONTINUATION, fin: false, payload });
  return Buffer.concat(Array.from({ length: 1000 }, () => next));
}

/** The bar is 48 bytes of memory per parked byte of payload, the aim 4; this leaves room for noise. */
const MOST_PER_BYTE = 16;

describe('a message that is never finished', () => {
  test.each(ROLES)('R2: fragments of one byte cost few bytes each (%s)', async (role) => {
    const [peers, thousands] = [10, 15];
    const first = peerFrame(role, { opcode: TEXT, fin: false, payload: 'a' });
    const thousand = thousandFragments(role, 'b');
    const grown = await measured(peers, role, (scene) => {
      scene.inject(first);
      for (let i = 0; i < thousands; i++) scene.inject(thousand);
    });
    expect(grown / (peers * thousands * 1000)).toBeLessThan(MOST_PER_BYTE);
  });

  test('R2: a hundred thousand empty fragments cost nothing (client)', async () => {
    const first = peerFrame('client', { opcode: BINARY, fin: false });
    const thousand = thousandFragments('client', '');
    const grown = await measured(5, 'client', (scene) => {
      scene.inject(first);
      for (let i = 0; i < 100; i++) scene.inject(thousand);
    });
    expect(grown).toBeLessThan(MIB);
  });

  test('R3: chunks of one byte cost few bytes each (server)', async () => {
    const [peers, size] = [5, 20_000];
    const bytes = peerFrame('server', { opcode: BINARY, payload: Buffer.alloc(size + 1) });
    const grown = await measured(peers, 'server', (scene) => {
      for (let i = 0; i < bytes.length - 1; i++) scene.inject(bytes.subarray(i, i + 1));
    });
    expect(grown / (peers * size)).toBeLessThan(MOST_PER_BYTE);
  });

  test.each(ROLES)('F6: 64 announced frames of 90 MiB take no memory (%s)', async (role) => {
    const payload = Buffer.alloc(1000, 0x61);
    const whole = peerFrame(role, { opcode: BINARY, payload, announce: 90 * MIB });
    const first = peerFrame(role, { opcode: TEXT, fin: false, payload: 'a' });
    const next = peerFrame(role, { opcode: CONTINUATION, payload, announce: 90 * MIB });
    const streams = [whole, Buffer.concat([first, next])];
    const grown = await measured(64, role, (scene, index) => {
      for (const stream of streams.slice(index % 2, (index % 2) + 1)) scene.inject(stream);
    });
    expect(grown).toBeLessThan(2 * MIB);
  });
});

describe('a connection that has fallen silent', () => {
  test.each(ROLES)('R7: does not hold on to the chunk that came last (%s)', async (role) => {
    const peers = 60;
    const message = peerFrame(role, { opcode: BINARY, payload: Buffer.alloc(60_000) });
    const begun = peerFrame(role, { opcode: BINARY, payload: Buffer.alloc(20), announce: 500 });
    const header = peerFrame(role, { opcode: BINARY, announce: 70_000 }).subarray(0, 5);
    const chunks = [Buffer.alloc(0), begun, header].map((last) => Buffer.concat([message, last]));
    const grown = await measured(peers, role, (scene, index) => {
      for (const chunk of chunks.slice(index % 3, (index % 3) + 1)) scene.inject(chunk);
    });
    expect(grown / peers).toBeLessThan(4096);
  });

  test('R7: gives the memory of a failed message back (server)', async () => {
    const frame = peerFrame('server', { opcode: BINARY, fin: false, payload: Buffer.alloc(MIB) });
    const illegal = peerFrame('server', { opcode: 3 });
    const before = await memoryInUse();
    const scenes = Array.from({ length: 20 }, () => new Scene('server'));
    for (const scene of scenes) {
      await scene.settled();
      scene.inject(frame);
      scene.inject(illegal);
    }
    const grown = (await memoryInUse()) - before;
    for (const scene of scenes) await scene.finish();
    for (const { events } of scenes) expect(events.at(-1)).toBe('close 1006');
    expect(grown).toBeLessThan(2 * MIB);
  });
});
