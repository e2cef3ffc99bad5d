/** ws6455/crossws beside the types of crossws itself: `tsc` compiles this file. */

import type * as crossws from 'crossws';
import type { NodeAdapter, NodeOptions } from 'crossws/adapters/node';
import crosswsAdapter, {
  type AdapterOptions,
  type CrosswsAdapter,
  fromNodeUpgradeHandler,
  type Hooks,
  type Message,
  type Peer,
} from 'ws6455/crossws';

/** What a program may use of a class: not its private members. */
type Public<T> = { [K in keyof T]: T[K] };

/** Members that crossws has for its other adapters, and for `console.log`. */
type Inner = '_publish' | typeof Symbol.toStringTag | typeof Symbol.toPrimitive | symbol;

declare const peer: Peer;
declare const message: Message;
export const asPeer: Omit<Public<crossws.Peer>, Inner | 'peers' | 'websocket'> = peer;
/** The events of crossws are those of browsers, whose target is any EventTarget. */
type Handler = `on${string}` | `${'add' | 'remove'}EventListener` | 'dispatchEvent';
export const asWebSocket: Omit<crossws.Peer['websocket'], Handler> = peer.websocket;
export const asMessage: Omit<Public<crossws.Message>, Inner | 'peer' | 'event'> = message;

/** Hooks that are written with the types of crossws, and what comes of them. */
declare const hooks: Partial<crossws.Hooks>;
export const instance: crossws.AdapterInstance = crosswsAdapter({ hooks });
export const adapter: NodeAdapter = crosswsAdapter({ hooks, resolve: () => hooks });
export const empty: NodeAdapter = crosswsAdapter<crossws.Peer>();
export const factory: crossws.Adapter<crossws.AdapterInstance> = (options) =>
  crosswsAdapter<crossws.Peer>(options);
declare const nodeOptions: Omit<NodeOptions, 'wss' | 'serverOptions'>;
export const fromOptions: NodeAdapter = crosswsAdapter(nodeOptions);
export const wrapped: Partial<crossws.Hooks> = fromNodeUpgradeHandler(() => {});

/** Without them, the types are those of ws6455. */
export const own: CrosswsAdapter = crosswsAdapter({
  hooks: {
    async open(one) {
      await one.subscribe('news');
      one.websocket.on('drop', () => one.close());
      const count: number = one.publish('news', { any: 'object' });
      one.send(count);
    },
    message: (one, { peer: same }) => void same?.send(one.id),
  },
  serverOptions: { heartbeat: true },
});
export const ownHooks: Partial<Hooks> = {
  close: (one, { code }) => void one.topics.has(`${code}`),
};
export const options: AdapterOptions = { hooks: ownHooks, wss: own.server };
