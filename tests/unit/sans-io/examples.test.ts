/** The programs of docs/protocol.md, word by word, but for the port and the name of the package. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import * as protocol from '../../../src/protocol.js';
import { Compiled } from '../../support/child.js';
import { Inbox, until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import { next } from '../../support/websockets.js';

const TEXT = readFileSync(join(__dirname, '../../../docs/protocol.md'), 'utf8');
const scope = useScope();
const entry = new Compiled().entry.replace(/index\.js$/, 'protocol.js');

/** The programs of the page: those that begin with the name of a file. */
function programOf(name: string): string {
  const programs = Array.from(
    TEXT.matchAll(/^```js\n(.*?)^```$/gms),
    ([, program = '']) => program,
  );
  const found = programs.find((program) => program.startsWith(`// ${name}\n`));
  if (found === undefined) throw new Error(`docs/protocol.md has no program ${name}`);
  return found.replace("'ws6455/protocol'", JSON.stringify(entry)).replace(/\b8080\b/, '0');
}

interface Running {
  readonly child: ChildProcess;
  /** What it has printed. */
  readonly output: { stdout: string; stderr: string };
}

/** Runs a program in a process of its own. */
function start(name: string): Running {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-example-'));
  const file = join(folder, name);
  writeFileSync(file, programOf(name));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk;
  });
  let isOver = false;
  child.once('close', () => {
    isOver = true;
  });
  scope().later(async () => {
    child.kill();
    await until(() => isOver, 'the program to end');
    rmSync(folder, { recursive: true });
  });
  return { child, output };
}

test('a WebSocket over a pipe between two processes', async () => {
  const { child, output } = start('pipe.js');
  await until(
    () => child.exitCode !== null,
    () => `the end; printed: ${output.stderr}`,
    15_000,
  );
  await until(() => output.stderr.endsWith('done\nclosed: 1000 done\n'), 'both ends to close');
  expect(output).toEqual({
    stdout: 'You said: Hello\n',
    stderr: 'closed: 1000 done\n'.repeat(2),
  });
  expect(child.exitCode).toBe(0);
});

describe('a handshake answered by hand on a bare net server', () => {
  async function startServer(): Promise<{ port: number; output: Running['output'] }> {
    const { output } = start('echo.js');
    await until(
      () => output.stdout.includes('\n'),
      () => `a line: ${output.stderr}`,
      15_000,
    );
    return { port: Number(/^listening on port (\d+)\n/.exec(output.stdout)?.[1]), output };
  }

  test('echoes to a WebSocket of the library, and closes with it', async () => {
    const { port, output } = await startServer();
    const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}/`));
    await next(ws, 'open');
    expect(ws.extensions).toBe('permessage-deflate');
    const large = 'large '.repeat(100_000);
    for (const data of ['Hello', large, 'last']) {
      ws.send(data);
      const [received] = await next<[Buffer]>(ws, 'message');
      expect(received.toString() === data).toBe(true);
    }
    ws.send(Buffer.from([1, 2, 3]));
    expect(await next(ws, 'message')).toEqual([Buffer.from([1, 2, 3]), true]);
    ws.close(1000, 'bye');
    const [code, reason] = await next<[number, Buffer]>(ws, 'close');
    expect([code, reason.toString(), ws.closeInfo?.wasClean]).toEqual([1000, 'bye', true]);
    await until(() => output.stdout.endsWith('closed: 1000 bye\n'), 'the server to close');
    expect(output.stderr).toBe('');
  });

  test('refuses another request, and reports a connection that ends', async () => {
    const { port, output } = await startServer();
    const socket = await scope().connect(port);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const inbox = new Inbox(socket);
    expect(await inbox.message()).toMatchObject({ status: 400 });
    await inbox.rest();
    const ws = scope().track(new WebSocket(`ws://127.0.0.1:${port}/`));
    await next(ws, 'open');
    ws.terminate();
    await until(() => output.stdout.includes('closed: 1006'), 'the server to notice');
  });
});

test('the short programs do what their comments say', () => {
  const { decodeFrames, encodeFrame, Opcode } = protocol;
  const { frames } = decodeFrames('81 85 37 fa 21 3d 7f 9f 4d 51 58');
  expect([frames[0]?.message, frames[0]?.fields[7]?.name]).toEqual(['Hello', 'Masking-key']);
  const asHex = (bytes: Buffer) => bytes.toString('hex').replace(/..(?=.)/g, '$& ');
  const lines = Array.from(TEXT.matchAll(/^encodeFrame\((.*)\); \/\/ ([\da-f ]+)/gm));
  expect(lines).toHaveLength(3);
  for (const [, fields = '', bytes] of lines) {
    const values = new Function('Opcode', `return ${fields}`)(Opcode) as protocol.FrameFields;
    expect(asHex(encodeFrame(values))).toBe(bytes?.trim());
  }
});
