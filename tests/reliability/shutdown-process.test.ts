/** A server process that gets SIGTERM ends with 0, and its clients get a Close. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { Compiled } from '../support/child.js';
import { until } from '../support/inbox.js';
import { useScope } from '../support/scope.js';
import type { WebSocketInstance } from '../support/websockets.js';

const scope = useScope();
const { entry } = new Compiled();

const SERVER = `
  const { WebSocketServer } = require(process.argv[1]);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on('listening', () => console.log(server.address().port));
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  process.once('SIGTERM', async () => {
    for (const socket of server.clients) socket.send('last');
    const options = { code: 1012, lameDuck: 100, spread: 1000, timeout: 8000, retryAfter: [0, 5] };
    console.log(JSON.stringify(await server.shutdown(options)));
  });
`;

async function start(): Promise<{ child: ChildProcess; lines: string[]; url: string }> {
  const child = spawn(process.execPath, ['-e', SERVER, '--', entry], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  scope().later(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (line) =>
    lines.push(line),
  );
  await until(() => lines.length > 0, 'the server to listen', 20_000);
  return { child, lines, url: `ws://127.0.0.1:${lines[0]}` };
}

test('SIGTERM: exit code 0 within ten seconds, and no client sees 1006', async () => {
  const { child, lines, url } = await start();
  const closes: string[] = [];
  const lasts: unknown[] = [];
  let open = 0;
  for (let i = 0; i < 100; i++) {
    const client: WebSocketInstance = scope().track(new WebSocket(url));
    client.on('open', () => open++);
    client.on('message', (data: unknown) => lasts.push(String(data)));
    client.on('close', (code: number, reason: Buffer) => closes.push(`${code} ${reason}`));
  }
  await until(() => open === 100, 'all clients to be open', 10_000);
  const startedAt = performance.now();
  let exit: number | null | undefined;
  child.once('exit', (code) => {
    exit = code;
  });
  child.kill('SIGTERM');
  await until(() => exit !== undefined && closes.length === 100, 'the end', 15_000);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(exit).toBe(0);
  expect(closes.filter((close) => !/^1012 retry-after=[0-5]\.\d$/.test(close))).toEqual([]);
  expect(lasts).toHaveLength(100);
  expect(JSON.parse(lines[1] ?? '{}')).toMatchObject({ closed: 100, clean: 100, terminated: 0 });
});
