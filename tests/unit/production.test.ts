/** The program of docs/production.md for a rolling deploy, word by word, but for the port and the times. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { Compiled } from '../support/child.js';
import { until } from '../support/inbox.js';
import { useScope } from '../support/scope.js';
import { recordEvents, type WebSocketInstance } from '../support/websockets.js';

const scope = useScope();
const { entry } = new Compiled();

/** Shorter times, and other places. Each must stand in the program once. */
const REPLACEMENTS: readonly (readonly [string, string])[] = [
  ["require('ws6455')", `require(${JSON.stringify(entry)})`],
  ['lameDuck: 5_000', 'lameDuck: 1000'],
  ['spread: 10_000', 'spread: 1000'],
  ['timeout: 25_000', 'timeout: 8000'],
  ['http.listen(8080', 'http.listen(0'],
];

function program(): string {
  const page = readFileSync(join(__dirname, '../../docs/production.md'), 'utf8');
  const [, section = ''] = page.split('## A rolling deploy\n');
  let [, code = ''] = /^```js\n(.*?)^```$/ms.exec(section) ?? [];
  for (const [from, to] of REPLACEMENTS) {
    expect(code.split(from)).toHaveLength(2);
    code = code.replace(from, to);
  }
  return code;
}

async function start() {
  const child = spawn(process.execPath, ['-e', program()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  scope().later(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const output = child.stdout;
  createInterface({ input: output }).on('line', (line) => lines.push(line));
  let exit: number | null | undefined;
  child.once('exit', (code) => {
    exit = code;
  });
  await until(() => lines.length > 0, 'the program to listen', 20_000);
  const host = `127.0.0.1:${lines[0]?.replace('port ', '')}`;
  return { child, lines, host, exitCode: () => exit };
}

function connect(host: string): { client: WebSocketInstance; events: string[] } {
  const client = scope().track(new WebSocket(`ws://${host}/`));
  return { client, events: recordEvents(client) };
}

async function statusOf(host: string, path: string): Promise<number> {
  const response = await fetch(`http://${host}${path}`, { headers: { Connection: 'close' } });
  await response.arrayBuffer();
  return response.status;
}

test('a rolling deploy: not ready, still accepting, refusing, closing, exit code 0', async () => {
  const { child, lines, host, exitCode } = await start();
  expect([await statusOf(host, '/readyz'), await statusOf(host, '/livez')]).toEqual([200, 200]);
  const clients = Array.from({ length: 20 }, () => connect(host));
  await until(() => clients.every(({ events }) => events[0] === 'open'), 'the clients');
  child.kill('SIGTERM');
  let ready = 200;
  while (ready === 200) ready = await statusOf(host, '/readyz');
  expect([ready, await statusOf(host, '/livez')]).toEqual([503, 200]);
  const late = connect(host);
  clients.push(late);
  await until(() => late.events.length > 0, 'the client in lameDuck');
  late.client.send('hello');
  await until(() => late.events.length > 1, 'its message');
  expect(late.events).toEqual(['open', 'message hello']);
  await until(() => exitCode() !== undefined, 'the exit', 10_000);
  expect(exitCode()).toBe(0);
  await until(() => clients.every(({ client }) => client.readyState === 3), 'all to be closed');
  const closes = clients.map(({ events }) => events.at(-1));
  expect(closes.filter((close) => !/^close 1012 retry-after=[0-5]\.\d$/.test(close ?? ''))).toEqual(
    [],
  );
  const { closed, clean, terminated } = JSON.parse(lines[1] ?? '{}');
  expect([closed, clean, terminated]).toEqual([21, 21, 0]);
});
