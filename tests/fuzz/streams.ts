/** Random streams of frames: legal ones, and ones with something wrong in them. */
import { ROLES, type Role } from '../conformance/subject.js';
import { frameBytes } from '../conformance/wire-bytes.js';
import { closePayload, type FrameOptions, OPCODE } from '../support/frames.js';
import type { SeededRandom } from '../support/random.js';
import { noise, text } from './noise.js';

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = OPCODE;

const SIZES = [0, 1, 2, 5, 20, 124, 125, 126, 127, 300, 1000];
const LARGE_SIZES = [4095, 4096, 16_384, 65_535, 65_536, 70_000];

export interface Stream {
  role: Role;
  bytes: Buffer;
}

function sizeOf(random: SeededRandom, large: boolean): number {
  return large && random.next() < 0.1 ? random.pick(LARGE_SIZES) : random.pick(SIZES);
}

function control(random: SeededRandom): FrameOptions {
  return { opcode: random.pick([PING, PONG]), payload: random.bytes(random.pick([0, 1, 30, 125])) };
}

/** A message in one frame or in several, with control frames between them. */
function message(random: SeededRandom, large: boolean): FrameOptions[] {
  const opcode = random.pick([TEXT, BINARY]);
  const size = sizeOf(random, large);
  const payload = opcode === TEXT ? text(random, size) : noise(random, size);
  const frames: FrameOptions[] = [];
  let offset = 0;
  for (let more = random.pick([0, 0, 0, 1, 2, 7]); more > 0; more--) {
    const end = random.integer(offset, payload.length);
    const part = payload.subarray(offset, end);
    frames.push({ opcode: frames.length === 0 ? opcode : CONTINUATION, fin: false, payload: part });
    if (random.next() < 0.3) frames.push(control(random));
    offset = end;
  }
  const last = frames.length === 0 ? opcode : CONTINUATION;
  return [...frames, { opcode: last, payload: payload.subarray(offset) }];
}

function legalFrames(random: SeededRandom, large: boolean): FrameOptions[] {
  const frames: FrameOptions[] = [];
  for (let count = random.integer(1, 8); count > 0; count--) {
    frames.push(...(random.next() < 0.3 ? [control(random)] : message(random, large)));
  }
  if (random.next() < 0.3) {
    frames.push({ opcode: CLOSE, payload: closePayload(random.pick([1000, 1001, 3000]), 'bye') });
  }
  return frames;
}

const INVALID_TEXT = ['ff', 'c3', 'eda080', 'f4908080', 'c0af', '61e282'];

type Mutation = (random: SeededRandom, frame: FrameOptions) => FrameOptions;

/** Ways to make one frame wrong. Some of them leave it legal, which is as well. */
const MUTATIONS: Mutation[] = [
  (random, frame) => ({ ...frame, rsv: random.integer(1, 7) }),
  (random, frame) => ({ ...frame, opcode: random.integer(0, 15) }),
  (_, frame) => ({ ...frame, fin: !(frame.fin ?? true) }),
  (random, frame) => ({ ...frame, mask: frame.mask === undefined ? random.bytes(4) : undefined }),
  (_, frame) => ({ ...frame, lengthBits: 64 }),
  (random, frame) => ({
    ...frame,
    announce: random.pick([0, 1, 126, 70_000, 2n ** 40n, 2n ** 63n]),
  }),
  (random, frame) => ({ ...frame, payload: Buffer.from(random.pick(INVALID_TEXT), 'hex') }),
  (random) => ({ opcode: CLOSE, payload: random.bytes(random.integer(0, 6)) }),
  (random) => ({ opcode: PING, payload: random.bytes(126) }),
];

/** The frames with one of them made wrong. */
function withMutation(random: SeededRandom, frames: FrameOptions[]): FrameOptions[] {
  const at = random.integer(0, frames.length - 1);
  const mutate = random.pick(MUTATIONS);
  return frames.map((frame, i) => (i === at ? mutate(random, frame) : frame));
}

function encode(random: SeededRandom, role: Role, frames: FrameOptions[]): FrameOptions[] {
  return role === 'client' ? frames : frames.map((frame) => ({ ...frame, mask: random.bytes(4) }));
}

/**
 * A stream of frames for a product in a random role; `wrong` is the share of the streams with a
 * mistake, `large` allows payloads up to 70,000 bytes.
 */
export function frameStream(random: SeededRandom, wrong: number, large: boolean): Stream {
  const role = random.pick(ROLES);
  const frames = encode(random, role, legalFrames(random, large));
  const all = random.next() < wrong ? withMutation(random, frames) : frames;
  return { role, bytes: Buffer.concat(all.map(frameBytes)) };
}

/** A stream with single bytes changed, dropped, doubled, or cut off at the end. */
export function brokenStream(random: SeededRandom): Stream {
  const { role, bytes } = frameStream(random, 0.3, false);
  const list = [...bytes];
  for (let count = random.integer(1, 4); count > 0; count--) {
    const at = random.integer(0, Math.max(0, list.length - 1));
    const edit = random.integer(0, 3);
    if (edit === 0) list.splice(at, 1, random.integer(0, 255));
    else if (edit === 1) list.splice(at, 1);
    else if (edit === 2) list.splice(at, 0, ...list.slice(at, at + random.integer(1, 9)));
    else list[at] = (list[at] ?? 0) ^ (1 << random.integer(0, 7));
  }
  if (random.next() < 0.3) list.length = random.integer(0, list.length);
  return { role, bytes: Buffer.from(list) };
}
