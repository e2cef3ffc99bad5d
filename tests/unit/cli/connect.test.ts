/** `ws6455 connect` with pipes: what is sent and printed, how it ends, and its exit code. */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { runCli, startCli, startProcess, startServe } from '../../support/cli.js';
import { useScope } from '../../support/scope.js';
import { next } from '../../support/websockets.js';

const scope = useScope();

const TLS = join(__dirname, '../../support/tls');
const CERT = join(TLS, 'localhost-cert.pem');
const KEY = join(TLS, 'localhost-key.pem');

/** Starts a server of this process, with what it does with each connection. */
async function listen(
  onConnection: (socket: WebSocket, request: IncomingMessage) => void,
): Promise<string> {
  const http: Server = createServer();
  const server = new WebSocket.Server({ server: http, origins: '*' });
  server.on('connection', (socket, request) => {
    socket.on('error', () => {});
    onConnection(socket, request);
  });
  return `ws://127.0.0.1:${await scope().listen(http)}/`;
}

const echo = (socket: WebSocket): void => {
  socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }));
};

describe('standard input', () => {
  test('each line is a message, and each message a line', async () => {
    const url = await listen(echo);
    const outcome = await runCli(scope(), ['connect', url, '-w', '0.01'], 'one\ntwo\n/three\n');
    expect(outcome).toEqual({ status: 0, stdout: 'one\ntwo\n/three\n', stderr: '' });
  });

  test('an answer that comes late is waited for', async () => {
    const url = await listen((socket) => {
      // The Ping comes behind the last message; the answer comes behind the Pong.
      socket.on('ping', () => {
        socket.send('late');
        socket.close(1000);
      });
    });
    const { stdout } = await runCli(scope(), ['connect', url, '--wait', '20', '-x', 'hi']);
    expect(stdout).toBe('late\n');
  });

  test('--wait forever leaves the end to the server', async () => {
    const url = await listen((socket) => {
      socket.on('message', () => socket.close(1000, 'enough'));
    });
    const outcome = await runCli(scope(), ['connect', url, '--wait', 'forever'], 'hi\n');
    expect(outcome).toEqual({
      status: 0,
      stdout: '',
      stderr: 'closed: 1000 (normal closure): enough\n',
    });
  });

  test('--binary sends all of it as one message, and prints bytes', async () => {
    const lengths: number[] = [];
    const url = await listen((socket) => {
      socket.on('message', (data: Buffer) => lengths.push(data.length));
      echo(socket);
    });
    const input = Buffer.alloc(300_000, 'bytes \0\xff');
    const cli = startCli(scope(), ['connect', url, '--binary', '-w', '0.01']);
    cli.parts.stdin.end(input);
    await cli.ended;
    expect(Buffer.from(cli.stdout, 'latin1').equals(input)).toBe(true);
    expect(lengths).toEqual([input.length]);
  });

  test('without --binary a binary message is a line of hexadecimal digits', async () => {
    const url = await listen((socket) => socket.send(Buffer.from([0, 255])));
    expect((await runCli(scope(), ['connect', url, '-w', '0.01'], '')).stdout).toBe('00 ff\n');
  });
});

describe('standard input that cannot be read', () => {
  test('closes the connection, and is one line on standard error', async () => {
    const sockets: WebSocket[] = [];
    const url = await listen((socket) => {
      sockets.push(socket);
      socket.send('ready');
    });
    const cli = startCli(scope(), ['connect', url]);
    await cli.waitFor('stdout', /ready/);
    const closed = next<[number]>(sockets[0] as WebSocket, 'close'); // it has sent
    cli.parts.stdin.destroy(Object.assign(new Error('read EISDIR'), { code: 'EISDIR' }));
    const { status, stderr } = await cli.ended;
    expect(status).toBe(1);
    expect(stderr).toBe('ws6455: cannot read standard input: it is a directory (EISDIR)\n');
    expect((await closed)[0]).toBe(1000);
  });
});

describe('the request', () => {
  test('--header, --origin and --subprotocol', async () => {
    const requests: IncomingMessage[] = [];
    const url = await listen((socket, request) => {
      requests.push(request);
      socket.send(socket.protocol);
    });
    const args = ['-H', 'Cookie: a=1', '-H', 'X-Two: b', '-o', 'http://o.example', '-s', 'v2'];
    const { stdout } = await runCli(scope(), [
      'connect',
      url,
      ...args,
      '-s',
      'v1',
      '-x',
      'hi',
      '-w',
      '0.01',
    ]);
    expect(stdout).toBe('v2\n');
    const [{ headers } = { headers: {} }] = requests;
    expect(headers).toMatchObject({
      cookie: 'a=1',
      'x-two': 'b',
      origin: 'http://o.example',
      'sec-websocket-protocol': 'v2, v1',
    });
  });

  test('localhost without a scheme, and http:', async () => {
    const url = await listen(echo);
    for (const target of [url.replace('ws://', ''), url.replace('ws:', 'http:')]) {
      expect((await runCli(scope(), ['connect', target, '-x', 'hi', '-w', '0.01'])).stdout).toBe(
        'hi\n',
      );
    }
  });

  test('--insecure accepts a self-signed certificate, which is refused otherwise', async () => {
    const { url } = await startServe(scope(), '--tls', CERT, KEY, '-q');
    const strict = await runCli(scope(), ['connect', url, '-x', 'hi']);
    expect(strict.status).toBe(1);
    expect(strict.stderr).toMatch(/^ws6455: cannot connect to wss:[^\n]*--insecure[^\n]*\n$/);
    expect((await runCli(scope(), ['connect', url, '-k', '-x', 'hi', '-w', '0.01'])).stdout).toBe(
      'hi\n',
    );
  });
});

