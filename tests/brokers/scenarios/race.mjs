/** What is published after a subscription was confirmed arrives. */
import { startFleet } from '../support/fleet.mjs';
import { until } from '../support/wait.mjs';

const TIMES = 1_000;
const LANES = 10;

export const name = 'published after a confirmed subscription, it arrives';

export const needs = [];

export async function run({ start }) {
  const backend = await start();
  const [a, b] = await startFleet(backend, 2);
  await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(a, b, lane)));
  await Promise.all([a.close(), b.close()]);
  return `${TIMES} times`;
}

async function runLane(a, b, lane) {
  const client = await a.client();
  for (let i = lane; i < TIMES; i += LANES) {
    const topic = `race ${i}`;
    await client.subscribe(topic);
    await b.publish([topic, topic]);
    await until(`Message ${i}`, () => client.received.includes(topic));
    client.received.length = 0;
    client.unsubscribe(topic);
  }
}
