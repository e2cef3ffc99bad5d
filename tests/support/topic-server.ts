/** A server in memory with connections that may be subscribed, and what their clients receive. */

import type { Scope } from './scope.js';
import {
  type Loose,
  memoryServer,
  next,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from './websockets.js';

/** One connection: both of its ends, and what its client received. */
export interface Member {
  readonly socket: WebSocketInstance;
  readonly client: WebSocketInstance;
  readonly received: string[];
}

export interface TopicServer {
  readonly server: ServerInstance;
  /** The events of topics, as `occupied room`. */
  readonly events: string[];
  join(): Promise<Member>;
}

export function topicServer(scope: Scope, options: Loose = {}, client: Loose = {}): TopicServer {
  const { http, connect } = memoryServer(scope);
  const server = serve(scope, { server: http, ...options });
  const events: string[] = [];
  server.on('topicOccupied', (topic) => events.push(`occupied ${topic}`));
  server.on('topicVacated', (topic) => events.push(`vacated ${topic}`));
  const join = async (): Promise<Member> => {
    const accepted = next<[WebSocketInstance]>(server, 'connection');
    const own = connect(client);
    const received: string[] = [];
    own.on('message', (data, isBinary) => received.push(`${isBinary ? 'binary ' : ''}${data}`));
    const [[socket]] = await Promise.all([accepted, next(own, 'open')]);
    return { socket, client: own, received };
  };
  return { server, events, join };
}

/** Several connections of one server. */
export async function joinAll(server: TopicServer, count: number): Promise<Member[]> {
  const members: Member[] = [];
  for (let i = 0; i < count; i++) members.push(await server.join());
  return members;
}
