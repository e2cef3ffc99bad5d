// `ws6455/topics`: values and types in CommonJS and in ESM.
import { strictEqual } from 'node:assert';
import { WebSocketServer } from 'ws6455';
import {
  type Broker,
  type BrokerEvents,
  type BrokerTestOptions,
  MemoryEngine,
  type TopicPosition,
  testBroker,
} from 'ws6455/topics';

/** A broker of a program. */
class Forwarding implements Broker {
  private readonly inner: Broker = engine.broker();

  start(events: BrokerEvents): void | PromiseLike<void> {
    return this.inner.start(events);
  }
  subscribe(topics: readonly string[]): void | PromiseLike<void> {
    return this.inner.subscribe(topics);
  }
  unsubscribe(topics: readonly string[]): void | PromiseLike<void> {
    return this.inner.unsubscribe(topics);
  }
  publish(topic: string, data: Uint8Array): void | PromiseLike<void> {
    return this.inner.publish(topic, data);
  }
  close(): void | PromiseLike<void> {
    return this.inner.close();
  }
}

const engine = new MemoryEngine();
const options: BrokerTestOptions = { timeout: 10_000 };
const position: TopicPosition = { epoch: 'one', offset: 1 };
strictEqual(position.offset, 1);

const server = new WebSocketServer({ noServer: true, broker: new Forwarding() });
strictEqual(server.publish('a', 'nobody'), 0);
const up: boolean | undefined = server.stats().broker?.isUp;
strictEqual(up, false);
server.close();

testBroker(() => new Forwarding(), options).then(
  () => strictEqual(engine.subscribers('a'), 0),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
