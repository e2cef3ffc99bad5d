import { describe, expect, test } from '@jest/globals';
import { Compressor, Decompressor, TAIL } from '../support/deflate.js';
import { OPCODE } from '../support/frames.js';
import { SeededRandom } from '../support/random.js';
import { CompressedScene } from './compressed-scene.js';
import { ROLES } from './subject.js';
import { inShort } from './wire-bytes.js';

const { PING } = OPCODE;

/** The product compresses whatever its length. */
const ALWAYS = { perMessageDeflate: { threshold: 0 } };
const AGAIN = 'one and the same text, again and again and again. '.repeat(40);

/** Frames as `opcode rsv fin`. */
const shapes = ({ peer }: CompressedScene): string[] =>
  peer.frames.map(({ opcode, rsv, fin }) => `${opcode} ${rsv}${fin ? ' fin' : ''}`);

const heard = ({ peer }: CompressedScene): string[] =>
  peer.reader.heard.map(({ opcode, payload }) => `${opcode} ${inShort(payload)}`);

async function faultless(scene: CompressedScene): Promise<void> {
  expect(scene.peer.reader.faults).toEqual([]);
  expect(scene.product.bufferedAmount).toBe(0);
  await scene.finish();
}

describe('the test’s own reader', () => {
  test('refuses what looks further back than the window', async () => {
    const noise = new SeededRandom(1).bytes(700);
    const data = Buffer.concat([noise, noise]);
    const far = await new Compressor({ windowBits: 15, takeover: true }).message(data);
    expect(new Decompressor({ windowBits: 10, takeover: true }).message(far)).toEqual(data);
    expect(() => new Decompressor({ windowBits: 9, takeover: true }).message(far)).toThrow();
  });

  test('refuses what refers to a message that it may not remember', async () => {
    const compressor = new Compressor({ windowBits: 15, takeover: true });
    const messages = [await compressor.message(Buffer.from(AGAIN))];
    messages.push(await compressor.message(Buffer.from(AGAIN)));
    const remembering = new Decompressor({ windowBits: 15, takeover: true });
    const forgetful = new Decompressor({ windowBits: 15, takeover: false });
    expect(messages.map((message) => remembering.message(message).toString())).toEqual([
      AGAIN,
      AGAIN,
    ]);
    expect(forgetful.message(messages[0] ?? TAIL).toString()).toBe(AGAIN);
    expect(() => forgetful.message(messages[1] ?? TAIL)).toThrow();
  });
});

describe('RFC 7692 §7.2.1: what the product sends', () => {
  test.each(ROLES)('messages of every size come out as they went in (%s)', async (role) => {
    const scene = await CompressedScene.open(role, ALWAYS);
    const sizes = [0, 1, 5, 125, 126, 127, 1023, 1024, 4096, 20_000, 65_535, 65_536, 300_000];
    const messages = sizes.map((size) =>
      Buffer.from(AGAIN.repeat(size / 2000 + 1)).subarray(0, size),
    );
    for (const message of messages) {
      scene.product.send(message, { binary: false });
      scene.product.send(message, { binary: true });
    }
    await scene.until(() => scene.peer.reader.heard.length === 2 * messages.length);
    expect(heard(scene)).toEqual(
      messages.flatMap((message) => [`1 ${inShort(message)}`, `2 ${inShort(message)}`]),
    );
    const large = scene.peer.reader.heard.filter(({ payload }) => payload.length > 100);
    expect(large.every(({ compressed }) => compressed)).toBe(true);
    const carried = scene.peer.frames.reduce((sum, { payload }) => sum + payload.length, 0);
    expect(carried).toBeLessThan(50_000);
    await faultless(scene);
  });

  test.each(ROLES)('data that cannot be made smaller (%s)', async (role) => {
    const scene = await CompressedScene.open(role, ALWAYS);
    const noise = [100, 5000, 70_000].map((size) => new SeededRandom(size).bytes(size));
    for (const message of noise) scene.product.send(message);
    await scene.until(() => scene.peer.reader.heard.length === noise.length);
    expect(heard(scene)).toEqual(noise.map((message) => `2 ${inShort(message)}`));
    await faultless(scene);
  });

  test.each(ROLES)('RSV1 marks the first fragment only (%s)', async (role) => {
    const scene = await CompressedScene.open(role, ALWAYS);
    const third = Math.ceil(AGAIN.length / 3);
    for (let i = 0; i < 3; i++) {
      scene.product.send(AGAIN.slice(i * third, (i + 1) * third), { fin: i === 2 });
    }
    scene.product.send(AGAIN.slice(0, 100), { fin: false });
    scene.product.send('', { fin: true });
    await scene.until(() => scene.peer.reader.heard.length === 2);
    expect(shapes(scene)).toEqual(['1 4', '0 0', '0 0 fin', '1 4', '0 0 fin']);
    const texts = scene.peer.reader.heard.map(({ payload }) => payload.toString());
    expect(texts).toEqual([AGAIN, AGAIN.slice(0, 100)]);
    await faultless(scene);
  });

  test.each(ROLES)(
    'compress: false leaves RSV1 clear and the bytes as they are (%s)',
    async (role) => {
      const scene = await CompressedScene.open(role, ALWAYS);
      scene.product.send(AGAIN, { compress: false });
      scene.product.send(AGAIN.slice(0, 5), { compress: false, fin: false });
      // The first fragment decides for the whole message.
      scene.product.send(AGAIN.slice(5), { compress: true, fin: true });
      scene.product.send(AGAIN, { compress: true });
      await scene.until(() => scene.peer.reader.heard.length === 3);
      expect(shapes(scene)).toEqual(['1 0 fin', '1 0', '0 0 fin', '1 4 fin']);
      expect(heard(scene)).toEqual(Array<string>(3).fill(`1 ${inShort(Buffer.from(AGAIN))}`));
      await faultless(scene);
    },
  );

  test.each(ROLES)('control frames are never compressed (%s)', async (role) => {
    const scene = await CompressedScene.open(role, ALWAYS);
    const payload = 'a'.repeat(125);
    scene.product.ping(payload);
    scene.product.pong(payload);
    await scene.feed([scene.frame({ opcode: PING, payload: 'b'.repeat(125) })]);
    scene.product.close(1000, 'c'.repeat(123));
    await scene.until(() => scene.peer.close !== undefined);
    expect(shapes(scene)).toEqual(['9 0 fin', '10 0 fin', '10 0 fin', '8 0 fin']);
    expect(scene.peer.frames.map(({ payload: { length } }) => length)).toEqual([
      125, 125, 125, 125,
    ]);
    await faultless(scene);
  });
});

