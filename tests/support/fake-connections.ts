/** Connections that a test opens, refuses and ends by hand, for a Reconnector. */

import type { CloseInfo } from '../../src/connection/close-info.js';
import { time } from '../../src/connection/time.js';
import type { PerAttempt, ReconnectOptions } from '../../src/reconnect/options.js';
import type { Plan } from '../../src/reconnect/prepare.js';
import { Reconnector } from '../../src/reconnect/reconnector.js';

/** A connection without a socket. */
export class FakeSocket {
  readonly closed: Promise<CloseInfo>;
  readonly closedWith: number[] = [];
  isClosed = false;
  private resolve: (info: CloseInfo) => void = () => {};

  constructor() {
    this.closed = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  close(code: number): void {
    if (this.isClosed) return;
    this.closedWith.push(code);
    this.end({ by: 'us', cause: 'close', wasClean: true });
  }

  terminate(): void {
    this.end({ by: 'us', cause: 'terminate' });
  }

  /** The connection ends; by default TCP does, without a Close. */
  end(info: Partial<CloseInfo> = {}): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const messages = { sent: 0, received: 0 };
    const closed = time.wallClock();
    this.resolve({ wasClean: false, by: 'wire', cause: 'end', messages, closed, ...info });
  }

  /** The peer sends a Close. */
  endWith(code: number, reason = ''): void {
    this.end({ wasClean: true, by: 'peer', cause: 'close', received: { code, reason } });
  }
}

/** One call of `connect` that waits. */
interface Attempt {
  readonly plan: Plan;
  open(): FakeSocket;
  refuse(error: Error): void;
}

/** A Reconnector whose attempts wait for the test. */
export class FakeConnections {
  /** All sockets, oldest first. */
  readonly sockets: FakeSocket[] = [];
  /** The arguments of all attempts. */
  readonly plans: Plan[] = [];
  /** The attempts that are in progress: at most one. */
  readonly waiting: Attempt[] = [];
  readonly reconnector: Reconnector<FakeSocket>;

  constructor(
    options: ReconnectOptions<FakeSocket> = {},
    url: PerAttempt<string | URL> = 'ws://server.example.com/',
  ) {
    const connect = (plan: Plan, _: unknown, signal: AbortSignal) => this.connect(plan, signal);
    this.reconnector = new Reconnector(url, options, connect);
  }

  /** The sockets that are open: at most one. */
  get open(): FakeSocket[] {
    return this.sockets.filter(({ isClosed }) => !isClosed);
  }

  private connect(plan: Plan, signal: AbortSignal): Promise<FakeSocket> {
    this.plans.push(plan);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.waiting.splice(this.waiting.indexOf(attempt), 1);
      };
      const onAbort = (): void => {
        leave();
        reject(new Error('aborted'));
      };
      const attempt: Attempt = {
        plan,
        open: () => {
          leave();
          const socket = new FakeSocket();
          this.sockets.push(socket);
          resolve(socket);
          return socket;
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort);
      this.waiting.push(attempt);
    });
  }
}

/** Lets promises run. The clock of a test stands still meanwhile. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}

/** What a promise is now. */
export interface Outcome<T> {
  state: 'pending' | 'resolved' | 'rejected';
  value?: T;
  error?: Error;
}

export function watch<T>(promise: Promise<T>): Outcome<T> {
  const outcome: Outcome<T> = { state: 'pending' };
  promise.then(
    (value) => Object.assign(outcome, { state: 'resolved', value }),
    (error: Error) => Object.assign(outcome, { state: 'rejected', error }),
  );
  return outcome;
}
