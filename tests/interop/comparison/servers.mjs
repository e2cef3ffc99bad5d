/** A server of each product with the same few orders: `{ port, path, flood, stop, end }`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { packageBinary } from '../support/package-binary.mjs';
import { load } from '../support/subject.mjs';

const CHUNK = Buffer.alloc(65_536);
const CHUNKS = 1024;

/** Sends 64 MiB in one turn. @returns how many bytes of it wait */
function floodWith(send, waiting) {
  for (let count = 0; count < CHUNKS; count++) send(CHUNK);
  return waiting();
}

/** @param stop ends the server the way that its documents name for it */
export async function startWs(name, options, stop) {
  const server = new (load(name).WebSocketServer)({ port: 0, host: '127.0.0.1', ...options });
  let last;
  server.on('connection', (socket) => {
    last = socket;
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, 'listening');
  return {
    port: server.address().port,
    stop: () => stop(server),
    flood: () =>
      floodWith(
        (data) => last.send(data, () => {}),
        () => last.bufferedAmount,
      ),
    end() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

/** @param folder where socket.io is installed */
export async function startSocketIo(folder, options) {
  const { Server } = createRequire(join(resolve(folder), 'package.json'))('socket.io');
  const http = createServer();
  const io = new Server(http, options);
  let last;
  io.engine.on('connection', (socket) => {
    last = socket;
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    port: http.address().port,
    path: '/socket.io/?EIO=4&transport=websocket',
    stop: () => io.close(),
    end() {
      for (const client of Object.values(io.engine.clients)) client.transport.socket.terminate();
      io.close();
    },
    async flood() {
      for (let count = 0; count < CHUNKS; count++) last.send(CHUNK);
      await new Promise((done) => setImmediate(done)); // the transport takes them in a later turn
      return last.transport.socket.bufferedAmount;
    },
  };
}

const ARCH = process.arch === 'arm64' ? 'aarch64' : process.arch;

/** The program of Bun, or undefined. */
export const bun = packageBinary(`@oven/bun-${process.platform}-${ARCH}/bin/bun`);

export async function startBun(options) {
  const script = fileURLToPath(new URL('bun-server.mjs', import.meta.url));
  const child = spawn(bun, [script, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => Number((await lines.next()).value);
  const port = await next();
  const order = (word) => child.stdin.write(`${word}\n`);
  return {
    port,
    stop: () => order('stop'),
    flood() {
      order('flood');
      return next();
    },
    end: () => child.kill('SIGKILL'),
  };
}
