/** Arguments, files and outputs that are wrong: one line says so, and no stack trace. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MAIN, runCli, spawnCli, startCli, startProcess, startServe } from '../../support/cli.js';
import { Inbox } from '../../support/inbox.js';
import { requestHead } from '../../support/recordings.js';
import { keyOf, upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

const START =
  '{"type":"recording","version":1,"software":"x","startedAt":"2026-01-02T03:04:05.678Z"}';
const CONNECTION = '{"type":"connection","connection":1,"time":0,"url":"ws://localhost/"}';

function handshake(time: number): string {
  const head = requestHead();
  return JSON.stringify({ type: 'handshake', connection: 1, time, from: 'client', head });
}

function fileWith(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-'));
  scope().later(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'input'), content);
  return join(folder, 'input');
}

/** Runs a command whose standard output is a file. */
function runInto(path: string, args: readonly string[]) {
  const shell = ['sh', '-c', `exec "$0" "$@" > ${path}`] as const;
  return spawnCli(scope(), [...shell, process.execPath, MAIN, ...args], process.env).ended;
}

describe('decode', () => {
  test('takes digits that would be too long for the name of a file', async () => {
    const { status, stdout } = await runCli(scope(), ['decode', '--brief', '8100'.repeat(200)]);
    expect(stdout.trim().split('\n')).toHaveLength(200);
    expect(status).toBe(0);
  });

  test('says that a path through a file names nothing', async () => {
    const path = `${__filename}/x`;
    const { status, stderr } = await runCli(scope(), ['decode', path]);
    expect(stderr).toBe(`ws6455: ${path} is neither a file nor hexadecimal digits\n`);
    expect(status).toBe(1);
  });

  test('reads 10 MB of hexadecimal digits', async () => {
    const length = 5_000_000;
    const text = `827f${length.toString(16).padStart(16, '0')}${'00'.repeat(length)}`;
    const { status, stdout } = await runCli(scope(), ['decode', '--brief', '-'], text);
    expect(stdout).toMatch(/binary.* 5000000 bytes/);
    expect(status).toBe(0);
  });

  test('refuses a dump of which a star stands for 4 GiB', async () => {
    const dump = '00000000  81 00\n*\nffffffff  81 00\n';
    const { status, stderr } = await runCli(scope(), ['decode', '-'], dump);
    expect(stderr).toMatch(/^ws6455: .*too long to read\n$/);
    expect(status).toBe(1);
  });

  test.each(['har', 'pcapng'])('--to %s takes times of any size', async (format) => {
    const file = fileWith([START, CONNECTION, handshake(1e300), ''].join('\n'));
    const { status, stderr } = await runCli(scope(), ['decode', file, '--to', format]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test.each(['har', 'pcapng'])('--to %s names a connection that never began', async (format) => {
    const file = fileWith([START, handshake(1), ''].join('\n'));
    const { status, stderr } = await runCli(scope(), ['decode', file, '--to', format]);
    expect(stderr).toMatch(new RegExp(`^ws6455: cannot write this recording as ${format}: .*\n$`));
    expect(status).toBe(1);
  });
});

test('inspect says that a path through a file names nothing', async () => {
  const { status, stderr } = await runCli(scope(), ['inspect', `${__filename}/x`, '--port', '0']);
  expect(stderr).toMatch(/^ws6455: cannot read .*there is no such file\n$/);
  expect(status).toBe(1);
});

test.each([[['decode', '8100']], [['--help']]])('%j says that the disk is full', async (args) => {
  const { status, stderr } = await runInto('/dev/full', args);
  expect(stderr).toBe(
    'ws6455: cannot write to standard output: no space is left on the device (ENOSPC)\n',
  );
  expect(status).toBe(1);
});

test.each(['//', '//[', '/?%', '/?name=%ff'])('serve --chat lives on after %s', async (path) => {
  const { url } = await startServe(scope(), '--chat');
  for (let i = 0; i < 2; i++) {
    const inbox = new Inbox(await scope().connect(Number(new URL(url).port)));
    inbox.stream.write(upgradeRequest({ target: path }));
    const { status, all } = await inbox.message();
    expect(keyOf({ all })).toBe('');
    expect(status).toBe(101);
  }
});

describe('a recording that exists', () => {
  const recording = [START, CONNECTION, handshake(1), ''].join('\n');

  test('can be shown and recorded in the same file', async () => {
    const file = fileWith(recording);
    const program = startCli(scope(), ['inspect', file, '--port', '0', '--record', file]);
    await program.waitFor('stdout', /inspector on/);
    await program.interrupt();
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(3);
  });

  test('is kept if the inspector cannot listen', async () => {
    const { url } = await startServe(scope());
    const file = fileWith(recording);
    const args = ['inspect', url, '--port', new URL(url).port, '--record', file];
    const { status, stderr } = await runCli(scope(), args);
    expect(stderr).toMatch(/^ws6455: cannot listen .*EADDRINUSE.*\n$/);
    expect(status).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe(recording);
  });

  test('is kept if a replay cannot connect', async () => {
    const file = fileWith(recording);
    const { status } = await runCli(scope(), [
      'replay',
      file,
      'ws://127.0.0.1:1',
      '--record',
      file,
    ]);
    expect(status).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe(recording);
  });
});

test('decode prints the first of 20 million frames at once', async () => {
  const file = fileWith(Buffer.alloc(40_000_000));
  const program = startProcess(scope(), ['decode', file, '--brief', '--from', 'client']);
  await program.waitFor('stdout', /continuation/);
  program.parts.stdout.destroy();
  expect((await program.interrupt()).stderr).toBe('');
});

test('decode refuses an input without an end', async () => {
  const program = startProcess(scope(), ['decode', '-']);
  const chunk = Buffer.alloc(8 * 1024 * 1024);
  const { stdin } = program.parts;
  const write = () => {
    while (stdin.writable && stdin.write(chunk));
  };
  stdin.on('drain', write);
  write();
  const { status, stderr } = await program.ended;
  expect(stderr).toMatch(/^ws6455: standard input is too long: .* MiB are read\n$/);
  expect(status).toBe(1);
});
