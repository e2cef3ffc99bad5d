/** A request that asks for another protocol: the application of the http server answers it. */

import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { uncaughtOrRejected } from '../../support/process-events.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { SharedServer } from '../../support/shared-server.js';
import { next } from '../../support/websockets.js';

const scope = useScope();

const PLAIN = 'Host: a\r\n';
const H2C =
  'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

function request(target: string, fields = H2C, body = '', method = 'GET'): string {
  return `${method} ${target} HTTP/1.1\r\n${fields}\r\n${body}`;
}

/** Answers with what it was asked, once the body is there. */
function answerAll(seen: string[]) {
  return (incoming: IncomingMessage, response: ServerResponse): void => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += String(chunk);
    });
    incoming.on('end', () => {
      const trailers = Object.entries(incoming.trailers).flat().join('=');
      const text = [incoming.method, incoming.url, body, trailers].filter(Boolean).join(' ');
      seen.push(text);
      response.end(text);
    });
  };
}

/** An http server with an application and a WebSocketServer, in memory. */
function arrange() {
  const seen: string[] = [];
  const escaped = uncaughtOrRejected(scope());
  const shared = new SharedServer(scope(), createServer(answerAll(seen)));
  shared.add('a');
  return { seen, escaped, shared, http: shared.http, call: (text: string) => shared.connect(text) };
}

async function bodies(inbox: Inbox, count: number): Promise<string[]> {
  const all: string[] = [];
  for (let i = 0; i < count; i++) all.push(String((await inbox.message()).body));
  return all;
}

const DIALOGUES: [string, string[], string[]][] = [
  ['alone', [request('/1')], ['GET /1']],
  ['with one behind it', [request('/1') + request('/2', PLAIN)], ['GET /1', 'GET /2']],
  ['behind one', [request('/1', PLAIN) + request('/2')], ['GET /1', 'GET /2']],
  ['in a row', [request('/1') + request('/2') + request('/3')], ['GET /1', 'GET /2', 'GET /3']],
  [
    'one by one',
    [request('/1'), request('/2'), request('/3', PLAIN)],
    ['GET /1', 'GET /2', 'GET /3'],
  ],
  [
    'with a body',
    [request('/1', `${H2C}Content-Length: 5\r\n`, 'hello', 'POST') + request('/2', PLAIN)],
    ['POST /1 hello', 'GET /2'],
  ],
  [
    'with a body that comes later',
    [request('/1', `${H2C}Content-Length: 5\r\n`, 'he', 'POST'), 'll', `o${request('/2', PLAIN)}`],
    ['POST /1 hello', 'GET /2'],
  ],
  [
    'with chunks and trailers',
    [
      request('/1', `${H2C}${CHUNKED}`, '5\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n', 'POST') +
        request('/2'),
    ],
    ['POST /1 hello! a=b', 'GET /2'],
  ],
  [
    'with no chunks',
    [request('/1', `${H2C}${CHUNKED}`, '0\r\n\r\n', 'POST') + request('/2')],
    ['POST /1', 'GET /2'],
  ],
  [
    'with chunks that come later',
    [request('/1', `${H2C}${CHUNKED}`, '5\r\nhe', 'POST'), 'llo\r\n0\r', `\n\r\n${request('/2')}`],
    ['POST /1 hello', 'GET /2'],
  ],
];

describe.each(['memory', 'TCP', 'TLS'])('over %s, a request for h2c', (transport) => {
  async function connect(): Promise<{ wire: Duplex; inbox: Inbox; seen: string[] }> {
    if (transport === 'memory') {
      const { call, seen } = arrange();
      return { ...call(''), seen };
    }
    const seen: string[] = [];
    const pem = (name: string) =>
      readFileSync(join(__dirname, `../../support/tls/localhost-${name}.pem`), 'utf8');
    const server: Server =
      transport === 'TCP'
        ? createServer(answerAll(seen))
        : createSecureServer({ cert: pem('cert'), key: pem('key') }, answerAll(seen));
    new SharedServer(scope(), server).add('a');
    const port = await scope().listen(server);
    const raw = await scope().connect(port);
    if (transport === 'TCP') return { wire: raw, inbox: new Inbox(raw), seen };
    const wire = connectTls({ socket: raw, rejectUnauthorized: false });
    await new Promise((done) => wire.once('secureConnect', done));
    return { wire, inbox: new Inbox(wire), seen };
  }

  test.each(DIALOGUES)('%s: the application answers', async (_name, writes, answers) => {
    const { wire, inbox, seen } = await connect();
    for (const text of writes) {
      wire.write(text);
      await turns(4);
    }
    expect(await bodies(inbox, answers.length)).toEqual(answers);
    expect(seen).toEqual(answers);
    expect(inbox.ended).toBe(false);
  });
});

