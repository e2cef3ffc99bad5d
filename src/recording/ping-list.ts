/** RFC 6455 §5.5.3: the Pings of one end that have no Pong yet. */

import type { Buffer } from 'node:buffer';
import { roundTime } from './records.js';

/** A limit for the memory, if a peer answers no Ping. */
const MAX_PINGS = 64;

/** Measures round trips. */
export class PingList {
  private pings: { readonly payload: string; readonly sentAt: number }[] = [];

  add(payload: Buffer, sentAt: number): void {
    if (this.pings.length === MAX_PINGS) this.pings.shift();
    this.pings.push({ payload: payload.toString('latin1'), sentAt });
  }

  /**
   * A Pong came. RFC 6455 §5.5.3: it may answer the newest of several Pings, so the older ones are done.
   * @returns the milliseconds since its Ping; undefined for a Pong that answers none
   */
  answered(payload: Buffer, now: number): number | undefined {
    const text = payload.toString('latin1');
    const index = this.pings.findIndex((ping) => ping.payload === text);
    const ping = this.pings[index];
    if (ping === undefined) return undefined;
    this.pings = this.pings.slice(index + 1);
    return roundTime(now - ping.sentAt);
  }
}
