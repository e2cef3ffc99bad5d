/** Counts and publishes how opening handshakes begin and end. */

import { channels } from '../connection/channels.js';
import { followHandshake } from '../connection/handshake-trace.js';
import { reportRefusal } from '../connection/reports.js';
import type { Admission, RefusalReason } from './admission.js';
import { handshakeStateOf, setHandshakeState } from './handshake-state.js';
import type { Upgrade } from './upgrade-request.js';

type Requested = Pick<Upgrade, 'request' | 'socket'>;

/** Runs the first, synchronous part of a handshake. */
export function beginFollowed(
  server: object,
  { request, socket }: Requested,
  step: () => void,
): void {
  const trace = followHandshake(() => ({ role: 'server', server, request }));
  if (trace === undefined) {
    step();
    return;
  }
  setHandshakeState(request, { trace });
  socket.once('close', () => trace.settle({ verdict: 'failed' }));
  trace.run(step);
}

/** The client is accepted: hands it over. */
export function acceptFollowed({ request }: Requested, client: object, step: () => void): void {
  const trace = handshakeStateOf(request)?.trace;
  if (trace === undefined) step();
  else trace.settle({ verdict: 'accepted', status: 101, websocket: client }, step);
}

/** The client was refused. @param error of the request, or of a callback */
export function recordRefusal(
  server: object,
  admission: Admission,
  { request, socket }: Requested,
  reason: RefusalReason,
  status: number,
  error?: Error,
): void {
  admission.countRefusal(socket, reason);
  if (channels.refusal.hasSubscribers) reportRefusal({ server, request, reason, status, error });
  const outcome = { verdict: 'refused', status, reason, ...(error && { error }) } as const;
  handshakeStateOf(request)?.trace?.settle(outcome);
}
