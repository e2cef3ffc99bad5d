/** RFC 6455 §5.4: with `binaryType` 'fragments' a message comes as its sender framed it. */

import { describe, expect, test } from '@jest/globals';
import { OPCODE } from '../../support/frames.js';
import { turns } from '../../support/inbox.js';
import { ManualWire } from '../../support/manual-wire.js';
import { randomCuts, SeededRandom } from '../../support/random.js';
import { frameFor, onWire, ROLES, type Role } from '../../support/websockets.js';

/** A message as the frames of its fragments. */
function framed(role: Role, fragments: readonly Buffer[]): Buffer[] {
  return fragments.map((payload, i) =>
    frameFor(role, {
      opcode: i === 0 ? OPCODE.BINARY : OPCODE.CONTINUATION,
      fin: i === fragments.length - 1,
      payload,
    }),
  );
}

/** Fragments as text: jest compares that a thousand times as fast as Buffers. */
const texts = (fragments: readonly Buffer[]): string[] =>
  fragments.map((fragment) => fragment.toString('latin1'));

async function received(role: Role, chunks: readonly Buffer[]): Promise<string[][]> {
  const wire = new ManualWire();
  const ws = onWire(wire, role);
  ws.binaryType = 'fragments';
  const messages: string[][] = [];
  ws.on('message', (data) => messages.push(texts(data as Buffer[])));
  await turns(1);
  for (const chunk of chunks) wire.arrive(chunk);
  ws.terminate();
  return messages;
}

describe.each(ROLES)("binaryType 'fragments' of a %s", (role) => {
  const random = new SeededRandom(55);
  const fragments = [1, 64, 65, 3_000, 5_000, 70_000, 7].map((size) => random.bytes(size));
  const frames = framed(role, fragments);

  test('gives the fragments that the sender framed, if all come in one chunk', async () => {
    expect(await received(role, [Buffer.concat(frames)])).toEqual([texts(fragments)]);
  });

  test('gives them also if each comes in a chunk of its own', async () => {
    expect(await received(role, frames)).toEqual([texts(fragments)]);
  });

  test.each([1, 10, 1_000, 20_000])(
    'gives them also if TCP cuts after at most %i bytes',
    async (longest) => {
      const bytes = Buffer.concat([...frames, ...frames]);
      const chunks = [...randomCuts(bytes, random, longest)];
      expect(await received(role, chunks)).toEqual([texts(fragments), texts(fragments)]);
    },
  );

  test('gives one element for a message in one frame that TCP cuts', async () => {
    const whole = random.bytes(100_000);
    const chunks = [...randomCuts(Buffer.concat(framed(role, [whole])), random, 9_000)];
    expect(await received(role, chunks)).toEqual([texts([whole])]);
  });

  test('gives an empty array for an empty message', async () => {
    const empty = Buffer.alloc(0);
    const messages = [framed(role, [empty]), framed(role, [empty, empty])].flat();
    expect(await received(role, [Buffer.concat(messages)])).toEqual([[], []]);
  });

  test('leaves out empty fragments, as ws does', async () => {
    const [a, b, empty] = [Buffer.from('a'), Buffer.from('b'), Buffer.alloc(0)];
    expect(await received(role, framed(role, [empty, a, empty, b, empty]))).toEqual([['a', 'b']]);
  });

  test('loses nothing if it is set or taken back in the middle of a message', async () => {
    const wire = new ManualWire();
    const ws = onWire(wire, role);
    const messages: unknown[] = [];
    ws.on('message', (data) => messages.push(data));
    await turns(1);
    const three = framed(role, [Buffer.from('ab'), Buffer.from('cd'), Buffer.from('ef')]);
    for (const types of [
      ['fragments', 'nodebuffer'],
      ['nodebuffer', 'fragments'],
    ] as const) {
      ws.binaryType = types[0];
      wire.arrive(...three.slice(0, 2));
      ws.binaryType = types[1];
      wire.arrive(...three.slice(2));
    }
    ws.terminate();
    // What was joined before stays joined.
    expect(messages).toEqual([Buffer.from('abcdef'), [Buffer.from('abcdef')]]);
  });
});
