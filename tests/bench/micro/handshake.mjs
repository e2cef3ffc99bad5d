/**
 * (l) An accepted opening handshake of a server, and the end of its connection, without a socket: what
 * each check of who gets in adds. CPU µs per handshake.
 *
 *   node handshake.mjs [package or folder …]     by default our build; several are compared in turn
 */
import { createRequire } from 'node:module';
import { BlockList } from 'node:net';
import { resolve } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { digits, median } from '../statistics.mjs';
import { table } from '../table.mjs';
import { heading } from './harness.mjs';

const require = createRequire(import.meta.url);
const OWN = fileURLToPath(new URL('../../../', import.meta.url));
const ROUNDS = Number(process.env.ROUNDS ?? 60);
const SLICE = 300;
const AT_ONCE = 50;
const ENOUGH = 1_000_000;
const RATE = { perSecond: ENOUGH, burst: ENOUGH };

const CHECKS = {
  blockList: new BlockList(),
  maxConnections: ENOUGH,
  maxConnectionsPerAddress: ENOUGH,
  maxPendingHandshakes: ENOUGH,
  handshakeRate: RATE,
  handshakeRatePerAddress: RATE,
  handshakeTimeout: 10_000,
  hosts: ['127.0.0.1:*', 'localhost:*'],
  origins: 'same',
  authenticate: () => ({ user: 1 }),
};

const { blockList: _, ...WITHOUT_BLOCK_LIST } = CHECKS;

const SETUPS = {
  'no check': {},
  blockList: { blockList: CHECKS.blockList },
  'all others': WITHOUT_BLOCK_LIST,
  'all checks': CHECKS,
};

const HEADERS = {
  host: 'localhost:8080',
  origin: 'http://localhost:8080',
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};

class NoSocket extends Duplex {
  remoteAddress = '127.0.0.1';
  _read() {}
  _write(_chunk, _encoding, done) {
    done();
  }
  _writev(_chunks, done) {
    done();
  }
  setTimeout() {}
  setNoDelay() {}
}

const RAW_HEADERS = Object.entries(HEADERS).flat();

function accept(server) {
  const socket = new NoSocket();
  const [method, url, httpVersion, headers] = ['GET', '/', '1.1', HEADERS];
  const request = { method, url, httpVersion, headers, rawHeaders: RAW_HEADERS, socket };
  let isOpen = false;
  server.handleUpgrade(request, socket, Buffer.alloc(0), (client) => {
    isOpen = true;
    client.on('error', () => {});
  });
  if (!isOpen) throw new Error('a handshake was refused');
  return socket;
}

const turn = () => new Promise((next) => setImmediate(next));

async function run(server, count) {
  for (let done = 0; done < count; done += AT_ONCE) {
    const sockets = Array.from({ length: AT_ONCE }, () => accept(server));
    await turn();
    for (const socket of sockets) socket.destroy();
    await turn();
  }
}

async function timed(server) {
  const start = process.cpuUsage();
  await run(server, SLICE);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / SLICE;
}

const folders = process.argv.slice(2).map((folder) => resolve(folder));
const subjects = folders.length > 0 ? folders : [OWN];
const cases = subjects.flatMap((subject) =>
  Object.entries(SETUPS).map(([name, options]) => {
    const { WebSocketServer } = require(subject);
    const server = new WebSocketServer({ noServer: true, ...options });
    return { subject, name, server, samples: [] };
  }),
);

for (const { server } of cases) await run(server, 5000);
for (let round = 0; round < ROUNDS; round++) {
  for (const one of cases) one.samples.push(await timed(one.server));
}

heading('An opening handshake and its end, without a socket: CPU µs');
const rows = subjects.map((subject, index) => [
  folders.length > 0 ? process.argv[2 + index] : 'dist',
  ...cases.filter((one) => one.subject === subject).map(({ samples }) => digits(median(samples))),
]);
console.log(table(['build', ...Object.keys(SETUPS)], rows));
process.exit();
