/** The messages that a WebSocket was given and that never reached its transport. */

import type { SendCallback } from '../protocol/write-batch.js';
import type { MaySendMore, SendOptions } from '../websocket/api.js';
import type { BufferLike } from '../websocket/payload.js';
import type { WebSocket } from '../websocket/websocket.js';

/** A message that was not sent. */
export interface UnsentMessage {
  /** What `send` was given. */
  readonly data: BufferLike;
  readonly options: SendOptions;
}

/** What a WebSocket of `reconnect` has beside its class. */
export interface UnsentApi {
  /**
   * Returns the messages that were given to `send` and did not reach the operating system, oldest first.
   * After the end of the connection they can be sent on the next one. What reached it may be lost as
   * well: only an answer of the peer tells.
   */
  unsent(): UnsentMessage[];
}

type SocketClass = typeof WebSocket;

/** The classes made here, by the class that they extend. */
const classes = new WeakMap<SocketClass, SocketClass>();

/** Returns a subclass that knows what was not sent. */
export function withUnsent(Base: SocketClass): SocketClass {
  const existing = classes.get(Base);
  if (existing !== undefined) return existing;
  const created = extend(Base);
  classes.set(Base, created);
  return created;
}

function extend(Base: SocketClass): SocketClass {
  class Reconnected extends Base implements UnsentApi {
    readonly #waiting = new Set<UnsentMessage>();

    override send(
      data: BufferLike,
      given?: SendOptions | SendCallback,
      last?: SendCallback,
    ): MaySendMore {
      const options = typeof given === 'function' ? {} : (given ?? {});
      const callback = typeof given === 'function' ? given : last;
      const message = { data, options };
      const waiting = this.#waiting;
      waiting.add(message);
      try {
        return super.send(data, options, (error) => {
          if (!error || isDropped(error)) waiting.delete(message);
          callback?.(error);
        });
      } catch (error) {
        waiting.delete(message);
        throw error;
      }
    }

    unsent(): UnsentMessage[] {
      return [...this.#waiting];
    }
  }
  Object.defineProperty(Reconnected, 'name', { configurable: true, value: Base.name });
  return Reconnected;
}

/** The program wanted it so, by a policy for slow readers. */
function isDropped(error: Error & { code?: unknown }): boolean {
  return error.code === 'WS_ERR_DROPPED';
}
