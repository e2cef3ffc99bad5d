/**
 * Faults without a history: local delivery goes on, afterwards messages flow again, nothing comes twice,
 * and no subscription is left.
 */
import assert from 'node:assert/strict';
import { startFleet, Worker } from '../support/fleet.mjs';
import { Traffic } from '../support/traffic.mjs';
import { sleep, until } from '../support/wait.mjs';

const STOPPED = 10_000;
/** Longer than local delivery may be late, see Traffic. */
const AWAY = 3_000;

/** @param apply causes the fault and ends it */
function fault(name, { needs = [], apply, isSeen = () => false }) {
  async function run({ start }) {
    const backend = await start();
    const workers = await startFleet(backend);
    const traffic = await Traffic.start(workers);
    await traffic.untilItFlows();
    await apply({ backend, workers, traffic });
    const recovery = await traffic.untilItFlows();
    const gap = await traffic.checkLocal();
    const lost = traffic.countLost();
    await traffic.checkOnce();
    const events = await checkStatus(traffic, isSeen);
    await checkEnd(backend, traffic);
    return `local gap ${gap} ms, flows after ${recovery} ms, ${lost} lost, status ${events}`;
  }
  return { name, needs, run };
}

/** Each outage has an end, and where the fault must be seen there was one. */
async function checkStatus({ members }, isSeen) {
  const all = [];
  for (const [i, { worker }] of members.entries()) {
    const { status, broker } = await worker.stats();
    assert(broker.isUp && status.at(-1) === true, `The status was ${status}`);
    assert(!isSeen(i) || status.includes(false), `Worker ${i} was not told: ${status}`);
    for (const [at, isUp] of status.entries()) assert.equal(isUp, at % 2 === 0);
    all.push(status.length - 1);
  }
  return all.join('/');
}

export async function checkEnd(backend, { members }) {
  await Promise.all(members.map(({ worker }) => worker.close()));
  if (backend.subscriptions === undefined) return;
  const none = async () => (await backend.subscriptions()) === 0 || backend.subscriptions();
  await until('No subscription at the engine', none);
}

export const FAULTS = [
  fault('the engine is stopped for ten seconds', {
    needs: ['pause'],
    async apply({ backend: { engines } }) {
      engines[0].pause();
      await sleep(STOPPED);
      engines[0].resume();
    },
  }),
  fault('the engine is killed and started again', {
    needs: ['kill'],
    isSeen: () => true,
    async apply({ backend: { engines } }) {
      await engines[0].kill();
      await sleep(AWAY);
      await engines[0].restart();
    },
  }),
  fault('one worker cannot reach the engine', {
    needs: ['cut'],
    isSeen: (i) => i === 0,
    async apply({ workers: [{ proxy }] }) {
      proxy.partition();
      await sleep(AWAY);
      proxy.heal();
    },
  }),
  fault('the connection of one worker hangs', {
    needs: ['cut'],
    async apply({ workers: [{ proxy }] }) {
      proxy.hang();
      await sleep(AWAY);
      proxy.heal();
    },
  }),
  fault('a worker is killed and another one started', {
    async apply({ backend, workers, traffic }) {
      await workers[0].kill();
      traffic.remove(workers[0]);
      await sleep(200);
      const worker = await Worker.start(backend);
      await worker.isUp();
      await traffic.publish(await traffic.add(worker));
    },
  }),
  fault('a worker is stopped for three seconds', {
    async apply({ workers, traffic }) {
      workers[0].pause();
      await sleep(AWAY);
      workers[0].resume();
      await traffic.untilItFlows();
      traffic.members[0].gap = 0;
    },
  }),
];
