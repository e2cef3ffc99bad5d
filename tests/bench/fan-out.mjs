/**
 * npm run bench:fan-out: what it costs two server processes to deliver a message that one of them publishes,
 * over Redis and NATS, beside socket.io with its adapters for Redis.
 *
 *   --rounds N     interleaved rounds (default 5)
 *   --seconds T    measured window of each measurement (default 3)
 *   --warmup T     seconds before it (default 2)
 *   --only A,B     only these workloads
 *   --peers A,B    only these contenders beside ours
 *   --check        exit status 1 when a target is missed, also in three times as many rounds
 *
 * The figure is the CPU time of both servers per delivery: a message that reaches one client. The clients are
 * in this process and compare every byte; the next messages are published when all have arrived. Writes
 * results/fan-out.json, or results/fan-out-partial.json with --only or --peers.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startNats, startRedis } from '../brokers/engines.mjs';
import { Frames, openClient, PROTOCOLS } from './fan-out-client.mjs';
import { CONTENDERS, SUBJECT, WORKLOADS } from './fan-out-rows.mjs';
import { compact } from './json.mjs';
import { buildSubject, installPeers } from './prepare.mjs';
import { startServer } from './processes.mjs';
import { digits, median } from './statistics.mjs';
import { table } from './table.mjs';

const OPTIONS = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '3' },
  warmup: { type: 'string', default: '2' },
  only: { type: 'string', default: '' },
  peers: { type: 'string', default: '' },
  check: { type: 'boolean', default: false },
};

const ENGINES = { redis: startRedis, nats: startNats };
const PROCESSES = 2;
const AGAIN = 3;
const STALLED_MS = 15_000;
/** The least, also on a busy machine: code that is new costs several times as much. */
const WARM_ROUNDS = 100;
/** Until the adapters of socket.io are subscribed: they do not tell when. */
const SETTLE_MS = 500;
/** Of the CPU times in /proc. */
const TICKS_PER_SECOND = 100;

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** One server process, and the lines that it obeys. */
async function startProcess({ name, server, adapter, engine }, url, { size, topics }) {
  const program = {
    ...{
      name,
      command: process.execPath,
      flags: (process.env.FAN_OUT_FLAGS ?? '').split(' ').filter(Boolean),
    },
    server: at(`servers/${server}.mjs`),
    env: {
      ...{ WS_NO_BUFFER_UTIL: '1', WS_NO_UTF_8_VALIDATE: '1' },
      ...(name === 'before' && { WS6455_SUBJECT: process.env.WS6455_BEFORE }),
    },
  };
  const started = await startServer(program, { size, topics, engine, adapter, url });
  const lines = createInterface({ input: started.child.stdout })[Symbol.asyncIterator]();
  return {
    ...started,
    publish: (copies) => started.child.stdin.write(`publish ${copies}\n`),
    cpu: async () => {
      started.child.stdin.write('cpu\n');
      const { user, system } = JSON.parse((await lines.next()).value);
      return user + system;
    },
  };
}

/** Microseconds of CPU time of the engine. */
function cpuOfEngine({ pid }) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

/** The clients of both processes, and a promise for the end of each round of messages. */
class Load {
  sockets = [];
  #left = 0;
  #done = () => {};
  #fail = () => {};
  #isEnded = false;

  async open({ port }, { protocol }, topics, { clients, size }, frames) {
    for (let i = 0; i < clients; i++) {
      const topic = topics[i % topics.length];
      if (!frames.has(topic)) frames.set(topic, new Frames(topic, size, PROTOCOLS[protocol]));
      this.sockets.push(
        await openClient({
          ...{ port, topic, protocol: PROTOCOLS[protocol], frames: frames.get(topic) },
          onMessage: () => {
            if (--this.#left === 0) this.#done();
          },
          onFault: (error) => {
            if (!this.#isEnded) this.#fail(error);
          },
        }),
      );
    }
  }

  /** Publishes, and resolves when every client has every message. @returns the deliveries */
  async round(publisher, deliveries, copies) {
    this.#left = deliveries;
    const arrived = new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#fail = reject;
    });
    const timer = setTimeout(
      () => this.#fail(new Error(`${this.#left} of ${deliveries} messages did not arrive`)),
      STALLED_MS,
    );
    publisher.publish(copies);
    await arrived.finally(() => clearTimeout(timer));
    return deliveries;
  }

