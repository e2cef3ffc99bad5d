/** The process, or the Worker, of one case: it has a connection, and does to it what the case says. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import WebSocket, { WebSocketServer } from 'ws6455';
import { CASES } from './cases.mjs';

const setting = workerData ?? JSON.parse(process.argv[2]);
const { run, listener, before, inWorker } = CASES[setting.title];

/** Standard output of a Worker goes through the main thread, which may be about to end. */
function tellPort(port) {
  if (isMainThread) console.log(port);
  else parentPort.postMessage({ port });
}

async function open({ role, port }) {
  if (role === 'client') return new WebSocket(`ws://127.0.0.1:${port}`);
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(wss, 'listening');
  tellPort(wss.address().port);
  const [ws] = await once(wss, 'connection');
  wss.close();
  return ws;
}

/** The case begins with a message of the peer: in its listener, or in a turn of its own. */
async function runCase() {
  const state = before?.();
  const ws = await open(setting);
  ws.on('error', () => {});
  if (listener) ws.once('message', () => listener(ws, state));
  else ws.once('message', () => setImmediate(run, ws, state));
}

function runInWorker() {
  const worker = new Worker(new URL(import.meta.url), { workerData: setting });
  worker.on('error', () => {});
  worker.on('message', (message) => {
    if (message === 'terminate') worker.terminate();
    else console.log(message.port);
  });
}

if (inWorker && isMainThread) runInWorker();
else await runCase();
