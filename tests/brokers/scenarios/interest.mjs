/** The traffic into a node is what its connections want, and not everything. */
import assert from 'node:assert/strict';
import { startFleet } from '../support/fleet.mjs';
import { until } from '../support/wait.mjs';

const PER_WORKER = 33;
const ROUNDS = 10;
const BODY = 'x'.repeat(500);

export const name = 'a third of the interest is a third of the traffic';

export const needs = [];

export async function run({ start }) {
  const backend = await start();
  const workers = await startFleet(backend);
  const topics = workers.flatMap((_, i) => topicsOf(i));
  for (const [i, worker] of workers.entries()) {
    const client = await worker.client();
    await client.subscribe(topicsOf(i));
  }
  const before = workers.map(({ proxy }) => proxy?.bytesToClient ?? 0);
  for (let round = 0; round < ROUNDS; round++) {
    for (const worker of workers) await worker.publish(...topics.map((topic) => [topic, BODY]));
  }
  const wanted = PER_WORKER * ROUNDS * workers.length;
  const foreign = PER_WORKER * ROUNDS * (workers.length - 1);
  for (const worker of workers) {
    const [client] = worker.clients;
    await until('All messages', () => client.received.length >= wanted);
    const { broker } = await worker.stats();
    assert.deepEqual([client.received.length, broker.received], [wanted, foreign]);
  }
  // Each message of everybody, without what an engine adds.
  const everything = topics.length * ROUNDS * workers.length * BODY.length;
  const shares = workers.map(({ proxy }, i) =>
    proxy === undefined ? undefined : (proxy.bytesToClient - before[i]) / everything,
  );
  for (const share of shares) assert(share === undefined || share < 0.5, `${share} of everything`);
  await Promise.all(workers.map((worker) => worker.close()));
  const total = topics.length * ROUNDS * (workers.length - 1);
  const bytes =
    shares[0] === undefined ? '' : `, bytes ${shares.map((x) => x.toFixed(2)).join(' ')}`;
  return `received ${foreign} of ${total} messages of the others${bytes} of everything`;
}

function topicsOf(worker) {
  return Array.from({ length: PER_WORKER }, (_, i) => `topic ${worker} ${i}`);
}