  close() {
    this.#isEnded = true;
    for (const socket of this.sockets) socket.destroy();
  }
}

/** How many clients there are of all topics together. */
function deliveriesOf({ topics, interest, clients, copies }) {
  const hasClients = (own) => own.some((topic) => topics.includes(topic));
  return interest.filter(hasClients).length * clients * copies;
}

async function loadFor(seconds, load, publisher, workload, least = 0) {
  const end = performance.now() + seconds * 1000;
  let deliveries = 0;
  for (let n = 0; n < least || performance.now() < end; n++) {
    deliveries += await load.round(publisher, deliveriesOf(workload), workload.copies);
  }
  return deliveries;
}

async function measureLoad(load, servers, engine, workload, { seconds, warmup }) {
  const cpu = async () => {
    const each = await Promise.all(servers.map((server) => server.cpu()));
    return each.reduce((sum, one) => sum + one, 0);
  };
  await loadFor(warmup, load, servers[0], workload, WARM_ROUNDS);
  const [before, engineBefore, begin] = [await cpu(), cpuOfEngine(engine), performance.now()];
  const deliveries = await loadFor(seconds, load, servers[0], workload);
  const passed = (performance.now() - begin) / 1000;
  return {
    figure: ((await cpu()) - before) / deliveries,
    perSecond: deliveries / passed,
    engine: (cpuOfEngine(engine) - engineBefore) / deliveries,
  };
}

async function measureOne(contender, workload, times) {
  const engine = await ENGINES[contender.engine]();
  const load = new Load();
  const servers = [];
  try {
    for (let i = 0; i < PROCESSES; i++) {
      servers.push(await startProcess(contender, engine.url, workload));
    }
    const frames = new Map();
    for (const [i, server] of servers.entries()) {
      await load.open(server, contender, workload.interest[i], workload, frames);
    }
    await sleep(SETTLE_MS);
    const measured = await measureLoad(load, servers, engine, workload, times);
    return { version: servers[0].version, ...measured };
  } catch (error) {
    throw new Error(`${contender.name}, ${workload.id}: ${error.message}`, { cause: error });
  } finally {
    load.close();
    await Promise.all(servers.map((server) => server.stop()));
    await engine.stop();
  }
}

/** Every contender in turn; nobody is always first. */
async function measureRound(round, workload, contenders, times, rows) {
  const from = round % contenders.length;
  for (const contender of [...contenders.slice(from), ...contenders.slice(0, from)]) {
    const measured = await measureOne(contender, workload, times);
    rows.push({ workload: workload.id, contender: contender.name, round, ...measured });
    const [work, name] = [workload.id.padEnd(12), contender.name.padEnd(20)];
    const { figure, perSecond, engine } = measured;
    console.log(
      `round ${round + 1}  ${work} ${name} ${digits(figure)} µs  ${digits(perSecond)}/s  engine ${digits(engine)} µs`,
    );
  }
}

function column(rows, workload, contender, key) {
  const own = rows.filter((row) => row.workload === workload && row.contender === contender);
  return own.map((row) => row[key]);
}

/** Ours over a peer's, per round. */
function ratio(rows, workload, against) {
  const [ours, peers] = [SUBJECT, against].map((name) => column(rows, workload, name, 'figure'));
  const each = ours.map((figure, i) => figure / peers[i]).filter(Number.isFinite);
  return { median: median(each), least: Math.min(...each), most: Math.max(...each) };
}

function judge(workloads, rows) {
  return workloads.flatMap(({ id, targets }) =>
    targets.map(({ against, atMost, heldAt = atMost }) => {
      const found = ratio(rows, id, against).median;
      return { id, against, atMost, heldAt, found, met: found <= atMost, held: found <= heldAt };
    }),
  );
}

