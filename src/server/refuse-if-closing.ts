/** The last check before a client is accepted: whether the server is closing. */

import { recordRefusal } from './handshake-record.js';
import type { Lifecycle } from './lifecycle.js';
import { refuse } from './refusal.js';
import type { Upgrade } from './upgrade-request.js';

/** @returns whether the client was refused */
export function refuseIfClosing(
  lifecycle: Lifecycle,
  upgrade: Pick<Upgrade, 'request' | 'socket'>,
): boolean {
  if (lifecycle.isAccepting) return false;
  refuse(upgrade.socket, 503, undefined, lifecycle.closingFields());
  recordRefusal(lifecycle.owner, lifecycle.admission, upgrade, 'closing', 503);
  return true;
}
