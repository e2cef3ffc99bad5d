/** The option `maxLifetime`: connections are closed after a time, so that clients change servers. */

import { MAX_TIMEOUT, toTimeout } from '../connection/options.js';
import { NO_SLOT, type SweepEntry, sweep } from '../connection/sweep.js';
import { time } from '../connection/time.js';
import { CloseCode } from '../protocol/close.js';
import type { CloseOrigin } from '../protocol/close-origin.js';
import { closeClient } from './end-client.js';
import type { MaxLifetime } from './options.js';

const DEFAULT_JITTER = 0.1;

const ORIGIN: CloseOrigin = { by: 'timeout', cause: 'maxLifetime' };

/**
 * Far deadlines are first rounded down to this many steps in a lifetime, then checked again. So the
 * sweep has few slots, and connections that were opened together still end at different times.
 */
const STEPS = 1_000;

/** The deadlines of the connections of one server. */
export class Lifetimes {
  private readonly lifetimes = new Map<object, Lifetime>();

  /** Starts the lifetime of a connection, unless the program has changed the option to nonsense. */
  start(client: object, { after, jitter = DEFAULT_JITTER, code }: MaxLifetime): void {
    const milliseconds = toTimeout(after, 0);
    if (milliseconds === 0 || milliseconds === MAX_TIMEOUT) return;
    const deviation = milliseconds * jitter * (2 * time.random() - 1);
    const deadline = time.now() + milliseconds + deviation;
    const lifetime = new Lifetime(client, deadline, code);
    this.lifetimes.set(client, lifetime);
    const step = milliseconds / STEPS;
    sweep.schedule(lifetime, Math.floor(deadline / step) * step);
  }

  /** Forgets a connection that has ended. */
  stop(client: object): void {
    const lifetime = this.lifetimes.get(client);
    if (lifetime === undefined) return;
    this.lifetimes.delete(client);
    sweep.cancel(lifetime);
  }
}

class Lifetime implements SweepEntry {
  slot = NO_SLOT;
  private readonly client: object;
  private readonly deadline: number;
  private readonly code: number;

  constructor(client: object, deadline: number, code: number = CloseCode.SERVICE_RESTART) {
    this.client = client;
    this.deadline = deadline;
    this.code = code;
  }

  check(now: number): number {
    if (now < this.deadline) return this.deadline;
    closeClient(this.client, this.code, 'maxLifetime is over: connect again', ORIGIN);
    return NO_SLOT;
  }
}
