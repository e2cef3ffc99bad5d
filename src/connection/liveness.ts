/** What a connection notes about its life: for the heartbeat, the round-trip time and `closeInfo`. */

import type { OpeningState } from './close-info.js';
import type { Heartbeat, HeartbeatMember } from './heartbeat.js';
import type { SentPing } from './round-trip.js';
import { sweep } from './sweep.js';

/**
 * The fields of a connection that neither reading nor writing needs. They are its own, so that a
 * heartbeat needs no object for each connection, and small integers, which need no memory of their own.
 */
export abstract class Liveness implements OpeningState {
  /** When bytes were received most recently, by `sweep.stamp`; undefined if nothing needs to know. */
  readAt: number | undefined = undefined;
  /** When a write was handed to the socket most recently, by `sweep.stamp`. */
  sentAt = sweep.stamp;
  /** The most recent round-trip time in microseconds; -1 before the first Pong. */
  roundTripTime = -1;
  /** The newest Ping of the library that is not answered. */
  pings: SentPing | undefined = undefined;
  /** Sends Pings to this connection and others; undefined if the option is off. */
  heartbeat: Heartbeat | undefined = undefined;
  /** The neighbours in the list of `heartbeat`. */
  previous: HeartbeatMember | undefined = undefined;
  next: HeartbeatMember | undefined = undefined;
  openedAt: number | undefined = undefined;
  bytesReadBefore = 0;
  bytesWrittenBefore = 0;
}
