/** `ws6455/crossws`: an adapter for programs that are written for crossws, such as those of h3, Nitro and Nuxt. */

import { makeAdapter } from './adapter.js';
import type { AdapterOptions, CrosswsAdapter, Peer } from './interface.js';

export type {
  AdapterOptions,
  AdapterPublishOptions,
  CloseDetails,
  CompressOptions,
  CrosswsAdapter,
  HeaderFields,
  Hooks,
  MaybePromise,
  Message,
  Peer,
  PeerContext,
  SyncDriver,
  SyncErrorContext,
  SyncMessage,
  UpgradeAnswer,
  UpgradeRequest,
  UpgradeResult,
  WaitForDrainOptions,
} from './interface.js';
export type { NodeUpgradeHandler } from './node-upgrade-handler.js';
export { fromNodeUpgradeHandler } from './node-upgrade-handler.js';
export { WSError } from './ws-error.js';

/**
 * Makes an adapter with the interface of `crossws/adapters/node`, on a WebSocketServer of ws6455.
 * @throws TypeError for a `wss` that is no server of ws6455, and for `sync` beside a `broker`
 */
export function crosswsAdapter<P = Peer>(options?: AdapterOptions<P>): CrosswsAdapter<P> {
  // A program that names the types of crossws gets the same objects under its names.
  return makeAdapter(options as AdapterOptions | undefined) as CrosswsAdapter as never;
}

export default crosswsAdapter;
