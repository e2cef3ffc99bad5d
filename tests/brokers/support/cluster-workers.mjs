/** Workers of node:cluster for tests, which run in a test process: it is their primary process. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const EXEC = fileURLToPath(new URL('cluster-worker.mjs', import.meta.url));
let runs = 0;

/** @param t the test; the workers end with it */
export function startWorkers(t, count, { serialization = 'json' } = {}) {
  const workers = Array.from({ length: count }, () => startWorker(t, serialization));
  return Promise.all(workers);
}

export async function startWorker(t, serialization = 'json') {
  cluster.setupPrimary({ exec: EXEC, serialization, execArgv: [], args: [] });
  const worker = cluster.fork();
  worker.setMaxListeners(0);
  t.after(() => kill(worker));
  await once(worker, 'message'); // it can run functions now
  return worker;
}

/** Ends a worker, also one that is stopped. */
export async function kill(worker) {
  if (worker.isDead()) return;
  const exited = once(worker, 'exit');
  worker.process.kill('SIGKILL');
  await exited;
}

/**
 * Runs a function in a worker.
 * @param code gets what cluster-worker.mjs has, and `given`; nothing of its surroundings here
 */
export function runIn(worker, code, given) {
  const run = ++runs;
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('The worker has ended'));
    const onMessage = (message) => {
      if (message?.ran !== run) return;
      const { value, error } = message;
      worker.off('exit', onExit);
      worker.off('message', onMessage);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    };
    worker.on('exit', onExit);
    worker.on('message', onMessage);
    worker.send({ run, source: `${code}`, given });
  });
}
