/** Frames whose header bits are drawn one by one, and sequences of frames with faults in them. */
import { ROLES, type Role } from '../../conformance/subject.js';
import { frameBytes } from '../../conformance/wire-bytes.js';
import { closePayload, type FrameOptions, OPCODE } from '../../support/frames.js';
import type { SeededRandom } from '../../support/random.js';
import { noise, text } from '../noise.js';
import type { Limits } from '../reference.js';
import { brokenStream, frameStream } from '../streams.js';
import type { Target } from '../target.js';
import { compareWithReference } from '../verdict.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = OPCODE;

const OPCODES = [CONTINUATION, CONTINUATION, TEXT, TEXT, BINARY, BINARY, CLOSE, PING, PONG];
const SIZES = [0, 1, 2, 3, 7, 63, 64, 65, 124, 125, 126, 127, 999, 1000, 1001, 65_535, 65_536];
const ANNOUNCED = [0, 1, 125, 126, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
const HUGE = [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const CODES = [0, 999, 1000, 1003, 1004, 1005, 1006, 1011, 1014, 1015, 2999, 3000, 4999, 5000];
const INVALID_TEXT = ['ff', 'c3', '61c3', 'eda080', 'f4908080', 'c0af', 'f0808080', 'e282'];
const KEYS = ['00000000', 'ffffffff', '00ff00ff', '01020304'];

/** Limits with edges that the sizes above meet. */
export function limits(random: SeededRandom): Limits {
  return {
    maxPayload: random.pick([0, 1, 125, 1000, 100 * 1024 * 1024]),
    maxFragments: random.pick([0, 1, 2, 3, 131_072]),
  };
}

function closing(random: SeededRandom): Buffer {
  const reason = random.pick([...INVALID_TEXT, '', '62796521']);
  const payload = closePayload(random.pick(CODES), Buffer.from(reason, 'hex'));
  return payload.subarray(0, random.pick([payload.length, payload.length, 2, 1, 0]));
}

function payloadFor(random: SeededRandom, opcode: number): Buffer {
  if (opcode === CLOSE && random.next() < 0.8) return closing(random);
  const size = random.pick(opcode >= CLOSE ? SIZES.slice(0, 12) : SIZES);
  if (opcode === BINARY) return noise(random, size);
  const valid = text(random, size);
  if (random.next() < 0.7) return valid;
  return Buffer.concat([valid, Buffer.from(random.pick(INVALID_TEXT), 'hex'), text(random, 2)]);
}

/** A length of the frame and how it is written: mostly as it has to be. */
function lengthFor(random: SeededRandom, size: number): Partial<FrameOptions> {
  if (random.next() < 0.85) return {};
  if (random.next() < 0.3) return { announce: random.pick(HUGE), lengthBits: 64 };
  const announce = random.next() < 0.5 ? size : random.pick(ANNOUNCED);
  const bits = ([7, 16, 64] as const).filter(
    (one) => announce < { 7: 126, 16: 65_536, 64: 2 ** 53 }[one],
  );
  return { announce, lengthBits: random.pick(bits) };
}

function maskFor(random: SeededRandom, role: Role): Partial<FrameOptions> {
  const isMasked = random.next() < 0.03 ? role === 'client' : role === 'server';
  if (!isMasked) return {};
  return { mask: random.next() < 0.2 ? Buffer.from(random.pick(KEYS), 'hex') : random.bytes(4) };
}

function drawnFrame(random: SeededRandom, role: Role): Buffer {
  const opcode = random.next() < 0.05 ? random.integer(0, 15) : random.pick(OPCODES);
  const payload = payloadFor(random, opcode);
  return frameBytes({
    fin: random.next() < (opcode >= CLOSE ? 0.97 : 0.7),
    rsv: random.next() < 0.04 ? random.integer(1, 7) : 0,
    opcode,
    payload,
    ...lengthFor(random, payload.length),
    ...maskFor(random, role),
  });
}

/** The stream, or only its beginning. */
export function perhapsCutOff(bytes: Buffer, random: SeededRandom): Buffer {
  return random.next() < 0.8 ? bytes : bytes.subarray(0, random.integer(0, bytes.length));
}

/** Frames of which every field is drawn by itself. */
export function drawnStream(random: SeededRandom): { role: Role; bytes: Buffer } {
  const role = random.pick(ROLES);
  const count = random.pick([1, 1, 2, 3, 6]);
  const bytes = Buffer.concat(Array.from({ length: count }, () => drawnFrame(random, role)));
  return { role, bytes: perhapsCutOff(bytes, random) };
}

/** Sequences that are legal but for one frame, or that have bytes changed. */
export function sequence(random: SeededRandom): { role: Role; bytes: Buffer } {
  const kind = random.integer(0, 2);
  if (kind === 0) return brokenStream(random);
  const { role, bytes } = frameStream(random, kind === 1 ? 0.9 : 0.2, kind === 1);
  return { role, bytes: perhapsCutOff(bytes, random) };
}

export const frames: Target = {
  name: 'frames',
  usual: 500,
  run: (random) => {
    const stream = drawnStream(random);
    return compareWithReference({ ...stream, limits: limits(random) }, random);
  },
};

export const sequences: Target = {
  name: 'sequences',
  usual: 500,
  run: (random) => {
    const stream = sequence(random);
    return compareWithReference({ ...stream, limits: limits(random) }, random);
  },
};
