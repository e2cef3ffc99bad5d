/** The history of NATS: what it asks JetStream, and what it makes of the answers. */

import { describe, expect, test } from '@jest/globals';
import { type BrokerHistory, nats } from '../../../src/topics/index.js';
import { EPOCH, useClock } from '../../support/clock.js';
import { FakeHeaders, FakeJetStream } from '../../support/fake-jetstream.js';
import { FakeNats } from '../../support/fake-nats.js';
import { turns } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const clock = useClock();

const LIMITS = { size: 10, ttl: 60_000 };
const MAX_SWEEP_INTERVAL = 1_200_000;

async function start() {
  const fake = new FakeNats();
  const jetStream = new FakeJetStream(fake);
  const history = { headers: () => new FakeHeaders() };
  const broker = nats({ connection: fake, prefix: 'p', history });
  const told: string[] = [];
  await broker.start({
    message: () => {},
    status: (isUp, error) => told.push(`${isUp} ${error?.message}`),
  });
  scope().later(() => broker.close());
  return { fake, jetStream, broker, told, history: broker.history as BrokerHistory };
}

function publish(history: BrokerHistory, sequence: number, limits = LIMITS) {
  const options = { ...limits, publisher: 'ab', sequence };
  return history.publish('a', Buffer.from(`${sequence}`), options);
}

const textsOf = (messages: readonly { data: Uint8Array }[]): string[] =>
  messages.map(({ data }) => Buffer.from(data).toString());

describe('the stream of a topic', () => {
  test('is made with the first message, and asked for no more', async () => {
    const { history, jetStream } = await start();
    const { epoch, offset } = await publish(history, 1);
    await publish(history, 2);
    expect(offset).toBe(1);
    expect(epoch).toMatch(/^[0-9a-f]{16}$/);
    const subject = `p.%history.${epoch}.a`;
    expect(jetStream.requests).toEqual(['STREAM.INFO', 'STREAM.CREATE', subject, subject]);
    expect(jetStream.stream.config).toMatchObject({
      subjects: [subject],
      max_msgs: 10,
      max_age: 60_000_000_000,
      duplicate_window: 60_000_000_000,
      storage: 'file',
      num_replicas: 1,
      allow_direct: true,
      republish: { src: subject, dest: 'p.a' },
    });
  });

  test('gets other limits when they have changed', async () => {
    const { history, jetStream } = await start();
    await publish(history, 1);
    await publish(history, 2, { size: 20, ttl: 600_000 });
    await publish(history, 3, { size: 20, ttl: 600_000 });
    expect(jetStream.requests.filter((request) => request === 'STREAM.UPDATE')).toHaveLength(1);
    expect(jetStream.stream.config).toMatchObject({
      max_msgs: 20,
      max_age: 600_000_000_000,
      duplicate_window: 120_000_000_000,
    });
  });

  test.each([
    [1, 100_000_000],
    [0.5, 100_000_000],
    [1e300, 3_155_760_000_000_000_000],
  ])('gets an age that JetStream takes, for a ttl of %d', async (ttl, age) => {
    const { history, jetStream } = await start();
    await publish(history, 1, { size: 1, ttl });
    await publish(history, 2, { size: 1, ttl });
    expect(jetStream.stream.config).toMatchObject({ max_age: age });
    expect(jetStream.requests).toHaveLength(4);
  });

  test('is that of another server, if that one was faster', async () => {
    const [one, two] = [await start(), await start()];
    Object.assign(two.jetStream, { streams: one.jetStream.streams });
    const first = one.history.position('a', LIMITS);
    const second = two.history.position('a', LIMITS);
    expect(await second).toEqual(await first);
    expect(two.jetStream.requests).toContain('STREAM.CREATE');
  });

  test('that was removed is made anew', async () => {
    const { history, jetStream } = await start();
    const first = await publish(history, 1);
    jetStream.streams.clear();
    const second = await publish(history, 2);
    expect([second.offset, second.epoch === first.epoch]).toEqual([1, false]);
    jetStream.streams.clear();
    const since = await history.since('a', second, LIMITS);
    expect(since).toEqual({
      complete: false,
      messages: [],
      position: { epoch: expect.any(String), offset: 0 },
    });
  });

  test('may not be that of another program', async () => {
    const { history, jetStream } = await start();
    await publish(history, 1);
    jetStream.stream.config.subjects = ['orders'];
    await expect(publish(history, 2)).rejects.toThrow(/is of another program/);
  });
});

