/** From the facts of a case to what the tester does: frames, pauses, round trips. */
import { KEY, OPCODE } from '../support/frames.js';
import type { SeededRandom } from '../support/random.js';
import { type Case, type PayloadFact, payloadOf, type Step } from './cases.js';
import { frameBytes } from './wire-bytes.js';

/** A frame as the case means it, before it is written down. */
export interface Planned {
  opcode: number;
  fin: boolean;
  rsv: number;
  payload: Buffer;
  /** its payload comes in parts of these sizes, with pauses between them */
  parts?: number[];
  writeSize?: number;
  ownWrite?: boolean;
}

export type Action =
  | { kind: 'write'; bytes: Buffer; writeSize: number; ownWrite: boolean }
  | { kind: 'pause' };

function closeBody(code: number | null | undefined, reason: PayloadFact): Buffer {
  const text = payloadOf(reason);
  if (code === null || code === undefined) return text;
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), text]);
}

function plainFrame(step: Step): Planned {
  const { opcode = OPCODE.TEXT, fin = true, rsv = 0, payload = { bytes: 0 } } = step;
  const body = step.reason === undefined ? payloadOf(payload) : closeBody(step.code, step.reason);
  const { writeSize = 0, ownWrite = false } = step;
  return { opcode, fin, rsv, payload: body, writeSize, ownWrite };
}

function fragments(step: Step): Planned[] {
  const payload = payloadOf(step.payload ?? { bytes: 0 });
  const { fragmentSize = payload.length, frames = 1 } = step;
  const first = step.message === 'binary' ? OPCODE.BINARY : OPCODE.TEXT;
  return Array.from({ length: frames }, (_, i) => ({
    opcode: i === 0 ? first : OPCODE.CONTINUATION,
    fin: i === frames - 1,
    rsv: 0,
    payload: payload.subarray(i * fragmentSize, (i + 1) * fragmentSize),
  }));
}

/** 6.4.3 and 6.4.4: the header, then the payload in parts. */
function frameInParts(header: Step, steps: Step[]): Planned {
  const parts = steps.flatMap(({ payloadPart }) => (payloadPart ? [payloadOf(payloadPart)] : []));
  const opcode = header.frameHeaderOnly === 'binary' ? OPCODE.BINARY : OPCODE.TEXT;
  const payload = Buffer.concat(parts);
  const { fin = true } = header;
  return { opcode, fin, rsv: 0, payload, parts: parts.map(({ length }) => length) };
}

/** The frames of a case, with its pauses between them. */
export function planOf(one: Case): (Planned | 'pause')[] {
  const steps = one.steps ?? [];
  const inParts = steps.some(({ payloadPart }) => payloadPart !== undefined);
  return steps.flatMap((step): (Planned | 'pause')[] => {
    if (step.message !== undefined) return fragments(step);
    if (step.frameHeaderOnly !== undefined) return [frameInParts(step, steps)];
    if (step.frame !== undefined) return [plainFrame(step)];
    return step.waitSeconds !== undefined && !inParts ? ['pause'] : [];
  });
}

/** The frame's bytes; a tester that is a client masks with a fresh key. */
function encode(planned: Planned, random: SeededRandom | undefined): Buffer {
  const { opcode, fin, rsv, payload } = planned;
  if (random === undefined) return frameBytes({ opcode, fin, rsv, payload });
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(random.integer(0, 0xffff_ffff));
  return frameBytes({ opcode, fin, rsv, payload, mask });
}

function partsOf(planned: Planned, bytes: Buffer): Action[] {
  const { writeSize = 0, ownWrite = false, parts } = planned;
  if (parts === undefined) return [{ kind: 'write', bytes, writeSize, ownWrite }];
  let offset = bytes.length - planned.payload.length;
  const actions: Action[] = [
    { kind: 'write', bytes: bytes.subarray(0, offset), writeSize, ownWrite },
  ];
  for (const [i, size] of parts.entries()) {
    if (i > 0) actions.push({ kind: 'pause' });
    actions.push({
      kind: 'write',
      bytes: bytes.subarray(offset, offset + size),
      writeSize,
      ownWrite,
    });
    offset += size;
  }
  return actions;
}

/** Joins what the case sends back to back into one write. */
function joined(actions: Action[]): Action[] {
  const result: Action[] = [];
  let run: Buffer[] = [];
  const flush = (): void => {
    if (run.length === 0) return;
    result.push({ kind: 'write', bytes: Buffer.concat(run), writeSize: 0, ownWrite: false });
    run = [];
  };
  for (const action of actions) {
    if (action.kind === 'write' && action.writeSize === 0 && !action.ownWrite) {
      run.push(action.bytes);
      continue;
    }
    flush();
    result.push(action);
  }
  flush();
  return result;
}

/** What the tester does. `random` makes the masking keys; without it nothing is masked. */
export function actionsOf(one: Case, random: SeededRandom | undefined): Action[] {
  const actions = planOf(one).flatMap((planned): Action[] => {
    if (planned === 'pause') return [{ kind: 'pause' }];
    return partsOf(planned, encode(planned, random));
  });
  return joined(actions);
}

/** The frame of a round trip in 9.7 and 9.8. */
export function roundTripFrame(one: Case, maskIt: boolean): Buffer {
  const { messageSize = 0, type = 'text' } = one.params ?? {};
  const binary = type === 'binary';
  const opcode = binary ? OPCODE.BINARY : OPCODE.TEXT;
  const payload = Buffer.alloc(messageSize, binary ? 0xfe : 0x2a);
  return frameBytes({ opcode, payload, mask: maskIt ? KEY : undefined });
}
