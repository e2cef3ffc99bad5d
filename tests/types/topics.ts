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

export async function history(server: WebSocketServer, socket: WebSocket): Promise<number> {
  const position = await server.position('room');
  expectType<Equal<typeof position, WebSocket.TopicPosition>>();
  const missed = await server.since('room', JSON.parse('{}') as unknown);
  expectType<Equal<typeof missed, WebSocket.TopicHistory<WebSocket.TopicMessage>>>();
  for (const { data, isBinary } of missed.messages) socket.send(data, { binary: isBinary });
  server.on('topicGap', (topic, { epoch, offset }) => {
    socket.send(JSON.stringify({ topic, epoch, offset }));
  });
  return missed.position.offset;
}

const limits: WebSocket.HistoryLimits = { size: 100, ttl: 60_000 };
export const byName = new WebSocketServer({
  port: 0,
  topics: { room: { history: limits }, a: {} },
});
export const byFunction = new WebSocketServer({
  port: 0,
  topics: (topic) => (topic.startsWith('room:') ? { history: limits } : undefined),
});
// @ts-expect-error both limits are needed
export const half = new WebSocketServer({ port: 0, topics: { room: { history: { size: 1 } } } });

// @ts-expect-error a route has the broker of its server
shared.route('/', { broker: new Engine() }, () => {});
