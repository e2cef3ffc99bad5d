/** What a worker of node:cluster sends may be broken: the primary process goes on. */

import { expect, test } from '@jest/globals';
import { ClusterBroker } from '../../../src/topics/cluster-broker.js';
import { ClusterHub } from '../../../src/topics/cluster-hub.js';
import { useClock } from '../../support/clock.js';
import { PrimaryEmitter } from '../../support/cluster-pair.js';
import { turns } from '../../support/inbox.js';

const clock = useClock();

test.each<[string, unknown]>([
  ['nothing', null],
  ['a number', 7],
  ['no topics', ['subscribe', 1]],
  ['no bytes', ['publish', 'a', 5]],
  ['bytes that are not there', ['append', 1, 'a']],
  ['no position', ['since', 1, 'a', null, null]],
])('a record with %s costs its worker the subscriptions, and no other', async (_, record) => {
  const emitter = new PrimaryEmitter();
  const hub = new ClusterHub(emitter, 10_000);
  const received: string[] = [];
  const statuses: string[] = [];
  const broken = emitter.fork();
  const broker = new ClusterBroker(broken.worker);
  await broker.start({
    message() {},
    status: (isUp, error) => statuses.push(isUp ? 'up' : `${error?.message}`),
  });
  await broker.subscribe(['b']);
  const other = new ClusterBroker(emitter.fork().worker);
  await other.start({ message: (_, data) => received.push(`${Buffer.from(data)}`), status() {} });
  await other.subscribe(['a']);
  const id = broken.worker.sent[0]?.ws6455;
  expect(() => emitter.emit('message', broken.child, { ws6455: id, list: [record] })).not.toThrow();
  await turns();
  if (record !== 7) {
    expect(statuses[0]).toMatch(/^The primary process cannot read what the worker sent: /);
  }
  expect(statuses.at(-1) ?? 'up').toBe('up');
  broker.publish('a', Buffer.from('x'));
  await turns();
  expect(received).toEqual(['x']);
  expect(hub.stats.brokers).toBe(2);
  await Promise.all([broker.close(), other.close()]);
  hub.close();
});

test('a broker that could not open, and is closed, leaves the channel of another alone', async () => {
  clock.stop();
  const emitter = new PrimaryEmitter();
  const { worker } = emitter.fork();
  const events = { message() {}, status() {} };
  const failed = new ClusterBroker(worker, { timeout: 0 });
  const outcome = expect(failed.start(events)).rejects.toThrow('did not answer');
  clock.advance(500);
  await outcome;
  const hub = new ClusterHub(emitter, 10_000);
  const [second, third] = [new ClusterBroker(worker), new ClusterBroker(worker)];
  await second.start(events);
  await failed.close();
  await third.start(events);
  expect(worker.listenerCount('message')).toBe(1);
  await Promise.all([second.close(), third.close()]);
  expect(worker.listenerCount('message')).toBe(0);
  hub.close();
});
