/** `reconnect`: a loop over connections. */

import { ASYNC_DISPOSE } from '../connection/async-dispose.js';
import { WebSocket } from '../websocket/websocket.js';
import { openSocket, type SocketClass } from './open-socket.js';
import type { PerAttempt, ReconnectOptions, Settings } from './options.js';
import type { Plan } from './prepare.js';
import { Reconnector } from './reconnector.js';
import { withUnsent } from './unsent.js';

type Options = ReconnectOptions<WebSocket> & { WebSocket?: SocketClass | undefined };
type Result = IteratorResult<WebSocket, undefined>;

/** Implements `reconnect`. @throws as documented there */
export function connectionsTo(
  url: PerAttempt<string | URL>,
  given: Options | undefined,
): AsyncIterableIterator<WebSocket, undefined> {
  const { WebSocket: Class = WebSocket, ...options } = given ?? {};
  const Reconnected = withUnsent(Class);
  const connect = (plan: Plan, settings: Settings, signal: AbortSignal): Promise<WebSocket> =>
    openSocket(Reconnected, plan, settings, signal);
  return new Connections(new Reconnector(url, options, connect));
}

/** The iterator. Calls of `next` wait for each other. */
class Connections implements AsyncIterableIterator<WebSocket, undefined> {
  private readonly reconnector: Reconnector<WebSocket>;
  private latest: Promise<unknown> = Promise.resolve();

  constructor(reconnector: Reconnector<WebSocket>) {
    this.reconnector = reconnector;
  }

  next(): Promise<Result> {
    const result = this.latest.then(() => this.advance());
    this.latest = result.catch(() => {});
    return result;
  }

  private async advance(): Promise<Result> {
    const socket = await this.reconnector.next();
    return socket === undefined ? { value: undefined, done: true } : { value: socket, done: false };
  }

  /** The program leaves the loop: the connection is closed with 1000. */
  async return(): Promise<Result> {
    await this.reconnector.end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [ASYNC_DISPOSE](): Promise<void> {
    await this.return();
  }
}