function print(workloads, contenders, rows, judged) {
  for (const { id, title } of workloads) {
    const lines = contenders.map(({ name }) => [
      name,
      digits(median(column(rows, id, name, 'figure'))),
      digits(ratio(rows, id, name).median),
      digits(median(column(rows, id, name, 'perSecond'))),
      digits(median(column(rows, id, name, 'engine'))),
    ]);
    const heads = ['CPU µs per delivery', 'ours / its', 'deliveries/s', 'engine: CPU µs'];
    console.log(`\n${title}\n\n${table(['', ...heads], lines)}`);
  }
  console.log('');
  for (const { id, against, atMost, found, met } of judged) {
    console.log(
      `${met ? 'met   ' : 'missed'} ${id}: ${digits(found)} of ${against}, at most ${atMost}`,
    );
  }
}

/** Medians, and every round. */
function resultOf({ id, title }, contenders, rows) {
  const keys = ['figure', 'perSecond', 'engine'];
  const pick = (name, take) =>
    Object.fromEntries(keys.map((key) => [key, take(column(rows, id, name, key))]));
  const each = (take) => Object.fromEntries(contenders.map(({ name }) => [name, pick(name, take)]));
  const ratios = contenders.slice(1).map(({ name }) => [name, ratio(rows, id, name)]);
  return {
    title,
    medians: each(median),
    ratios: Object.fromEntries(ratios),
    rawRounds: each((values) => values),
  };
}

function save(isWhole, workloads, contenders, rows, judged, times) {
  const file = at(`results/fan-out${isWhole ? '' : '-partial'}.json`);
  const facts = {
    date: new Date().toISOString(),
    node: process.versions.node,
    cpu: `${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? 'unknown'}`,
    system: `${os.type()} ${os.release()}`,
    ...times,
    loadAverage: os.loadavg()[1],
    rounds: new Set(rows.map(({ round }) => round)).size,
    versions: Object.fromEntries(rows.map(({ contender, version }) => [contender, version])),
    targets: judged,
    workloads: Object.fromEntries(workloads.map((w) => [w.id, resultOf(w, contenders, rows)])),
  };
  writeFileSync(file, `${compact(facts)}\n`);
}

function chosen(all, text, key) {
  if (text === '') return all;
  const found = all.filter((row) => text.split(',').includes(row[key]));
  if (found.length > 0) return found;
  throw new Error(`${text}: there are ${all.map((row) => row[key]).join('; ')}`);
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  const [rounds, seconds, warmup] = ['rounds', 'seconds', 'warmup'].map((key) =>
    Number(values[key]),
  );
  const workloads = chosen(WORKLOADS, values.only, 'id');
  const peers = chosen(CONTENDERS.slice(1), values.peers, 'name');
  const contenders = [CONTENDERS[0], ...peers];
  installPeers();
  buildSubject();
  const rows = [];
  const isWhole = workloads === WORKLOADS && peers.length === CONTENDERS.length - 1;
  const times = { rounds, seconds, warmup };
  const judged = () => judge(workloads, rows).filter(({ found }) => Number.isFinite(found));
  const keep = () => save(isWhole, workloads, contenders, rows, judged(), times);
  for (let n = 0; n < rounds; n++) {
    for (const workload of workloads) await measureRound(n, workload, contenders, times, rows);
    keep(); // what is measured stays, also if the run is ended
  }
  if (values.check) {
    for (const { id, against } of judged().filter(({ held }) => !held)) {
      const rivals = contenders.filter(({ name }) => [SUBJECT, against].includes(name));
      const workload = workloads.find((one) => one.id === id);
      for (let n = rounds; n < rounds * (1 + AGAIN); n++) {
        await measureRound(n, workload, rivals, times, rows);
      }
    }
    keep();
  }
  print(workloads, contenders, rows, judged());
  if (values.check && judged().some(({ held }) => !held)) process.exitCode = 1;
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
