/** The heartbeat with real sockets and processes: who stood still is not dropped, who is gone is. */

import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { Compiled } from '../support/child.js';
import { until } from '../support/inbox.js';
import { upgradeRequest } from '../support/requests.js';
import { useScope } from '../support/scope.js';
import { next, serve, type WebSocketInstance } from '../support/websockets.js';

const scope = useScope();
const product = new Compiled();

/** Starts a process with the product, and calls `stop` and `go` with signals. */
const HELPERS = `
  const { spawn } = require('node:child_process');
  const pause = (ms) => new Promise((go) => setTimeout(go, ms));
  const start = (code) => {
    const program = 'const WebSocket = require(process.argv[1]);' + code;
    const argv = ['-e', program, '--', process.argv[1]];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    process.on('exit', () => child.kill('SIGKILL'));
    const heard = () => new Promise((done) => child.once('message', done));
    return { child, heard };
  };
`;

const TIMES = { interval: 500, timeout: 800 };

test('a server that is stopped for three timeouts drops none of 1,000 peers', async () => {
  const server = `
    const closed = [];
    const options = { port: 0, heartbeat: ${JSON.stringify(TIMES)} };
    const server = new WebSocket.WebSocketServer(options, () => process.send(server.address().port));
    server.on('connection', (ws) => ws.on('close', () => closed.push(ws.closeInfo.cause)));
    process.on('message', () => {
      const rtts = [...server.clients].filter((ws) => ws.rtt !== undefined).length;
      process.send({ open: server.clients.size, rtts, closed });
    });
  `;
  const program = `${HELPERS}
    const { child, heard } = start(${JSON.stringify(server)});
    (async () => {
      const port = await heard();
      for (let i = 0; i < 1_000; i += 50) {
        await Promise.all(Array.from({ length: 50 }, () => new Promise((done) => {
          new WebSocket('ws://127.0.0.1:' + port, { perMessageDeflate: false }).on('open', done);
        })));
      }
      await pause(${TIMES.interval + 100}); // Pings are on their way
      child.kill('SIGSTOP');
      await pause(${3 * TIMES.timeout});
      child.kill('SIGCONT');
      await pause(${2 * TIMES.timeout});
      child.send('how many');
      console.log(JSON.stringify(await heard()));
      process.exit();
    })();
  `;
  const { lines, errors } = await product.run(scope(), program);
  expect(errors).toBe('');
  expect(JSON.parse(lines[0] ?? '')).toEqual({ open: 1_000, rtts: 1_000, closed: [] });
});

test('a peer whose process is stopped is dropped, and others are not', async () => {
  const client = `
    process.once('message', (port) => {
      const ws = new WebSocket('ws://127.0.0.1:' + port);
      ws.on('open', () => process.send('open'));
    });
  `;
  const program = `${HELPERS}
    const times = ${JSON.stringify(TIMES)};
    const server = new WebSocket.WebSocketServer({ port: 0, heartbeat: times }, async () => {
      const peers = [start(${JSON.stringify(client)}), start(${JSON.stringify(client)})];
      for (const { child, heard } of peers) {
        child.send(server.address().port);
        await heard();
      }
      peers[0].child.kill('SIGSTOP');
    });
    server.on('connection', (ws) => ws.on('close', (code) => {
      const { by, cause, silentFor } = ws.closeInfo;
      const isLong = silentFor >= times.interval + times.timeout;
      console.log(JSON.stringify([code, by, cause, isLong, server.clients.size]));
      process.exit();
    }));
  `;
  const { lines } = await product.run(scope(), program);
  expect(JSON.parse(lines[0] ?? '')).toEqual([1006, 'timeout', 'heartbeat', true, 1]);
});

describe('a peer that reads 48 MiB slowly over TCP and says nothing', () => {
  const SIZE = 48 * 1024 * 1024;
  const SHORT = { interval: 300, timeout: 1000 };

  interface SlowPeer {
    ws: WebSocketInstance;
    socket: Socket;
    read: number;
  }

  async function slowPeer(): Promise<SlowPeer> {
    const wss = serve(scope(), { port: 0, host: '127.0.0.1', heartbeat: SHORT });
    await next(wss, 'listening');
    const { port } = wss.address() as { port: number };
    const connection = next<[WebSocketInstance]>(wss, 'connection');
    const socket = connect({ port, host: '127.0.0.1' });
    scope().later(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(upgradeRequest());
    const [ws] = await connection;
    return { ws, socket, read: 0 };
  }

  /** Reads some bytes each 10 ms, until the test ends it. */
  function readSlowly(peer: SlowPeer): () => void {
    peer.socket.pause();
    const timer = setInterval(() => {
      const chunk = peer.socket.read() as Buffer | null;
      peer.read += chunk?.length ?? 0;
    }, 10);
    scope().later(() => clearInterval(timer));
    return () => clearInterval(timer);
  }

  test('stays while it reads, and is dropped when it does not', async () => {
    const peer = await slowPeer();
    const stop = readSlowly(peer);
    const start = performance.now();
    peer.ws.send(Buffer.alloc(SIZE)); // one write: Node completes it as a whole
    await until(
      () => performance.now() - start > 3 * (SHORT.interval + SHORT.timeout),
      'a while',
      6000,
    );
    expect([peer.ws.readyState, peer.read < SIZE, peer.ws.bufferedAmount]).toEqual([1, true, SIZE]);
    stop();
    await until(() => peer.ws.readyState === 3, "'close'", 6000);
    expect(peer.ws.closeInfo).toMatchObject({ by: 'timeout', cause: 'heartbeat' });
  });
});
