/** Hooks that give requests to a listener of 'upgrade', as crossws has them. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MaybePromise, UpgradeRequest } from './interface.js';

/** A listener of 'upgrade'. */
export type NodeUpgradeHandler = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => MaybePromise<void>;

/** What srvx adds to a request. */
interface ServerRequest {
  readonly runtime?: {
    readonly node?: {
      readonly req: IncomingMessage;
      readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer };
    };
  };
}

/**
 * Makes hooks of a listener of 'upgrade'. It takes the socket: no other hook is called.
 * @throws Error from the hook, for a request that was not made by `srvx`
 */
export function fromNodeUpgradeHandler(handler: NodeUpgradeHandler): {
  upgrade(request: UpgradeRequest): Promise<{ handled: true }>;
} {
  return {
    async upgrade(request) {
      const node = (request as ServerRequest).runtime?.node;
      if (node?.upgrade === undefined) {
        throw new Error(
          'fromNodeUpgradeHandler needs the request of srvx: pass it to handleUpgrade as the fourth argument',
        );
      }
      await handler(node.req, node.upgrade.socket, node.upgrade.head);
      return { handled: true };
    },
  };
}
