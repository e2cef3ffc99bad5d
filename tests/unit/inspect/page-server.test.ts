/** The page of the inspector: its files, its downloads, and who may open its socket. */

import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { Recorder } from '../../../src/recording/recorder.js';
import type { RecordingRecord } from '../../../src/recording/records.js';
import { frame, OPCODE } from '../../support/frames.js';
import { until } from '../../support/inbox.js';
import { connectClient, converse, inspected, Page, RawTarget } from '../../support/inspected.js';
import { SAMPLE_KEY, upgradeRequest, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { next } from '../../support/websockets.js';

const scope = useScope();

async function start() {
  const target = await RawTarget.listen(scope());
  const through = await inspected(scope(), { target: `ws://127.0.0.1:${target.port}` });
  return { target, through };
}

async function get(
  through: { readonly port: number },
  path: string,
  host = `localhost:${through.port}`,
  method = 'GET',
) {
  const { socket, inbox } = await connectClient(scope(), through);
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const bytes = await inbox.rest();
  const [head = '', body = ''] = bytes.toString().split('\r\n\r\n', 2);
  const status = Number(head.split(' ')[1]);
  return { status, head, body };
}

describe('the page', () => {
  test('comes with a strict policy, and is not kept', async () => {
    const { through } = await start();
    const { status, head } = await get(through, '/');
    expect(status).toBe(200);
    expect(head).toContain('Content-Type: text/html; charset=utf-8');
    expect(head).toContain("Content-Security-Policy: default-src 'none'; script-src 'self'");
    expect(head).toContain('Cache-Control: no-store');
    expect(head).toContain('X-Content-Type-Options: nosniff');
  });

  test.each([
    ['/.ws6455/main.js', 200],
    ['/.ws6455/main.js?x', 200],
    ['/.ws6455/none.js', 404],
    ['/.ws6455/package.json', 404],
    ['/.ws6455/../inspector.ts', 404],
    ['/.ws6455/%2e%2e/inspector.ts', 404],
    ['/.ws6455/', 404],
    ['/favicon.ico', 404],
    ['/.ws6455/control', 404],
  ])('%s is answered %i', async (path, status) => {
    const { through, target } = await start();
    expect((await get(through, path)).status).toBe(status);
    expect(target.ends).toEqual([]);
  });

  test('can only be read', async () => {
    const { through } = await start();
    expect((await get(through, '/.ws6455/', undefined, 'POST')).status).toBe(405);
    expect((await get(through, '/', undefined, 'HEAD')).status).toBe(200);
  });

  test('of / is not for requests of WebSockets', async () => {
    const { through, target } = await start();
    const client = await connectClient(scope(), through);
    client.socket.write(upgradeRequest({ target: '/' }));
    const server = await target.next();
    expect((await server.inbox.message()).startLine).toBe('GET / HTTP/1.1');
  });
});

describe('the Host', () => {
  test.each([
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['127.0.0.1:8455', 200],
    ['[::1]:8455', 200],
    ['192.168.1.5', 200],
    ['attacker.example', 403],
    ['localhost.attacker.example', 403],
    ['127.0.0.1.attacker.example:8455', 403],
    ['', 403],
  ])('%j is answered %i', async (host, status) => {
    const { through } = await start();
    for (const path of ['/', '/.ws6455/recording.jsonl']) {
      expect((await get(through, path, host)).status).toBe(status);
    }
  });
});

describe('the socket', () => {
  const open = (port: number, origin: string | undefined, host = `localhost:${port}`) => {
    const options = { origin: origin ?? '', headers: { Host: host } };
    return scope().track(new WebSocket(`ws://127.0.0.1:${port}/.ws6455/control`, options));
  };

  test.each([
    ['of a page at another host', 'http://attacker.example', undefined],
    ['of a page at another port', 'http://localhost:1', undefined],
    ['of no page', undefined, undefined],
    ['of a file', 'null', undefined],
    ['of a name that resolves to this machine', 'http://attacker.example', 'attacker.example'],
  ])('%s is refused', async (_, origin, host) => {
    const { through } = await start();
    const ws = open(through.port, origin, host);
    const [error] = await next<[Error]>(ws, 'error');
    expect(error.message).toBe('Unexpected server response: 403');
  });

  test('of its own page is told what this is, and all records', async () => {
    const { through, target } = await start();
    const page = await Page.open(scope(), through);
    expect(page.of('hello')).toEqual([
      expect.objectContaining({
        target: `ws://127.0.0.1:${target.port}/`,
        listening: `ws://localhost:${through.port}/`,
        demo: false,
        hold: 'none',
        dropped: 0,
      }),
    ]);
    const records = await page.next('records');
    expect(records.records).toMatchObject([
      { index: 0, record: { type: 'recording', version: 1 } },
    ]);
    await converse(scope(), through, target);
    await until(() => page.of('records').flatMap((one) => one.records).length === 4, 'records');
    await until(() => page.of('status').at(-1)?.open === 1, 'a status');
    expect(page.of('status').at(-1)).toMatchObject({ target: 'reachable' });
  });

  test('is not at another path', async () => {
    const { through } = await start();
    const ws = scope().track(new WebSocket(`ws://127.0.0.1:${through.port}/.ws6455/other`));
    const [error] = await next<[Error]>(ws, 'error');
    expect(error.message).toMatch(/^Unexpected server response: 4/);
  });
});

test('a recording can be downloaded: also what came before the limit of memory begins with its start', async () => {
  const target = await RawTarget.listen(scope());
  const through = await inspected(scope(), {
    target: `ws://127.0.0.1:${target.port}`,
    memory: 2000,
    software: 'test/1',
  });
  const { client, server } = await converse(scope(), through, target);
  for (let i = 0; i < 20; i++) server.socket.write(frame({ payload: `message ${i}` }));
  await client.inbox.take(20);
  await until(() => through.of('frame').length === 20, 'frames');
  const { head, body } = await get(through, '/.ws6455/recording.jsonl');
  expect(head).toContain('Content-Disposition: attachment; filename="recording.jsonl"');
  const lines = body.split('\n').filter((line) => /^\{/.test(line));
  const records = lines.map((line) => JSON.parse(line));
  expect(records[0]).toMatchObject({ type: 'recording', software: 'test/1' });
  expect(records.at(-1)).toMatchObject({ type: 'frame', text: 'message 19' });
  expect(records.length).toBeLessThan(12);
});

test.each([
  ['recording.har', 'application/json', /^\{"log":/],
  ['recording.pcapng', 'application/x-pcapng', /^\n\r\r\n/],
])('%s can be downloaded', async (name, type, beginning) => {
  const { through, target } = await start();
  await converse(scope(), through, target);
  const { status, head, body } = await get(through, `/.ws6455/${name}`);
  expect(status).toBe(200);
  expect(head).toContain(`Content-Type: ${type}`);
  expect(body.replace(/^[0-9a-f]+\r\n/, '')).toMatch(beginning);
});

test('a recording that cannot be exported is answered with the reason', async () => {
  const record = { type: 'end', connection: 9, time: 0, from: 'client', how: 'end' } as const;
  const startRecord = { type: 'recording', version: 1, software: 'x', startedAt: '' } as const;
  const through = await inspected(scope(), { records: [startRecord, record] });
  const { status, body } = await get(through, '/.ws6455/recording.har');
  expect(status).toBe(500);
  expect(body).toContain('Connection 9 has a record "end"');
});

test('records of a file are shown without a target', async () => {
  const records: RecordingRecord[] = [];
  const recorder = new Recorder((record) => records.push(record));
  const recorded = recorder.connect({ url: 'ws://a/' });
  recorded.receive('client', Buffer.from(upgradeRequest()));
  recorded.receive('server', Buffer.from(upgradeResponse(SAMPLE_KEY)));
  recorded.receive('server', frame({ payload: 'ab', fin: false }));
  recorded.receive('server', frame({ opcode: OPCODE.CONTINUATION, payload: 'cd' }));
  const through = await inspected(scope(), { records });
  const page = await Page.open(scope(), through);
  expect(page.of('hello')[0]?.target).toBeUndefined();
  expect((await page.next('records')).records.map(({ record }) => record.type)).toEqual(
    records.map(({ type }) => type),
  );
  page.send({ type: 'describe', index: 5 });
  expect((await page.next('described')).frame?.message).toBe('abcd');
  const client = await connectClient(scope(), through);
  client.socket.write(upgradeRequest());
  expect((await client.inbox.message()).status).toBe(404);
});

test('a port that is taken is an error', async () => {
  const { through } = await start();
  await expect(inspected(scope(), { target: 'ws://a', port: through.port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});

test('a target that is no URL is an error', async () => {
  await expect(inspected(scope(), { target: 'localhost:1' })).rejects.toThrow(SyntaxError);
});
