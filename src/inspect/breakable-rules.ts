/** The rules that the page can break: one for each row of the tables of violations and refusals. */

import { REFUSALS, type Refusal, type RefusalRow } from '../handshake/errors.js';
import { VIOLATIONS, type Violation, type ViolationRow } from '../protocol/errors.js';
import { FRAME_OFFENCES } from './frame-offences.js';
import { HANDSHAKE_OFFENCES } from './handshake-offences.js';
import type { BreakableRule } from './messages.js';

/** All rules, in the order of the tables. */
export const RULES: readonly BreakableRule[] = [
  ...keysOf(VIOLATIONS).map(frameRule),
  ...keysOf(REFUSALS).map(handshakeRule),
];

function frameRule(id: Violation): BreakableRule {
  const { rfc, sentence, closeCode }: ViolationRow = VIOLATIONS[id];
  const { by, offence } = FRAME_OFFENCES[id];
  return rule({ id, kind: 'frame', rfc, offence, message: sentence, answer: closeCode }, by);
}

function handshakeRule(id: Refusal): BreakableRule {
  const { rfc, sentence, status }: RefusalRow = REFUSALS[id];
  const { by, offence } = HANDSHAKE_OFFENCES[id];
  return rule({ id, kind: 'handshake', rfc, offence, message: sentence, answer: status }, by);
}

function rule(
  row: Omit<BreakableRule, 'by' | 'impossible'>,
  by: 'client' | 'server' | 'nobody',
): BreakableRule {
  return by === 'nobody' ? { ...row, by: 'client', impossible: row.offence } : { ...row, by };
}

function keysOf<Table extends object>(table: Table): (keyof Table)[] {
  return Object.keys(table) as (keyof Table)[];
}
