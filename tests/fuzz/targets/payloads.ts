/** Compressed messages with faults in what is compressed, beside zlib. */
import { deflateRawSync } from 'node:zlib';
import { CompressedScene } from '../../conformance/compressed-scene.js';
import { ROLES, type Role } from '../../conformance/subject.js';
import { frameBytes } from '../../conformance/wire-bytes.js';
import { Compressor } from '../../support/deflate.js';
import { closePayload, type FrameOptions, OPCODE } from '../../support/frames.js';
import type { SeededRandom } from '../../support/random.js';
import { referenceInflate } from '../inflate.js';
import { noise, text } from '../noise.js';
import { type Limits, ReferenceReceiver } from '../reference.js';
import type { Target } from '../target.js';
import { checkScene, cut } from '../verdict.js';
import { perhapsCutOff } from './frames.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING } = OPCODE;
const RSV1 = 4;
const SIZES = [0, 1, 5, 30, 299, 300, 301, 1000, 5000];
const LARGE_SIZES = [70_000, 300_000];
const FINAL_EMPTY_BLOCK = Buffer.from([3, 0]);

function content(random: SeededRandom, opcode: number): Buffer {
  const size = random.pick(random.next() < 0.05 ? LARGE_SIZES : SIZES);
  if (random.next() < 0.3) return Buffer.alloc(size, 0x61);
  if (opcode === BINARY && random.next() < 0.5) return noise(random, size);
  const valid = text(random, size);
  return opcode === TEXT && random.next() < 0.05 ? Buffer.concat([valid, Buffer.of(0xff)]) : valid;
}

/** A message as one stream with a final block, and perhaps another one behind it. */
function finalBlocks(random: SeededRandom, payload: Buffer): Buffer {
  const stream = deflateRawSync(payload);
  const more = random.pick([[], [Buffer.of(0)], [FINAL_EMPTY_BLOCK], [stream, Buffer.of(0)]]);
  return Buffer.concat([stream, ...more]);
}

/** Ways to change a compressed payload. */
const FAULTS: ((random: SeededRandom, payload: Buffer) => Buffer)[] = [
  (random, payload) => payload.subarray(0, random.integer(0, payload.length)),
  (random, payload) => Buffer.concat([payload, random.bytes(random.integer(1, 4))]),
  (random) => random.bytes(random.integer(0, 60)),
  () => Buffer.alloc(0),
  (random, payload) => {
    const changed = Buffer.from(payload);
    for (let count = random.integer(1, 3); count > 0 && changed.length > 0; count--) {
      const at = random.integer(0, changed.length - 1);
      changed[at] = (changed[at] ?? 0) ^ (1 << random.integer(0, 7));
    }
    return changed;
  },
];

/** A payload as a peer compresses it, or one with a fault. */
async function compress(
  random: SeededRandom,
  compressor: Compressor,
  plain: Buffer,
): Promise<Buffer> {
  if (random.next() < 0.1) return finalBlocks(random, plain);
  const payload = await compressor.message(plain);
  return random.next() < 0.15 ? random.pick(FAULTS)(random, payload) : payload;
}

function inFragments(random: SeededRandom, first: FrameOptions, payload: Buffer): FrameOptions[] {
  const frames: FrameOptions[] = [];
  let offset = 0;
  for (let more = random.pick([0, 0, 0, 1, 3]); more > 0; more--) {
    const end = random.integer(offset, payload.length);
    const kind = frames.length === 0 ? first : { opcode: CONTINUATION };
    frames.push({ ...kind, fin: false, payload: payload.subarray(offset, end) });
    offset = end;
  }
  const kind = frames.length === 0 ? first : { opcode: CONTINUATION };
  return [...frames, { ...kind, payload: payload.subarray(offset) }];
}

/** Compressed and plain messages for a product in that role, as bytes. */
export async function compressedStream(random: SeededRandom, role: Role): Promise<Buffer> {
  const compressor = new Compressor({ windowBits: 15, takeover: true });
  const frames: FrameOptions[] = [];
  for (let count = random.integer(1, 5); count > 0; count--) {
    const opcode = random.pick([TEXT, BINARY]);
    const plain = content(random, opcode);
    const isCompressed = random.next() < 0.8;
    const payload = isCompressed ? await compress(random, compressor, plain) : plain;
    frames.push(...inFragments(random, { opcode, rsv: isCompressed ? RSV1 : 0 }, payload));
    if (random.next() < 0.1) frames.push({ opcode: PING, rsv: random.pick([0, 0, 0, RSV1]) });
  }
  compressor.close();
  if (random.next() < 0.3) frames.push({ opcode: CLOSE, payload: closePayload(1000, 'bye') });
  const mask = (): Partial<FrameOptions> => (role === 'server' ? { mask: random.bytes(4) } : {});
  return perhapsCutOff(
    Buffer.concat(frames.map((one) => frameBytes({ ...one, ...mask() }))),
    random,
  );
}

export const payloads: Target = {
  name: 'payloads',
  usual: 80,
  run: async (random) => {
    const role = random.pick(ROLES);
    const limits: Limits = {
      maxPayload: random.pick([0, 1, 300, 100_000, 100 * 1024 * 1024]),
      maxFragments: random.pick([0, 2, 131_072]),
    };
    const bytes = await compressedStream(random, role);
    const verdict = new ReferenceReceiver(role, limits, referenceInflate()).read(bytes);
    const scene = await CompressedScene.open(role, { ...limits });
    await scene.feed(cut(bytes, random));
    await checkScene(scene, verdict);
  },
};