/** What the product must obey when it sends. */
const OBEY: [string, (side: string) => string][] = [
  ['no context takeover', (side) => `${side}_no_context_takeover`],
  ...[9, 10, 12, 15].map((bits): [string, (side: string) => string] => [
    `a window of ${bits} bits`,
    (side) => `${side}_max_window_bits=${bits}`,
  ]),
  [
    'a window of 9 bits without context takeover',
    (side) => `${side}_no_context_takeover; ${side}_max_window_bits=9`,
  ],
];

describe('RFC 7692 §7.1: what the product obeys when it sends', () => {
  describe.each(ROLES)('as a %s', (role) => {
    test.each(OBEY)('%s', async (_name, parameters) => {
      const agreed = `permessage-deflate; ${parameters(role)}`;
      const scene = await CompressedScene.open(role, { ...ALWAYS, offer: agreed, answer: agreed });
      const want = agreed.includes('bits=') ? Number(/bits=(\d+)/.exec(agreed)?.[1]) : 15;
      const ours = scene.agreement[role];
      expect(ours.windowBits).toBeLessThanOrEqual(want);
      if (agreed.includes('takeover')) expect(ours.takeover).toBe(false);
      const messages = [100, 200, 300, 600, 1200, 3000, 5000, 20_000].flatMap((distance) => {
        const noise = new SeededRandom(distance).bytes(distance);
        return [Buffer.concat([noise, noise, noise]), noise];
      });
      // Twice: the second time for those that remember what they have sent.
      for (const message of [...messages, ...messages]) scene.product.send(message);
      await scene.until(() => scene.peer.reader.heard.length === 2 * messages.length);
      const expected = messages.map((message) => `2 ${inShort(message)}`);
      expect(heard(scene)).toEqual([...expected, ...expected]);
      const repeated = messages[0]?.length ?? 0;
      expect(scene.peer.frames[0]?.payload.length).toBeLessThan(repeated / 2);
      await faultless(scene);
    });

    test('a window of 8 bits, or declines it', async () => {
      const agreed = `permessage-deflate; ${role}_max_window_bits=8`;
      const open = CompressedScene.open(role, { ...ALWAYS, offer: agreed, answer: agreed });
      const scene = await open.catch(() => undefined);
      if (scene === undefined) return;
      expect(scene.agreement[role].windowBits).toBe(8);
      const noise = new SeededRandom(8).bytes(245);
      for (const copies of [1, 2, 3, 40]) scene.product.send(Buffer.alloc(245 * copies, noise));
      const all = new SeededRandom(9).bytes(3000);
      scene.product.send(Buffer.concat([all, all.subarray(0, 400), all]));
      await scene.until(() => scene.peer.reader.heard.length === 5);
      expect(heard(scene).length).toBe(5);
      await faultless(scene);
    });
  });
});
