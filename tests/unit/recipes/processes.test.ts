/** The programs of docs/recipes.md that need a process of their own: files, signals, the test runner. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { until } from '../../support/inbox.js';
import { type Launch, type RunningProcess, runProcess } from '../../support/recipe-process.js';
import { programOf, toPort } from '../../support/recipes.js';
import { useScope } from '../../support/scope.js';
import { recordEvents } from '../../support/websockets.js';

const scope = useScope();
const TLS = join(__dirname, '../../support/tls');
const CERT = readFileSync(join(TLS, 'localhost-cert.pem'));

const start = (heading: string, launch?: Launch): RunningProcess =>
  runProcess(scope(), programOf(heading), launch);

test('TLS: the client trusts the certificate of the server', async () => {
  const key = readFileSync(join(TLS, 'localhost-key.pem'));
  const server = start('TLS', { files: { 'cert.pem': CERT, 'key.pem': key } });
  const program = toPort(programOf('TLS', 1), await server.port());
  const client = runProcess(scope(), program, { files: { 'cert.pem': CERT } });
  expect(await client.ended()).toBe(0);
  expect(client.output).toEqual({ stdout: 'over TLS\n', stderr: '' });
  const stranger = scope().track(new WebSocket(`wss://localhost:${await server.port()}/`));
  const events = recordEvents(stranger);
  await until(() => events.length > 1, 'the refusal');
  expect(events).toEqual([expect.stringMatching(/^error .*certificate/), 'close 1006']);
  expect(server.output).toEqual({ stdout: '', stderr: '' });
});

test('SIGTERM: messages arrive, then a Close with 1001, and the exit code is 0', async () => {
  const server = start('Graceful shutdown');
  const port = await server.port();
  const clients = Array.from({ length: 3 }, () =>
    scope().track(new WebSocket(`ws://127.0.0.1:${port}/`)),
  );
  const events = clients.map(recordEvents);
  await until(() => events.every(([event]) => event === 'open'), 'the clients');
  clients[0]?.send('the last message');
  await until(() => events[0]?.length === 2, 'the echo');
  server.child.kill('SIGTERM');
  expect(await server.ended()).toBe(0);
  await until(() => events.every((each) => each.at(-1)?.startsWith('close')), 'the ends');
  expect(events).toEqual([
    ['open', 'message the last message', 'close 1001'],
    ['open', 'close 1001'],
    ['open', 'close 1001'],
  ]);
  expect(server.output).toEqual({ stdout: '3 connections closed, 0 dropped\n', stderr: '' });
});

describe('tests of a handler', () => {
  for (const heading of ['Test a handler on a free port', 'Test a handler without a network']) {
    test(`${heading}: passes, and ends by itself`, async () => {
      const { ended, output } = start(heading);
      const code = await ended();
      expect([code, output.stderr]).toEqual([0, '']);
      expect(output.stdout).toMatch(/pass 1\b.*fail 0\b/s);
    });

    test(`${heading}: fails with a handler that is wrong`, async () => {
      const program = programOf(heading).replace('socket.send(`ECHO', 'socket.send(`Echo');
      const { ended, output } = runProcess(scope(), program);
      expect(await ended()).toBe(1);
      expect(output.stdout).toMatch(/ECHO: hello/);
    });
  }
});
