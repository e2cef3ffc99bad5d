/** `ws6455 inspect` and `ws6455 demo`. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { type RunningCli, runCli, startCli, startProcess } from '../../support/cli.js';
import { Page } from '../../support/inspected.js';
import { useScope } from '../../support/scope.js';
import { next, serve } from '../../support/websockets.js';

const scope = useScope();

/** Starts a command, and waits for the URL that it prints. */
async function startInspecting(
  args: readonly string[],
  env: Record<string, string> = {},
  start = startCli,
): Promise<{ port: number; interrupt: RunningCli['interrupt'] }> {
  const program = start(scope(), args, env);
  const stream = args.includes('--json') ? 'stderr' : 'stdout';
  const [, port] = await program.waitFor(stream, /http:\/\/localhost:(\d+)\//);
  return { port: Number(port), interrupt: () => program.interrupt() };
}

async function echoServer() {
  const server = serve(scope(), { port: 0, host: '127.0.0.1' });
  await next(server, 'listening');
  server.on('connection', (ws) => ws.on('message', (data) => ws.send(`echo ${data}`)));
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}/`;
}

/** Sends a message, and waits for the echo. */
async function talk(port: number, path = '/'): Promise<InstanceType<typeof WebSocket>> {
  const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}${path}`));
  await next(ws, 'open');
  ws.send('Hello');
  await next(ws, 'message');
  return ws;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ws6455-inspect-'));
  scope().later(() => rmSync(path, { recursive: true }));
  return path;
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('inspect', () => {
  test('prints one URL, forwards, and closes connections properly with Ctrl-C', async () => {
    const args = ['inspect', await echoServer(), '--port', '0'];
    const program = await startInspecting(args, {}, startProcess);
    const ws = await talk(program.port);
    const closed = next<[number]>(ws, 'close');
    const { status, stdout, stderr } = await program.interrupt();
    expect([status, stderr]).toEqual([0, '']);
    expect((await closed)[0]).toBe(1001);
    expect(stdout).toMatch(
      /^inspector on http:\/\/localhost:\d+\/: open it in a browser, and connect .*\n$/,
    );
  });

  test('with --json prints the records, and the URL beside them', async () => {
    const url = await echoServer();
    const program = await startInspecting(['inspect', url, '-p', '0', '--json']);
    const ws = await talk(program.port);
    ws.close();
    await next(ws, 'close');
    const { stdout, stderr } = await program.interrupt();
    const records = linesOf(stdout);
    expect(records[0]).toMatchObject({ type: 'recording', software: 'ws6455/0.1.0' });
    expect(records.map(({ type }) => type)).toContain('frame');
    expect(stderr).toMatch(/^inspector on /);
  });

  test('with --record writes a file, which it shows later', async () => {
    const file = join(folder(), 'a.jsonl');
    const url = await echoServer();
    const program = await startInspecting(['inspect', url, '-p', '0', '--record', file]);
    const ws = await talk(program.port);
    ws.terminate();
    await program.interrupt();
    const records = linesOf(readFileSync(file, 'utf8'));
    expect(records.filter(({ text }) => text === 'echo Hello')).toHaveLength(1);

    const viewer = await startInspecting(['inspect', file, '-p', '0']);
    const page = await Page.open(scope(), viewer);
    const shown = await page.next('records');
    expect(shown.records.map(({ record }) => record)).toEqual(records);
    expect((await viewer.interrupt()).status).toBe(0);
  });

  test.each([
    ['no argument', [], 2, /^ws6455: inspect needs the URL of a server, or a file/],
    ['no URL', ['ws://'], 2, /^ws6455: Invalid URL/],
    [
      'a file that is no recording',
      [__filename],
      1,
      /^ws6455: .*inspect.test.ts is neither a recording of ws6455 nor a HAR/,
    ],
    ['a file that is not there', ['none.jsonl'], 1, /^ws6455: cannot read none.jsonl: there is no/],
    ['a port that is no port', ['ws://a', '-p', 'x'], 2, /^ws6455: --port is a number from 0 to/],
    [
      'a file that cannot be written',
      ['ws://a', '--record', '/none/none'],
      1,
      /^ws6455: cannot write \/none\/none: there is no such file \(ENOENT\)/,
    ],
  ])('with %s fails with one line', async (_, args, status, message) => {
    const outcome = await runCli(scope(), ['inspect', ...args]);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('on a port that is taken fails with one line', async () => {
    const url = await echoServer();
    const { status, stderr } = await runCli(scope(), ['inspect', url, '-p', new URL(url).port]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ws6455: cannot listen on port \d+: the port is in use.*\n$/);
  });

  test('reads a HAR', async () => {
    const file = join(folder(), 'a.har');
    const entry = {
      startedDateTime: '2026-01-01T00:00:00.000Z',
      request: { url: 'ws://a/', method: 'GET', headers: [] },
      response: { status: 101, headers: [] },
      _webSocketMessages: [{ type: 'send', time: 1767225600, opcode: 1, data: 'Hello' }],
    };
    writeFileSync(file, JSON.stringify({ log: { version: '1.2', entries: [entry] } }));
    const viewer = await startInspecting(['inspect', file, '-p', '0']);
    const page = await Page.open(scope(), viewer);
    expect((await page.next('records')).records.at(-1)?.record).toMatchObject({ text: 'Hello' });
  });
});

describe('demo', () => {
  test('is an echo and a chat behind an inspector with a tour', async () => {
    const program = await startInspecting(['demo'], { PORT: '0' }, startProcess);
    const { port } = program;
    const ws = await talk(port);
    const chat = scope().track(new WebSocket(`ws://127.0.0.1:${port}/chat?name=Ann`));
    expect(String((await next<[Buffer]>(chat, 'message'))[0])).toContain('you are Ann');
    expect(ws.extensions).toBe('');
    expect((await talk(port, '/compressed')).extensions).toBe('permessage-deflate');
    const page = await Page.open(scope(), { port });
    expect(page.of('hello')[0]?.demo).toBe(true);
    const closed = next<[number]>(ws, 'close');
    const { status, stdout } = await program.interrupt();
    expect(status).toBe(0);
    expect((await closed)[0]).toBe(1001);
    expect(stdout).toMatch(/^Open http:\/\/localhost:\d+\/ in a browser/);
  });

  test('answers a request that asks for no WebSocket', async () => {
    const { port } = await startInspecting(['demo'], { PORT: '0' });
    const response = await fetch(`http://127.0.0.1:${port}/echo`);
    expect([response.status, response.headers.get('upgrade')]).toEqual([426, 'websocket']);
  });

  test('with a PORT that is none fails with one line', async () => {
    const { status, stderr } = await runCli(scope(), ['demo'], '', { PORT: 'x' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ws6455: PORT is a whole number from 0 to 65535, not "x"/);
  });
});