describe('since', () => {
  test('asks the leader for what a follower does not have', async () => {
    const { history, jetStream } = await start();
    const first = await publish(history, 1);
    for (let i = 2; i <= 300; i++) await publish(history, i);
    jetStream.isBehind = true;
    const { complete, messages } = await history.since('a', first, LIMITS);
    expect(complete).toBe(true);
    expect(textsOf(messages)).toEqual(Array.from({ length: 299 }, (_, i) => `${i + 2}`));
  });

  test('is incomplete if a message is removed meanwhile', async () => {
    const { history, jetStream } = await start();
    const first = await publish(history, 1);
    for (let i = 2; i <= 5; i++) await publish(history, i);
    jetStream.stream.messages.delete(3);
    const end = { ...first, offset: 5 };
    const incomplete = { complete: false, messages: [], position: end };
    expect(await history.since('a', first, LIMITS)).toEqual(incomplete);
    expect(await history.since('a', { ...first, offset: 3 }, LIMITS)).toMatchObject({
      complete: true,
    });
  });
});

describe('a message that is sent again', () => {
  test('is looked for, when JetStream may have forgotten it', async () => {
    clock.stop();
    const { history, jetStream } = await start();
    await publish(history, 1);
    const { onRequest } = jetStream;
    jetStream.onRequest = (subject) => {
      if (!subject.startsWith('$JS')) {
        // It is stored, and the answer is lost.
        jetStream.stream.messages.set(++jetStream.stream.lastSeq, { id: 'ab-2', data: '2' });
        throw new Error('timeout');
      }
    };
    await expect(publish(history, 2)).rejects.toThrow('timeout');
    Object.assign(jetStream, { onRequest, findsRepetitions: false });
    clock.advance(LIMITS.ttl / 2 + 1);
    expect(await publish(history, 2)).toMatchObject({ offset: 2 });
    expect(await publish(history, 3)).toMatchObject({ offset: 3 });
    expect(jetStream.stream.messages.size).toBe(3);
  });

  test('and was not stored, is stored', async () => {
    clock.stop();
    const { history, jetStream } = await start();
    const { onRequest } = jetStream;
    jetStream.onRequest = () => Promise.reject(new Error('timeout'));
    await expect(publish(history, 1)).rejects.toThrow('timeout');
    Object.assign(jetStream, { onRequest });
    clock.advance(LIMITS.ttl);
    expect(await publish(history, 1)).toMatchObject({ offset: 1 });
  });
});

describe('a request', () => {
  test('fails at once when the connection is lost, and while it is', async () => {
    const { fake, history, jetStream } = await start();
    jetStream.onRequest = () => new Promise(() => {});
    const lost = expect(publish(history, 1)).rejects.toThrow('The connection to NATS is lost');
    await turns();
    fake.disconnect();
    await lost;
    await expect(publish(history, 1)).rejects.toThrow('The NATS server is not reachable');
  });

  test('that JetStream refuses has its reason', async () => {
    const { fake, history } = await start();
    const refusal = { error: { err_code: 10_023, description: 'insufficient resources' } };
    fake.respond = async () => ({ data: Buffer.from(JSON.stringify(refusal)) });
    await expect(history.position('a', LIMITS)).rejects.toThrow(
      /^JetStream refuses STREAM\.INFO\.p-[0-9a-f]{32}: insufficient resources \(10023\)$/,
    );
  });

  test('without JetStream says how to get it', async () => {
    const { fake, history } = await start();
    const cause = Object.assign(new Error('no responders'), { name: 'NoRespondersError' });
    fake.respond = () => Promise.reject(new Error('request failed', { cause }));
    await expect(history.position('a', LIMITS)).rejects.toThrow(/start nats-server with -js/);
  });
});

describe('streams without messages', () => {
  test('are removed ten minutes after the last one was too old', async () => {
    clock.stop();
    const { history, jetStream, told } = await start();
    for (const topic of ['a', 'b', 'c', 'd']) await history.position(topic, LIMITS);
    const [idle, full, late] = [...jetStream.streams.values()];
    if (idle === undefined || full === undefined || late === undefined) throw new Error('none');
    full.messages.set(1, { id: '', data: '' });
    late.lastTime = new Date(EPOCH + MAX_SWEEP_INTERVAL - LIMITS.ttl).toISOString();
    clock.advance(MAX_SWEEP_INTERVAL);
    await turns(50);
    expect([...jetStream.streams.keys()]).toEqual([full.config.name, late.config.name]);
    clock.advance(2 * MAX_SWEEP_INTERVAL);
    await turns(50);
    expect([...jetStream.streams.keys()]).toEqual([full.config.name]);
    expect(told).toEqual([]);
  });

  test('that cannot be listed are an error, and tried again', async () => {
    clock.stop();
    const { jetStream, told, broker } = await start();
    jetStream.onRequest = () => Promise.reject(new Error('timeout'));
    clock.advance(MAX_SWEEP_INTERVAL);
    await turns();
    expect(told).toEqual(['true timeout']);
    await broker.close();
    clock.advance(2 * MAX_SWEEP_INTERVAL);
    await turns();
    expect(told).toHaveLength(1);
  });
});
