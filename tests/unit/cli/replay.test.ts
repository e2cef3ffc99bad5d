/** `ws6455 replay` and `ws6455 decode --to`. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { formatRecord, parseRecording } from '../../../src/recording/read.js';
import { runCli, startCli, startProcess, startServe } from '../../support/cli.js';
import { closePayload } from '../../support/frames.js';
import { RecordedScene } from '../../support/recordings.js';
import { useScope } from '../../support/scope.js';
import { next } from '../../support/websockets.js';

const scope = useScope();

function path(name: string, content?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-'));
  scope().later(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  if (content !== undefined) writeFileSync(file, content);
  return file;
}

const CLOSE = { opcode: 8, payload: closePayload(1000) };

/** An echo server answers one message. */
function recording(answer = 'Hello'): string {
  const { records } = new RecordedScene()
    .open()
    .client({ payload: 'Hello' })
    .server({ payload: answer })
    .client(CLOSE)
    .server(CLOSE)
    .end('server')
    .end('client');
  return records.map(formatRecord).join('');
}

describe('replay', () => {
  test('of a recording against a server that answers as before', async () => {
    const { url } = await startServe(scope());
    const file = path('a.jsonl', recording());
    const record = path('new.jsonl');
    const outcome = await runCli(scope(), ['replay', file, url, '--record', record]);
    expect(outcome).toEqual({
      ...{ status: 0, stderr: '' },
      stdout: 'equal: 3 of 3 parts sent, 1 message received\n',
    });
    const types = parseRecording(readFileSync(record, 'utf8')).map(({ type }) => type);
    expect(types.filter((type) => type === 'frame')).toHaveLength(4);
  });

  test('of one that answers something else', async () => {
    const { url } = await startServe(scope());
    const { status, stdout } = await runCli(scope(), ['replay', '-', url], recording('Hallo'));
    expect(status).toBe(1);
    expect(stdout).toBe(
      'message 1\n  recorded  text "Hallo"\n  received  text "Hello"\n' +
        '1 difference: 3 of 3 parts sent, 1 message received\n',
    );
  });

  test('prints JSON Lines with --json', async () => {
    const { url } = await startServe(scope());
    const args = ['replay', path('a.jsonl', recording('Hallo')), url, '--json', '--timing', 'asap'];
    const { stdout } = await runCli(scope(), args);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        ...{ type: 'difference', kind: 'message', index: 0, timedOut: false },
        ...{ expected: 'text "Hallo"', received: 'text "Hello"' },
      },
      { type: 'result', equal: false, sent: 3, planned: 3, messages: 1, differences: 1 },
    ]);
  });

  test('as a server', async () => {
    const args = ['replay', path('a.jsonl', recording()), 'ws://127.0.0.1:0/', '--as', 'server'];
    const running = startCli(scope(), args);
    const [, url = ''] = await running.waitFor('stdout', /listening on (\S+)\n/);
    const ws = scope().track(new WebSocket(url));
    await next(ws, 'open');
    ws.send('Hello');
    const [data] = await next<[Buffer]>(ws, 'message');
    expect(data.toString()).toBe('Hello');
    ws.close(1000);
    expect(await running.ended).toMatchObject({ status: 0, stderr: '' });
    expect(running.stdout).toContain('equal: 3 of 3 parts');
  });

  test('ends with Ctrl-C', async () => {
    const args = ['replay', path('a.jsonl', recording()), 'ws://127.0.0.1:0/', '--as', 'server'];
    const running = startProcess(scope(), args);
    await running.waitFor('stdout', /listening/);
    expect(await running.interrupt()).toMatchObject({ status: 1, stderr: '' });
  });

  test.each([
    ['no URL', ['x'], 2, 'replay needs FILE and URL'],
    ['no file', ['/no/file', ':1'], 1, 'cannot read /no/file: there is no such file'],
    ['no recording', ['-', ':1'], 1, '- is neither a recording of ws6455 nor a HAR'],
    ['a wrong end', ['x', ':1', '--as', 'me'], 2, '--as is client or server, not "me"'],
    ['no certificate', ['x', ':1', '--tls', '/no/a', '/no/b'], 1, 'cannot read /no/a'],
  ])('%s is one line on standard error', async (_what, args, expected, message) => {
    const { status, stderr } = await runCli(scope(), ['replay', ...args], '8100');
    expect(status).toBe(expected);
    expect(stderr).toMatch(/^ws6455: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });

  test('no server, and no such connection', async () => {
    const file = path('a.jsonl', recording());
    const gone = await runCli(scope(), ['replay', file, 'ws://127.0.0.1:1/']);
    expect(gone).toMatchObject({ status: 1, stdout: '' });
    expect(gone.stderr).toContain('nothing listens there (ECONNREFUSED)');
    const { stderr } = await runCli(scope(), ['replay', file, ':1', '--connection', '2']);
    expect(stderr).toContain('no connection 2; it has 1');
  });
});

describe('decode --to', () => {
  test('har, and back to a recording', async () => {
    const har = await runCli(scope(), ['decode', '--to', 'har', '-'], recording());
    const [entry] = JSON.parse(har.stdout).log.entries;
    expect(entry._webSocketMessages).toMatchObject([{ type: 'send' }, { type: 'receive' }]);
    const again = await runCli(scope(), ['decode', '--to', 'recording', '-'], har.stdout);
    const frames = (text: string) => text.match(/"bytes":"\w+"/g);
    expect(frames(again.stdout)).toEqual(frames(recording()));
    expect([har.status, again.status]).toEqual([0, 0]);
  });

  test('pcapng', async () => {
    const running = startCli(scope(), ['decode', '--to', 'pcapng', path('a.jsonl', recording())]);
    expect((await running.ended).status).toBe(0);
    expect(running.stdout.slice(0, 4)).toBe('\n\r\r\n');
    expect(running.stdout).toContain('Sec-WebSocket-Key');
  });

  test.each([
    ['bytes', ['81', '00', '--to', 'har'], 1, 'only a recording or a HAR'],
    ['a format', ['81', '00', '--to', 'xml'], 2, '--to is har or pcapng or recording, not "xml"'],
  ])('wrong %s', async (_what, args, expected, message) => {
    const { status, stderr } = await runCli(scope(), ['decode', ...args]);
    expect(status).toBe(expected);
    expect(stderr).toContain(message);
  });
});
