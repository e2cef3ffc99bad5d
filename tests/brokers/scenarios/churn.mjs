/** Subscriptions come and go, and leave nothing behind. */
import assert from 'node:assert/strict';
import { startFleet } from '../support/fleet.mjs';
import { until } from '../support/wait.mjs';

const COUNT = 100_000;
const TOPICS = 3_000;
const MAX_GROWTH = 2 * 2 ** 20;

/** A server gives topics up 5 s after their last subscriber. */
const PATIENCE = 15_000;

export const name = 'churn leaves no subscription and no memory';

export const needs = [];

export async function run({ start, seed }) {
  const backend = await start();
  const [worker, other] = await startFleet(backend, 2);
  await worker.client();
  await (await other.client()).subscribe('kept');
  const heaps = [];
  for (let round = 0; round < 2; round++) {
    await worker.call('churn', { count: COUNT, topics: TOPICS, seed: seed + round });
    await untilNothingIsLeft(worker, backend);
    heaps.push(await worker.call('heap'));
  }
  const growth = heaps[1] - heaps[0];
  assert(growth < MAX_GROWTH, `The heap grew by ${growth} bytes`);
  const { errors, thrown } = await worker.stats();
  assert.deepEqual([errors, thrown], [[], []]);
  await Promise.all([worker.close(), other.close()]);
  if (backend.subscriptions) {
    await until('No subscription at the engine', async () => (await backend.subscriptions()) === 0);
  }
  return `${COUNT} changes of ${TOPICS} topics, twice; heap +${(growth / 1024).toFixed()} KiB`;
}

async function untilNothingIsLeft(worker, backend) {
  const topics = async () => (await worker.stats()).broker.topics;
  await until('No topic at the server', async () => (await topics()) === 0 || topics(), PATIENCE);
  if (backend.subscriptions === undefined) return;
  // Of the other worker one is left; an engine may need one more for each worker.
  const left = async () => (await backend.subscriptions()) <= 3 || backend.subscriptions();
  await until('No topic at the engine', left, PATIENCE);
}
