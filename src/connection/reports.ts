/**
 * Publishes what happens to connections. Each function tests first whether its channel has a
 * subscriber: without one nothing is built.
 */

import { ProtocolError } from '../protocol/errors.js';
import type { Role } from '../protocol/receiver.js';
import {
  type BackpressureDiagnostic,
  type CloseDiagnostic,
  type ConnectionDiagnostic,
  channels,
  type Direction,
  type DropDiagnostic,
  type DropReason,
  type OpenDiagnostic,
  type PingDiagnostic,
  type PongDiagnostic,
  type RefusalDiagnostic,
  type ShutdownDiagnostic,
  type ViolationDiagnostic,
} from './channels.js';
import type { CloseInfo } from './close-info.js';

/** The session of a connection. */
export interface Reported {
  /** The WebSocket that programs see. */
  readonly owner: object;
  /** The server that accepted it, and the object that programs see. */
  readonly server: { readonly owner: object } | undefined;
}

/** Who a message on a channel is about. */
export function partiesOf({ owner, server }: Reported): ConnectionDiagnostic {
  return { websocket: owner, server: server?.owner };
}

export function reportOpen(from: Reported, role: Role, request: object | undefined): void {
  if (!channels.open.hasSubscribers) return;
  channels.open.publish({ ...partiesOf(from), role, request } satisfies OpenDiagnostic);
}

export function reportClose(
  from: Reported,
  code: number,
  reason: Buffer,
  closeInfo: CloseInfo | undefined,
): void {
  // An opening handshake that failed is reported on its own channel.
  if (!channels.close.hasSubscribers || closeInfo?.opened === undefined) return;
  const close = { code, reason: reason.toString(), closeInfo };
  channels.close.publish({ ...partiesOf(from), ...close } satisfies CloseDiagnostic);
}

export function reportPing(from: Reported, payload: Buffer): void {
  if (!channels.ping.hasSubscribers) return;
  channels.ping.publish({ ...partiesOf(from), payload } satisfies PingDiagnostic);
}

/** @param rtt the round-trip time, if the Pong answers a Ping of the library */
export function reportPong(from: Reported, payload: Buffer, rtt?: number): void {
  if (!channels.pong.hasSubscribers) return;
  channels.pong.publish({ ...partiesOf(from), payload, rtt } satisfies PongDiagnostic);
}

/**
 * Publishes a violation. RFC 6455 §7.1.7 SHOULD: a server logs why it fails a connection. Errors of this
 * end, and of its program, are no violations.
 */
export function reportViolation(from: Reported, error: Error): void {
  if (!channels.violation.hasSubscribers || !(error instanceof ProtocolError)) return;
  const { code, closeCode, rfc } = error;
  const rule = { error, code, closeCode, rfc };
  channels.violation.publish({ ...partiesOf(from), ...rule } satisfies ViolationDiagnostic);
}

/** The connections that 'full' was published of, and 'drained' was not. */
const full = new WeakSet<Reported>();

/** A session, and how much waits on its connection. */
interface Buffering extends Reported {
  readonly bufferedAmount: number;
}

export function reportFull(from: Buffering): void {
  // With a limit, the endpoint asks for 'drain' several times until enough has left.
  if (!channels.backpressure.hasSubscribers || full.has(from)) return;
  full.add(from);
  publishBackpressure(from, 'full');
}

export function reportDrained(from: Buffering): void {
  if (!channels.backpressure.hasSubscribers || !full.delete(from)) return;
  publishBackpressure(from, 'drained');
}

function publishBackpressure(from: Buffering, state: BackpressureDiagnostic['state']): void {
  const message = { ...partiesOf(from), state, bufferedAmount: from.bufferedAmount };
  channels.backpressure.publish(message satisfies BackpressureDiagnostic);
}

export function reportDrop(
  from: Reported,
  direction: Direction,
  reason: DropReason,
  bytes: number,
): void {
  if (!channels.drop.hasSubscribers) return;
  const message = { ...partiesOf(from), direction, reason, bytes };
  channels.drop.publish(message satisfies DropDiagnostic);
}

export function reportRefusal(refusal: RefusalDiagnostic): void {
  channels.refusal.publish(refusal);
}

/** Publishes a step of a server's shutdown. @param describe called only if somebody listens */
export function reportShutdown(describe: () => ShutdownDiagnostic): void {
  if (channels.shutdown.hasSubscribers) channels.shutdown.publish(describe());
}
