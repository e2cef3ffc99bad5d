/** `ws6455 serve`: echo, chat, TLS, its log, and its end. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { runCli, startProcess, startServe, urlOfServer } from '../../support/cli.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

const TLS = join(__dirname, '../../support/tls');
const CERT = join(TLS, 'localhost-cert.pem');
const KEY = join(TLS, 'localhost-key.pem');

/** A connection whose messages can be awaited. */
class Client {
  readonly socket: WebSocket;
  private readonly messages: string[] = [];
  private wake = (): void => {};

  constructor(url: string, options: object = {}) {
    this.socket = scope().track(new WebSocket(url, options));
    this.socket.on('message', (data) => {
      this.messages.push(String(data));
      this.wake();
    });
  }

  async next(): Promise<string> {
    while (this.messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.messages.shift() ?? '';
  }

  closed(): Promise<[number, string]> {
    return new Promise((resolve) =>
      this.socket.once('close', (code, reason) => resolve([code, reason.toString()])),
    );
  }
}

test('echo: each message comes back, and connections and messages are logged', async () => {
  const { server, url } = await startServe(scope());
  expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/$/);
  const { status } = await runCli(scope(), ['connect', `${url}path`, '-x', 'hi', '-w', '0.01']);
  expect(status).toBe(0);
  await server.waitFor('stdout', /closed/);
  expect(server.stdout.replace(/127.0.0.1:\d+/g, 'ADDRESS')).toBe(
    'echo server on ws://ADDRESS/\n[1] connected ADDRESS /path\n[1] text, 2 bytes: hi\n' +
      '[1] closed: 1000 (normal closure)\n',
  );
});

test('Ctrl-C closes each connection with 1001, and the exit code is 0', async () => {
  const args = ['serve', '--port', '0', '--quiet'];
  const server = startProcess(scope(), args);
  const url = await urlOfServer(server, args);
  const client = new Client(url);
  client.socket.once('open', () => client.socket.send('hi'));
  expect(await client.next()).toBe('hi');
  const closed = client.closed();
  const { status, stdout, stderr } = await server.interrupt();
  expect((await closed)[0]).toBe(1001);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toBe(`echo server on ${url}\n`);
});

test('chat: the others get a message with the name of its sender', async () => {
  const { url } = await startServe(scope(), '--chat', '-q');
  const ann = new Client(`${url}?name=Ann`);
  expect(await ann.next()).toBe('* you are Ann; here: nobody else');
  const other = new Client(url);
  expect(await other.next()).toBe('* you are guest-2; here: Ann');
  expect(await ann.next()).toBe('* guest-2 joined');
  other.socket.send('hello');
  expect(await ann.next()).toBe('guest-2: hello');
  other.socket.send('/name Bob');
  expect(await other.next()).toBe('* you are Bob');
  expect(await ann.next()).toBe('* guest-2 is now Bob');
  other.socket.close();
  expect(await ann.next()).toBe('* Bob left');
});

test('--path accepts one path only', async () => {
  const { url } = await startServe(scope(), '--path', '/chat', '-q');
  expect((await runCli(scope(), ['connect', url, '-x', 'hi', '-w', '0.01'])).stdout).toBe('hi\n');
  const wrong = await runCli(scope(), [
    'connect',
    url.replace('/chat', '/other'),
    '-x',
    'hi',
    '-w',
    '0.01',
  ]);
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toMatch(/^ws6455: cannot connect to ws:.*: the server answered 404/);
});

test('--tls', async () => {
  const { url } = await startServe(scope(), '--tls', CERT, KEY);
  expect(url).toMatch(/^wss:/);
  const client = new Client(url, { ca: readFileSync(CERT), checkServerIdentity: () => undefined });
  client.socket.once('open', () => client.socket.send('hi'));
  expect(await client.next()).toBe('hi');
});

test('--compress accepts permessage-deflate, which is off by default', async () => {
  const { url } = await startServe(scope(), '--compress', '-q');
  const compressed = await runCli(scope(), ['connect', url, '-x', 'hi', '-w', '0.01', '--trace']);
  expect(compressed.stderr).toContain('RSV=100');
  const plain = await runCli(scope(), [
    'connect',
    url,
    '-x',
    'hi',
    '-w',
    '0.01',
    '--trace',
    '--no-compress',
  ]);
  expect(plain.stderr).not.toContain('RSV=100');
});

test('a port that is in use is one line, and the exit code 1', async () => {
  const { url } = await startServe(scope(), '-q');
  const { port } = new URL(url);
  const { status, stderr } = await runCli(scope(), ['serve', '--port', port]);
  expect(status).toBe(1);
  expect(stderr).toBe(
    `ws6455: cannot listen on 127.0.0.1:${port}: the port is in use; another one: --port (EADDRINUSE)\n`,
  );
});

test('--json prints a recording that decode reads', async () => {
  const { server, url } = await startServe(scope(), '--json');
  await runCli(scope(), ['connect', url, '-x', 'hi', '--wait', '0']);
  await server.waitFor('stdout', /"end".*"end"/s);
  const { stdout } = await server.interrupt();
  const { status, stdout: decoded } = await runCli(scope(), ['decode', '-b', '-'], stdout);
  expect(status).toBe(0);
  expect(decoded).toMatch(/client > GET \/ .*server < HTTP\/1\.1 101 .*client > text .*: hi\n/s);
  expect(decoded).toMatch(/server < text FIN 2 bytes: hi\n/);
});