test('the application sees all of the request but what asks for the other protocol', async () => {
  const { http, call, escaped } = arrange();
  const heads: [string | undefined, string[]][] = [];
  http.on('request', ({ url, rawHeaders }) => heads.push([url, rawHeaders]));
  const fields = `${H2C}connection: Keep-Alive\r\nCookie: a=b\r\nX-\xe9: \xe9\r\nCookie: c=d\r\n`;
  const { inbox } = call('');
  inbox.stream.write(Buffer.from(request('/1?a=b', fields.replace('X-\xe9', 'X-E')), 'latin1'));
  await inbox.message();
  expect(heads).toEqual([
    [
      '/1?a=b',
      ['Host', 'a', 'connection', 'Keep-Alive', 'Cookie', 'a=b', 'X-E', '\xe9', 'Cookie', 'c=d'],
    ],
  ]);
  expect(escaped).toEqual([]);
});

describe('behind a request that is answered later', () => {
  function arrangeSlow() {
    const escaped = uncaughtOrRejected(scope());
    const slow: ServerResponse[] = [];
    const http = createServer(({ url }, response) => {
      if (url === '/slow') slow.push(response.write('not ') ? response : response);
      else response.end(`GET ${url}`);
    });
    const shared = new SharedServer(scope(), http);
    shared.add('a');
    return { escaped, slow, http, call: (text: string) => shared.connect(text) };
  }

  test('it is answered in its turn, and what follows as well', async () => {
    const { call, slow, escaped } = arrangeSlow();
    const { wire, inbox } = call(request('/slow', PLAIN) + request('/1'));
    await turns();
    wire.write(request('/2', PLAIN) + request('/3'));
    await turns();
    expect(String(inbox.peek())).not.toContain('GET');
    slow[0]?.end('so fast');
    await until(() => String(inbox.peek()).includes('GET /3'), 'the answers');
    const answers = String(inbox.peek()).match(/so fast|GET \/\d/g);
    expect(answers).toEqual(['so fast', 'GET /1', 'GET /2', 'GET /3']);
    expect([inbox.ended, escaped]).toEqual([false, []]);
  });

  test('it is not answered when the connection ends with that answer', async () => {
    for (const leave of [
      (response?: ServerResponse) => response?.destroy(),
      (response?: ServerResponse) => response?.socket?.destroy(new Error('read ECONNRESET')),
    ]) {
      const { call, slow, escaped } = arrangeSlow();
      const { inbox } = call(request('/slow', PLAIN) + request('/1'));
      await turns();
      leave(slow[0]);
      await until(() => inbox.ended, 'the end');
      expect(String(inbox.peek())).not.toContain('GET /1');
      expect(escaped).toEqual([]);
    }
  });

  test('it may take its time: the timeout between requests does not count', async () => {
    const { call, http, slow } = arrangeSlow();
    http.keepAliveTimeout = 1_000;
    const seen: Duplex[] = [];
    http.on('request', ({ url, socket }) => url === '/1' && seen.push(socket));
    const far = next<[Duplex]>(http, 'connection');
    const timeouts: number[] = [];
    far.then(([socket]) => {
      const setTimeout = (milliseconds: number) => timeouts.push(milliseconds);
      Object.assign(socket, { setTimeout });
    });
    const { inbox } = call('');
    await far;
    inbox.stream.write(request('/slow', PLAIN) + request('/1'));
    await turns();
    slow[0]?.end('so fast');
    await until(() => seen.length > 0, 'the second request');
    expect(timeouts.slice(0, 2)).toEqual([expect.any(Number), 0]);
  });
});

