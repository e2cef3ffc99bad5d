/** redis() over a client of node-redis 5, which throws when a connection that has ended is closed. */

import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { redis } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';

const clock = useClock();

/** As a client of `redis` 5. Its duplicates are in `made`. */
class Client extends EventEmitter {
  readonly made: Client[];
  readonly options: Record<string, unknown>;
  isOpen = false;
  isReachable = true;

  constructor(options: Record<string, unknown> = {}, made: Client[] = []) {
    super();
    this.options = options;
    this.made = made;
  }

  duplicate(options: Record<string, unknown>): Client {
    const copy = new Client({ ...this.options, ...options }, this.made);
    copy.isReachable = this.isReachable;
    this.made.push(copy);
    return copy;
  }

  async connect(): Promise<void> {
    this.isOpen = true;
    if (this.isReachable) return;
    const error = new Error('connect ECONNREFUSED');
    this.fail(error);
    throw error;
  }

  /** The connection is lost, and not made again. */
  fail(error: Error): void {
    this.isOpen = false;
    this.emit('error', error);
  }

  destroy(): void {
    if (!this.isOpen) throw new Error('The client is closed');
    this.isOpen = false;
    this.emit('end');
  }

  async sendCommand(): Promise<string> {
    return 'PONG';
  }

  async subscribe(): Promise<void> {}
  async unsubscribe(): Promise<void> {}
  async sSubscribe(): Promise<void> {}
  async sUnsubscribe(): Promise<void> {}
  withTypeMapping(): void {}
}

function create(client: Client) {
  clock.stop();
  clock.useRandom(() => 0.5);
  const statuses: string[] = [];
  const broker = redis({ client: client as never });
  const start = async (): Promise<void> =>
    broker.start({ message() {}, status: (isUp, error) => statuses.push(`${isUp} ${error}`) });
  return { broker, start, statuses };
}

test('a connection that ends takes the other one with it', async () => {
  const client = new Client();
  const { broker, start, statuses } = create(client);
  await start();
  const [subscriber, publisher] = client.made;
  subscriber?.fail(new Error('read ECONNRESET'));
  expect(publisher?.isOpen).toBe(false);
  expect(statuses).toEqual(['false Error: read ECONNRESET']);
  await broker.close();
  expect(clock.timerCount).toBe(0);
});

test('a Redis that is not reachable is named as the cause', async () => {
  const client = new Client();
  client.isReachable = false;
  const { broker, start } = create(client);
  await expect(start()).rejects.toThrow('connect ECONNREFUSED');
  expect(client.made.some(({ isOpen }) => isOpen)).toBe(false);
  client.isReachable = true;
  await start();
  await broker.close();
  await turn();
  expect(client.made.some(({ isOpen }) => isOpen)).toBe(false);
});

test('the duplicates repeat nothing, and stay at their server', async () => {
  const client = new Client({ socket: { host: 'a' }, pingInterval: 1, commandOptions: { a: 1 } });
  const { broker, start } = create(client);
  await start();
  for (const { options } of client.made) {
    expect(options).toMatchObject({
      socket: { host: 'a', reconnectStrategy: false },
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      pingInterval: undefined,
    });
    expect(options['commandOptions']).not.toHaveProperty('a');
  }
  await broker.close();
});
