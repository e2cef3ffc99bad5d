/** The prompt of `ws6455 connect`, on a pseudo-terminal of Python where there is one. */

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { type Action, parseLine } from '../../../src/cli/slash-commands.js';
import { MAIN, type RunningCli, spawnCli, startServe } from '../../support/cli.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

describe('a line', () => {
  test.each<[string, Action]>([
    ['hello', { type: 'text', data: 'hello' }],
    ['//ping', { type: 'text', data: '/ping' }],
    ['/text /ping', { type: 'text', data: '/ping' }],
    ['/binary 00 ff', { type: 'binary', data: Buffer.from([0, 255]) }],
    ['/file a b.bin', { type: 'file', path: 'a b.bin' }],
    ['/ping', { type: 'ping', payload: Buffer.alloc(0) }],
    ['/pong x y', { type: 'pong', payload: Buffer.from('x y') }],
    ['/close', { type: 'close', code: 1000, reason: '' }],
    ['/close 4001 see you', { type: 'close', code: 4001, reason: 'see you' }],
    ['/quit', { type: 'close', code: 1000, reason: '' }],
    ['/trace on', { type: 'trace', isOn: true }],
    ['/trace off', { type: 'trace', isOn: false }],
    ['/help', { type: 'help' }],
  ])('%s', (line, action) => {
    expect(parseLine(line)).toEqual(action);
  });

  test.each<[string, RegExp]>([
    ['/pin', /did you mean \/ping\? \/\/pin sends it as text/],
    ['/', /\/help lists the commands/],
    ['/binary 0', /half a byte/],
    ['/file', /needs the path/],
    [`/ping ${'x'.repeat(126)}`, /at most 125 bytes: 126/],
    ['/close 1005', /1005 cannot be sent/],
    ['/close soon', /soon cannot be sent/],
    [`/close 1000 ${'x'.repeat(124)}`, /at most 123 bytes/],
    ['/trace', /on or off/],
  ])('%s is wrong', (line, message) => {
    const action = parseLine(line);
    expect(action.type === 'wrong' && action.message).toMatch(message);
  });
});

/** Runs a command on a pseudo-terminal: standard input is what is typed, standard output the screen. */
const PTY = `
import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
`;

const hasPty =
  spawnSync('python3', ['-c', 'import os, pty; os.waitstatus_to_exitcode']).status === 0;

// Under REQUIRE_ALL=1, as in CI, a missing Python fails these tests.
const isRun = hasPty || process.env['REQUIRE_ALL'] === '1';

(isRun ? describe : describe.skip)('on a terminal', () => {
  function startTerminal(...args: string[]): RunningCli {
    const env = { ...process.env, TERM: 'xterm', NO_COLOR: '1' };
    const command = ['-c', PTY, process.execPath, MAIN, ...args];
    return spawnCli(scope(), ['python3', ...command], env);
  }

  test('types messages and commands, and prints what comes above the prompt', async () => {
    const { server, url } = await startServe(scope());
    const terminal = startTerminal('connect', url);
    const type = (text: string) => terminal.parts.stdin.write(text);
    await terminal.waitFor('stdout', /Connected to ws:.*\/help lists the commands[^>]*> /s);
    type('hello\r');
    await terminal.waitFor('stdout', /< hello/);
    type('/ping x\r');
    await terminal.waitFor('stdout', /< pong: x/);
    type('/binary 00ff\r');
    await terminal.waitFor('stdout', /< binary, 2 bytes: 00 ff/);
    type('/trace on\r');
    type('again\r');
    await terminal.waitFor('stdout', /> text FIN=1 RSV=000 opcode=0001 MASK=1/);
    type('/close 4001 bye\r');
    await terminal.waitFor('stdout', /closed: 4001 \(private use of the application\): bye/);
    expect((await terminal.ended).status).toBe(0);
    await server.waitFor('stdout', /closed: 4001 .*: bye/);
  });

  test('a message does not destroy what is being typed', async () => {
    const { url } = await startServe(scope(), '--chat', '-q');
    const terminal = startTerminal('connect', `${url}?name=Ann`);
    await terminal.waitFor('stdout', /you are Ann/);
    terminal.parts.stdin.write('half a li');
    await terminal.waitFor('stdout', /half a li/);
    const other = startTerminal('connect', `${url}?name=Bob`);
    await terminal.waitFor('stdout', /Bob joined[^<]*> half a li/);
    terminal.parts.stdin.write('ne\r');
    await other.waitFor('stdout', /< Ann: half a line/);
    terminal.parts.stdin.write('\x03'); // Ctrl-C
    expect((await terminal.ended).status).toBe(0);
    await other.waitFor('stdout', /Ann left/);
    other.parts.stdin.write('\x04'); // Ctrl-D
    expect((await other.ended).status).toBe(0);
  });
});
