/** RFC 6455 §4.1: of the connections to one host and port, at most one is in the state CONNECTING. */

import { portOf } from '../client/url.js';

/** The turns of each host and port: the first is in progress, the others wait. */
const queues = new Map<string, HandshakeTurn[]>();

/** The turn of one opening handshake. */
export class HandshakeTurn {
  private readonly key: string;
  private readonly start: (hasWaited: boolean) => void;

  /** @param start starts the handshake. If it has waited, it must not throw */
  constructor(url: URL, start: (hasWaited: boolean) => void) {
    // RFC 6455 §4.1: if the address of a host is not known, each name counts as a host.
    this.key = `${url.hostname}:${portOf(url)}`;
    this.start = start;
  }

  // RFC 6455 §4.1 MUST: with a connection to the same host and port in CONNECTING, the next one waits.
  /** Starts the handshake, at once or when those before it are over. */
  enter(): void {
    const queue = queues.get(this.key);
    if (queue !== undefined) {
      queue.push(this);
      return;
    }
    queues.set(this.key, [this]);
    this.start(false);
  }

  /** The handshake is over, or is not wanted any more. Further calls do nothing. */
  leave(): void {
    const queue = queues.get(this.key) ?? [];
    const position = queue.indexOf(this);
    if (position === -1) return;
    queue.splice(position, 1);
    if (queue.length === 0) queues.delete(this.key);
    else if (position === 0) queue[0]?.start(true);
  }
}
