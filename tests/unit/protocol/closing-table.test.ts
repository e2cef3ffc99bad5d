/** RFC 6455 §7: every short sequence of inputs to the closing handshake, in both roles. */

import { describe, expect, test } from '@jest/globals';
import {
  CLOSING_TABLE,
  type ClosingInput,
  type ClosingState,
} from '../../../src/protocol/close.js';
import { ProtocolError } from '../../../src/protocol/errors.js';
import type { Role } from '../../../src/protocol/receiver.js';
import { type Opened, openEndpoint } from '../../support/endpoint.js';
import { closePayload, OPCODE } from '../../support/frames.js';

/** When the Close leaves: in the call that sends it, or when CLOSE_WRITTEN comes. */
type Writes = 'AT_ONCE' | 'LATER';

function open(role: Role, writes: Writes): Opened {
  const opened = openEndpoint(role);
  opened.wire.isBlocked = writes === 'LATER';
  return opened;
}

/** Once the receiver discards, it delivers neither a Close nor a violation. */
const isReading = ({ endpoint }: Opened): boolean => !endpoint.receiver.isDiscarding;

const INPUTS: Record<ClosingInput, (to: Opened) => void> = {
  CLOSE_CALLED: ({ endpoint }) =>
    endpoint.startClosingHandshake({ code: 1000, reason: Buffer.from('done') }),
  CLOSE_RECEIVED: (to) => {
    if (isReading(to)) to.endpoint.onControl(OPCODE.CLOSE, closePayload(1001));
  },
  CLOSE_WRITTEN: ({ wire }) => {
    const { isBlocked } = wire;
    wire.isBlocked = false;
    wire.flush();
    wire.isBlocked = isBlocked;
  },
  VIOLATION: (to) => {
    if (isReading(to)) to.endpoint.onViolation(new ProtocolError('EXPECTED_FIN'));
  },
  WIRE_ENDED: ({ endpoint }) => endpoint.wireEnded(),
  TERMINATED: ({ endpoint }) => endpoint.terminate(),
  TIMED_OUT: ({ endpoint, wire }) => {
    if (wire.isArmed) endpoint.timedOut();
  },
  WIRE_CLOSED: ({ endpoint }) => endpoint.wireClosed(),
};

const NAMES = Object.keys(INPUTS) as ClosingInput[];

function* sequences(length: number): Generator<ClosingInput[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const shorter of sequences(length - 1)) for (const name of NAMES) yield [...shorter, name];
}

const count = (list: readonly string[], start: string): number =>
  list.filter((entry) => entry.startsWith(start)).length;

/** What holds after each input, whatever came before. */
function brokenRule({ endpoint, wire, application }: Opened, sequence: string): string | undefined {
  const { state } = endpoint;
  const closes = wire.frames.filter(({ opcode }) => opcode === OPCODE.CLOSE).length;
  const isClosed = state === 'CLOSED';
  const isDestroyed = wire.calls.includes('destroy');
  const isWireGone = /WIRE_ENDED|WIRE_CLOSED/.test(sequence);
  if (closes > 1) return 'a second Close was sent';
  if (count(application.events, 'closed') !== (isClosed ? 1 : 0)) return `closed in ${state}`;
  if (count(application.events, 'failure') > 1) return 'a failure was reported twice';
  if (state !== 'OPEN' && !isClosed && !wire.isArmed && !isDestroyed) return `no timer in ${state}`;
  if (isClosed && wire.isArmed) return 'the timer runs after the end';
  if (wire.calls.includes('end') && closes === 0 && !isWireGone)
    return 'TCP ended before our Close';
  return undefined;
}

function walk(role: Role, writes: Writes, sequence: readonly ClosingInput[]): Opened {
  const opened = open(role, writes);
  let done = `${role}, ${writes}:`;
  for (const name of sequence) {
    done += ` ${name}`;
    INPUTS[name](opened);
    const rule = brokenRule(opened, done);
    if (rule !== undefined) throw new Error(`${done}: ${rule}`);
  }
  return opened;
}

describe.each<[Role, Writes, longest: number]>([
  ['server', 'AT_ONCE', 4],
  ['client', 'AT_ONCE', 4],
  ['server', 'LATER', 5],
  ['client', 'LATER', 5],
])('as a %s whose Close is written %s', (role, writes, longest) => {
  test('every short sequence of inputs keeps the rules of the closing handshake', () => {
    let walked = 0;
    for (const sequence of sequences(longest)) {
      walk(role, writes, sequence);
      walked++;
    }
    expect(walked).toBe(8 ** longest);
  });

  test('every sequence that ends with the wire closed has reported that once', () => {
    for (const sequence of sequences(3)) {
      const { application } = walk(role, writes, [...sequence, 'WIRE_CLOSED']);
      expect(count(application.events, 'closed')).toBe(1);
    }
  });
});

test('the sequences reach every state', () => {
  const seen = new Set<ClosingState>(['OPEN']);
  for (const role of ['server', 'client'] as const) {
    for (const sequence of sequences(3)) seen.add(walk(role, 'LATER', sequence).endpoint.state);
  }
  expect(Object.keys(CLOSING_TABLE).filter((state) => !seen.has(state as ClosingState))).toEqual(
    [],
  );
});

test('every state but CLOSED names what happens when the wire closes', () => {
  const states = Object.keys(CLOSING_TABLE) as ClosingState[];
  const open = states.filter((state) => CLOSING_TABLE[state].WIRE_CLOSED === undefined);
  expect(open).toEqual(['CLOSED']);
});
