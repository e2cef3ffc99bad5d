/** A process whose server is closed ends. */
import assert from 'node:assert/strict';
import { startFleet } from '../support/fleet.mjs';
import { until } from '../support/wait.mjs';

const MAX_TIME = 2_000;

export const name = 'after close a process ends by itself';

export const needs = [];

export async function run({ start }) {
  const backend = await start();
  const workers = await startFleet(backend);
  for (const worker of workers) await (await worker.client()).subscribe(['a', 'b']);
  const times = await Promise.all(workers.map((worker) => worker.close()));
  assert(Math.max(...times) < MAX_TIME, `after ${times} ms`);
  if (backend.subscriptions) {
    await until('No subscription at the engine', async () => (await backend.subscriptions()) === 0);
  }
  return `within ${Math.max(...times)} ms`;
}
