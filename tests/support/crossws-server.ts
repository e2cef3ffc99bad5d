/** An adapter of `ws6455/crossws` on an http server in memory, and clients of it. */

import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AdapterOptions, crosswsAdapter } from '../../src/crossws.js';
import { until } from './inbox.js';
import { connectRaw, type RawClient } from './raw-client.js';
import { type RequestParts, upgradeRequest } from './requests.js';
import type { Scope } from './scope.js';
import { type Loose, memoryServer, next, type WebSocketInstance } from './websockets.js';

/** A client that is open, and the texts it received. */
export interface CrosswsClient {
  readonly client: WebSocketInstance;
  readonly received: string[];
}

export function crosswsServer(scope: Scope, options: AdapterOptions) {
  const http = createServer();
  const adapter = crosswsAdapter(options);
  const answered: Promise<void>[] = [];
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    answered.push(adapter.handleUpgrade(request, socket, head));
  });
  const { connect, wires } = memoryServer(scope, http);
  scope.later(async () => {
    adapter.closeAll(undefined, undefined, true);
    await until(() => adapter.peers.size === 0, 'the peers to leave');
    await adapter.close();
  });

  const open = (path = '/', own: Loose = {}, protocols?: string[]): CrosswsClient => {
    const client = connect(own, protocols, path);
    const received: string[] = [];
    client.on('message', (data, isBinary) => received.push(`${isBinary ? 'binary ' : ''}${data}`));
    return { client, received };
  };
  const join = async (...given: Parameters<typeof open>): Promise<CrosswsClient> => {
    const member = open(...given);
    await next(member.client, 'open');
    return member;
  };
  const ask = (parts: RequestParts = {}): RawClient =>
    connectRaw(scope, http, upgradeRequest(parts));
  return { adapter, http, wires, answered, open, join, ask };
}
