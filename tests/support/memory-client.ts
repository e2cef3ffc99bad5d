/** A client whose connections lead to the test, in memory. */

import WebSocket from '../../src/index.js';
import type { WireEnd } from './duplex-pair.js';
import { type HttpMessage, Inbox, turns, until } from './inbox.js';
import { keyOf } from './requests.js';
import type { Scope } from './scope.js';
import {
  type ClientOptions,
  type Loose,
  recordEvents,
  type WebSocketInstance,
} from './websockets.js';

/** A connection that a client asked for: its options, and the far end of the wire. */
export interface ClientConnection {
  to: { host?: string; port?: number | string; path?: string; servername?: string };
  wire: WireEnd;
  inbox: Inbox;
}

export class MemoryClient {
  readonly ws: WebSocketInstance;
  readonly events: string[];
  readonly errors: NodeJS.ErrnoException[] = [];
  readonly connections: ClientConnection[] = [];

  constructor(
    scope: Scope,
    url: string | URL = 'ws://server.example.com/chat',
    options: Loose = {},
    protocols?: string | string[],
  ) {
    const createConnection = (to: ClientConnection['to']) => {
      const [near, wire] = scope.wire();
      this.connections.push({ to, wire, inbox: new Inbox(wire) });
      return near;
    };
    const all = { perMessageDeflate: false, createConnection, ...options } as ClientOptions;
    this.ws =
      protocols === undefined ? new WebSocket(url, all) : new WebSocket(url, protocols, all);
    scope.track(this.ws);
    this.events = recordEvents(this.ws);
    this.ws.on('error', (error) => this.errors.push(error));
  }

  /** The nth connection that the client asked for. */
  readonly connection = async (index = 0): Promise<ClientConnection> => {
    await until(
      () => this.connections.length > index,
      () => `connection ${index}; events: ${this.events.join(', ')}`,
    );
    return this.connections[index] as ClientConnection; // just seen
  };

  /** The request of the nth connection. */
  readonly request = async (index = 0): Promise<HttpMessage> =>
    (await this.connection(index)).inbox.message();

  /** Responds to the request of the nth connection. */
  readonly answer = async (
    make: (key: string) => Buffer | string,
    index = 0,
  ): Promise<ClientConnection> => {
    const connection = await this.connection(index);
    connection.wire.write(make(keyOf(await connection.inbox.message())));
    return connection;
  };

  async closed(): Promise<void> {
    await until(
      () => this.events.some((event) => event.startsWith('close')),
      () => `'close'; events: ${this.events.join(', ')}`,
    );
  }

  /** The client failed as it should: one 'error', then one 'close', and its connections closed. */
  async failed(): Promise<string> {
    await this.closed();
    const [error = '', close, ...more] = this.events;
    if (!error.startsWith('error ') || close !== 'close 1006' || more.length > 0) {
      throw new Error(`events: ${this.events.join(', ')}`);
    }
    for (const { inbox } of this.connections)
      await until(() => inbox.ended, 'the connection to end');
    return error.slice('error '.length);
  }
}

export type Connect = (
  url: string | URL,
  options?: Loose,
  protocols?: string | string[],
) => MemoryClient;

/** @returns what makes such a client; it is closed when the test is over */
export function clientsIn(scope: () => Scope): Connect {
  return (url, options, protocols) => new MemoryClient(scope(), url, options, protocols);
}

/** Waits for so many events, then until no more come. */
export async function settled(events: string[], count = 1): Promise<string[]> {
  await until(
    () => events.length >= count,
    () => `events; so far: ${events.join(', ')}`,
  );
  await turns();
  return events;
}
