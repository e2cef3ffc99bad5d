/** `ws6455/crossws`: an adapter for programs that are written for crossws, such as those of h3, Nitro and Nuxt. */

import { makeAdapter } from './crossws/adapter.js';
import type * as own from './crossws/interface.js';

import type WebSocket = require('./index.js');

export type {
  AdapterPublishOptions,
  CloseDetails,
  CompressOptions,
  HeaderFields,
  MaybePromise,
  PeerContext,
  SyncDriver,
  SyncErrorContext,
  SyncMessage,
  UpgradeAnswer,
  UpgradeRequest,
  UpgradeResult,
  WaitForDrainOptions,
} from './crossws/interface.js';
export type { NodeUpgradeHandler } from './crossws/node-upgrade-handler.js';
export { fromNodeUpgradeHandler } from './crossws/node-upgrade-handler.js';
export { WSError } from './crossws/ws-error.js';

/** One connection, with the public class WebSocket. */
export interface Peer extends Omit<own.Peer, 'peers' | 'websocket'> {
  readonly peers: Set<Peer>;
  readonly websocket: WebSocket;
}

/** A received message. */
export type Message<P = Peer> = own.Message<P>;

/** The hooks of a program. `P` is the type of the peers. */
export type Hooks<P = Peer> = own.Hooks<P>;

/** The options of `crosswsAdapter`, with the public class WebSocketServer. */
export interface AdapterOptions<P = Peer>
  extends Omit<own.AdapterOptions<P>, 'wss' | 'serverOptions'> {
  wss?: WebSocket.WebSocketServer;
  serverOptions?: WebSocket.ServerOptions;
}

/** The adapter, with the public class WebSocketServer. */
export interface CrosswsAdapter<P = Peer> extends Omit<own.CrosswsAdapter<P>, 'server'> {
  readonly server: WebSocket.WebSocketServer;
}

/**
 * Makes an adapter with the interface of `crossws/adapters/node`, on a WebSocketServer of ws6455.
 * Hooks that are written with the types of crossws give it peers of these types.
 * @throws TypeError for a `wss` that is no server of ws6455, and for `sync` beside a `broker`
 */
export function crosswsAdapter<P = Peer>(options?: AdapterOptions<P>): CrosswsAdapter<P> {
  // The classes inside have wider types than the public interface.
  return makeAdapter(options as own.AdapterOptions | undefined) as never;
}

export default crosswsAdapter;