describe('a connection that cannot be made is one line, and the exit code 1', () => {
  test('nothing listens', async () => {
    const tcp = createTcpServer();
    const port = await scope().listen(tcp);
    await new Promise((done) => tcp.close(done));
    const outcome = await runCli(scope(), ['connect', `ws://127.0.0.1:${port}`, '-x', 'hi']);
    expect(outcome).toEqual({
      status: 1,
      stdout: '',
      stderr: `ws6455: cannot connect to ws://127.0.0.1:${port}/: nothing listens there (ECONNREFUSED)\n`,
    });
  });

  test('the server refuses', async () => {
    const http = createServer();
    http.on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nno entry\x1b[0m\nmore\n'),
    );
    const url = `ws://127.0.0.1:${await scope().listen(http)}/`;
    const { status, stderr } = await runCli(scope(), ['connect', url, '-x', 'hi']);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `ws6455: cannot connect to ${url}: the server answered 403: no entry\\x1b[0m\n`,
    );
  });

  test('the server does not answer within --timeout', async () => {
    const url = `ws://127.0.0.1:${await scope().listen(createTcpServer())}/`;
    const { status, stderr } = await runCli(scope(), [
      'connect',
      url,
      '--timeout',
      '0.1',
      '-x',
      'hi',
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain('Opening handshake has timed out');
  });
});

describe('the end', () => {
  test('Ctrl-C closes with 1000, and the exit code is 0', async () => {
    const url = await listen((socket) => {
      socket.send('ready');
      socket.once('close', (code) => codes.push(code));
    });
    const codes: number[] = [];
    const cli = startProcess(scope(), ['connect', url]);
    await cli.waitFor('stdout', /ready/);
    expect((await cli.interrupt()).status).toBe(0);
    expect(codes).toEqual([1000]);
  });

  test('a second Ctrl-C ends it at once', async () => {
    const url = await listen((socket) => {
      socket.send('ready');
      socket.pause(); // it does not answer the Close
    });
    const cli = startProcess(scope(), ['connect', url, '--trace']);
    await cli.waitFor('stdout', /ready/);
    void cli.interrupt();
    await cli.waitFor('stderr', /> close/);
    expect((await cli.interrupt()).status).toBe(130);
  });

  test('another close code of the server is named, and the exit code is 1', async () => {
    const url = await listen((socket) => socket.close(1013, 'full'));
    const outcome = await runCli(scope(), ['connect', url, '--wait', 'forever'], '');
    expect(outcome).toEqual({
      status: 1,
      stdout: '',
      stderr: 'closed: 1013 (try again later): full\n',
    });
  });

  test('a server that breaks a rule is named, and the exit code is 1', async () => {
    const url = await listen((socket) => {
      const { _socket: raw } = socket as unknown as { _socket: NodeJS.WritableStream };
      raw.write(Buffer.from('8300', 'hex'));
    });
    const { status, stderr } = await runCli(scope(), ['connect', url, '--wait', 'forever'], '');
    expect(status).toBe(1);
    expect(stderr).toContain('ws6455: the connection failed: Invalid WebSocket frame');
  });
});

describe('frames', () => {
  test('--trace prints the handshakes and the bits of each frame on standard error', async () => {
    const url = await listen(echo);
    const { stdout, stderr } = await runCli(scope(), ['connect', url, '-t', '-x', 'hi', '-w', '0']);
    expect(stdout).toBe('hi\n');
    const lines = stderr.replace(/key=[0-9a-f]{8}/g, 'key=KEY').split('\n');
    expect(lines).toContain('> GET / HTTP/1.1');
    expect(lines).toContain('< HTTP/1.1 101 Switching Protocols');
    expect(lines).toContain(
      '> text FIN=1 RSV=000 opcode=0001 MASK=1 key=KEY 2 bytes (8 on the wire) hi',
    );
    expect(lines).toContain('< text FIN=1 RSV=000 opcode=0001 MASK=0 2 bytes (4 on the wire) hi');
    expect(
      lines.filter((line) => /^[<>] close .* 1000 \(normal closure\)$/.test(line)),
    ).toHaveLength(2);
  });

  test('--json prints a recording', async () => {
    const url = await listen(echo);
    const { stdout } = await runCli(scope(), ['connect', url, '--json', '-x', 'hi', '-w', '0']);
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map(({ type, from }) => [type, from].filter(Boolean).join(' '))).toEqual([
      'recording',
      'connection',
      'handshake client',
      'handshake server',
      'frame client',
      'frame client',
      'frame server',
      'frame server',
      expect.stringMatching(/^end/),
      expect.stringMatching(/^end/),
    ]);
    expect(records[1]).toMatchObject({ url, server: new URL(url).host });
  });
});