test('HTTP/1.0: the application answers, and the connection is closed', async () => {
  const { call } = arrange();
  const { inbox } = call('GET /1 HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  expect(String(await inbox.rest())).toMatch(/^HTTP\/1\.1 200 [\s\S]*GET \/1$/);
});

test('a WebSocket may follow on the same connection', async () => {
  const { call, shared } = arrange();
  const { wire, inbox } = call(request('/1'));
  expect(String((await inbox.message()).body)).toBe('GET /1');
  wire.write(upgradeRequest());
  expect((await inbox.message()).status).toBe(101);
  expect(shared.taken).toEqual(['a /chat']);
});

test('of several servers, none is asked', async () => {
  const { call, shared } = arrange();
  let responseTo = 0;
  shared.add('b').shouldHandle = () => responseTo++ > 0;
  shared.add('c').on('wsClientError', () => responseTo++);
  const { inbox } = call(request('/1'));
  expect(String((await inbox.message()).body)).toBe('GET /1');
  expect(responseTo).toBe(0);
});

test('a connection that asks again and again is closed, so that nothing adds up', async () => {
  const { call, http } = arrange();
  const far = next<[Duplex]>(http, 'connection');
  const { wire, inbox } = call('');
  const [socket] = await far;
  const options: string[][] = [];
  for (let i = 0; i < 8; i++) {
    wire.write(request(`/${i}`));
    options.push((await inbox.message()).all('connection'));
  }
  expect(options).toEqual([...Array(7).fill(['keep-alive']), ['close']]);
  await until(() => inbox.ended, 'the end');
  expect(socket.listenerCount('close')).toBeLessThanOrEqual(10);
});

describe('is refused with 400', () => {
  const refusal = async (shared: SharedServer, text: string) => {
    const { inbox } = shared.connect(text);
    const { status, body } = await inbox.message();
    expect([status, String(body)]).toEqual([400, 'Invalid Upgrade header']);
    await until(() => inbox.ended, 'the end');
  };

  test('where no application listens', async () => {
    const shared = new SharedServer(scope());
    shared.add('a');
    await refusal(shared, request('/1'));
  });

  test('where the server only passes the events of an http server on', async () => {
    const http = createServer();
    const passing = Object.assign(new EventEmitter(), { address: () => null });
    passing.on('request', () => {}).on('connection', () => {});
    http.on('upgrade', (...args) => passing.emit('upgrade', ...args));
    const shared = new SharedServer(scope(), http);
    shared.add('a', { server: passing });
    await refusal(shared, request('/1'));
  });

  test('where it has the key of an opening handshake', async () => {
    const { shared, seen } = arrange();
    await refusal(shared, upgradeRequest({ set: { Upgrade: 'h2c' } }) + request('/1', PLAIN));
    expect(seen).toEqual([]);
  });

  // A field that Node dropped might say where the body ends, and hide a request in it.
  test.each([900, 995, 996, 997, 998, 999, 1_000, 1_500])(
    'or answered as it is, where %i header fields come first',
    async (count) => {
      const { shared, seen } = arrange();
      const flood = 'a: b\r\n'.repeat(count);
      const hidden = request('/hidden', PLAIN);
      const fields = `${flood}${H2C}Content-Length: ${hidden.length}\r\n`;
      const { inbox } = shared.connect(request('/1', fields, hidden, 'POST'));
      await turns(20);
      expect(seen).not.toContain('GET /hidden');
      expect(String(inbox.peek())).toMatch(/^HTTP\/1\.1 (200|400|405|431) /);
    },
  );

  test('on a port of our own', async () => {
    const wss = new WebSocket.WebSocketServer({ port: 0, host: '127.0.0.1' });
    scope().later(() => wss.close());
    await next(wss, 'listening');
    const { port } = wss.address() as { port: number };
    const socket = await scope().connect(port);
    const inbox = new Inbox(socket);
    socket.write(request('/1'));
    expect((await inbox.message()).status).toBe(400);
  });
});

test.each([0, 1, 2])(
  'a client that is gone %i turns later leaves nothing behind',
  async (count) => {
    for (const error of [undefined, new Error('read ECONNRESET')]) {
      const { call, escaped } = arrange();
      const { far } = call(request('/1'));
      await turns(count);
      far.destroy(error);
      await turns();
      expect(escaped).toEqual([]);
    }
  },
);
