/** A client of an http server in memory that writes and reads bytes. */

import type { EventEmitter } from 'node:events';
import type { WireEnd } from './duplex-pair.js';
import { Inbox } from './inbox.js';
import type { Scope } from './scope.js';

export interface RawClient {
  readonly wire: WireEnd;
  /** the server's end of the same wire */
  readonly far: WireEnd;
  readonly inbox: Inbox;
}

/** A new connection to the server, and the bytes sent over it. */
export function connectRaw(
  scope: Scope,
  http: EventEmitter,
  bytes: Buffer | string = '',
): RawClient {
  const [wire, far] = scope.wire();
  const inbox = new Inbox(wire);
  http.emit('connection', far);
  if (bytes.length > 0) wire.write(bytes);
  return { wire, far, inbox };
}
