/** Breaks one rule at a peer, and says what the peer answers. */

import { attackClient } from './attack-client.js';
import { attackServer } from './attack-server.js';
import { RULES } from './breakable-rules.js';
import { FRAME_OFFENCES } from './frame-offences.js';
import { HANDSHAKE_OFFENCES } from './handshake-offences.js';
import type { BreakableRule, BrokenMessage } from './messages.js';
import type { Target } from './target.js';

/**
 * Breaks a rule.
 * @param id the key of the table
 * @param target where to break it; undefined for a server or client of ours
 * @throws Error with a sentence for the user, if that is not possible
 */
export async function breakRule(id: string, target: Target | undefined): Promise<BrokenMessage> {
  const rule = RULES.find((one) => one.id === id);
  if (rule === undefined) throw new Error(`There is no rule ${JSON.stringify(id)}`);
  const offence = offenceOf(rule);
  if (offence.by === 'nobody') throw new Error(offence.offence);
  if (offence.by === 'client') return attackServer(rule, offence, target);
  if (target === undefined) return attackClient(rule, offence);
  throw new Error('This rule is for clients, and the target is a server');
}

function offenceOf({ kind, id }: BreakableRule) {
  return kind === 'frame'
    ? FRAME_OFFENCES[id as keyof typeof FRAME_OFFENCES]
    : HANDSHAKE_OFFENCES[id as keyof typeof HANDSHAKE_OFFENCES];
}
