/** Topics of connections and servers. */

import WebSocket, { WebSocketServer } from 'ws';
import { type Equal, expectType } from './equal.js';

export async function topics(server: WebSocketServer, socket: WebSocket): Promise<number> {
  await socket.subscribe('room');
  await socket.subscribe(['room', 'news'] as const);
  socket.unsubscribe([...socket.topics]);
  expectType<Equal<typeof socket.topics, ReadonlySet<string>>>();
  const message: WebSocket.TopicMessageOptions = {
    binary: false,
    compress: true,
    key: 'k',
    droppable: false,
  };
  const options: WebSocket.PublishOptions<WebSocket> = { ...message, except: socket };
  const prepared = WebSocket.prepareMessage('x');
  const reached = server.publish('room', 'x', options) + server.publish(['a', 'b'], prepared);
  server.on('topicOccupied', (topic) => expectType<Equal<typeof topic, string>>());
  server.on('topicVacated', (topic) => expectType<Equal<typeof topic, string>>());
  // @ts-expect-error a connection leaves out itself
  socket.publish('room', 'x', { except: socket });
  // @ts-expect-error a Set is no list
  socket.subscribe(new Set(['room']));
  return reached + socket.publish('room', Buffer.alloc(1), message) + server.subscribers('room');
}

class Member extends WebSocket {
  readonly name = 'Ada';
}

/** A server of a subclass excludes a connection of it. */
export const own = new WebSocketServer({ port: 0, WebSocket: Member });
own.on('connection', (member) => {
  own.publish('room', member.name, { except: member });
});

/** What a class written for `ws` may have, with types that fit. */
export class Channels extends WebSocket {
  readonly names: string[] = [];

  override async subscribe(topics: string | readonly string[]): Promise<void> {
    this.names.push(...[topics].flat());
    await super.subscribe(topics);
  }
}

/** A broker as a program writes it. */
export class Engine implements WebSocket.Broker {
  private events: WebSocket.BrokerEvents | undefined;

  async start(events: WebSocket.BrokerEvents): Promise<void> {
    this.events = events;
  }
  subscribe(topics: readonly string[]): void {
    expectType<Equal<typeof topics, readonly string[]>>();
  }
  async unsubscribe(): Promise<void> {}
  publish(topic: string, data: Uint8Array): void {
    this.events?.message(topic, data);
    this.events?.status(false, new Error('gone'));
  }
  close(): void {}
}

export const shared = new WebSocketServer({ port: 0, broker: new Engine() });
shared.on('brokerStatus', (isUp) => expectType<Equal<typeof isUp, boolean>>());
shared.on('brokerError', (error) => expectType<Equal<typeof error, Error>>());
// @ts-expect-error a route has the broker of its server
shared.route('/', { broker: new Engine() }, () => {});
