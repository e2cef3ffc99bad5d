/** The inspector forwards bytes as they are, in both directions, and so their end. */

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { frame, KEY, OPCODE } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { connectClient, converse, inspected, RawTarget } from '../../support/inspected.js';
import { upgradeRequest, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { next, serve } from '../../support/websockets.js';

const scope = useScope();

async function start(options = {}) {
  const target = await RawTarget.listen(scope());
  const through = await inspected(scope(), { target: `ws://127.0.0.1:${target.port}`, ...options });
  return { target, through };
}

/** Frames that are right, frames that are not, and no frames at all. */
const BYTES: [string, Buffer][] = [
  ['a message', frame({ payload: 'Hello', mask: KEY })],
  ['a frame with all reserved bits', frame({ rsv: 7, opcode: 15, payload: 'x' })],
  ['a length in too many bits', frame({ lengthBits: 64, payload: 'y' })],
  ['half a frame', frame({ payload: 'long enough' }).subarray(0, 5)],
  ['a frame that never ends', frame({ announce: 2n ** 63n, payload: 'z' })],
  ['every byte', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
];

describe.each(BYTES)('%s', (_, bytes) => {
  test('reaches the target, byte by byte too', async () => {
    const { target, through } = await start();
    const { client, server } = await converse(scope(), through, target);
    client.socket.write(bytes);
    expect(await server.inbox.take(bytes.length)).toEqual(bytes);
    for (const byte of bytes.subarray(0, 20)) {
      client.socket.write(Buffer.from([byte]));
      expect(await server.inbox.take(1)).toEqual(Buffer.from([byte]));
    }
  });

  test('reaches the client', async () => {
    const { target, through } = await start();
    const { client, server } = await converse(scope(), through, target);
    server.socket.write(bytes);
    expect(await client.inbox.take(bytes.length)).toEqual(bytes);
  });
});

describe('the request', () => {
  test('has the Host of the target, and is otherwise as it was', async () => {
    const { target, through } = await start();
    const client = await connectClient(scope(), through);
    const request = upgradeRequest({
      add: [
        ['Origin', 'http://a.example'],
        ['X-Odd', '\xe9 ;'],
      ],
    });
    client.socket.write(request, 'latin1');
    const { inbox } = await target.next();
    const sent = request.replace('server.example.com', `127.0.0.1:${target.port}`);
    expect((await inbox.take(sent.length)).toString('latin1')).toBe(sent);
    expect(through.of('handshake')).toEqual([
      expect.objectContaining({ from: 'client', head: sent, edited: { original: request } }),
    ]);
  });

  test('keeps its Host with keepHost', async () => {
    const { target, through } = await start({ keepHost: true });
    const client = await connectClient(scope(), through);
    client.socket.write(upgradeRequest());
    const { inbox } = await target.next();
    expect((await inbox.message()).all('Host')).toEqual(['server.example.com']);
    expect(through.of('handshake')[0]?.edited).toBeUndefined();
  });

  test('for / gets the path of the target, any other path stays', async () => {
    const target = await RawTarget.listen(scope());
    const url = `ws://127.0.0.1:${target.port}/chat?room=1`;
    const through = await inspected(scope(), { target: url });
    for (const path of ['/', '/other?x']) {
      const client = await connectClient(scope(), through);
      client.socket.write(upgradeRequest({ target: path }));
    }
    const lines: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { inbox } = await target.next();
      lines.push((await inbox.message()).startLine);
    }
    expect(lines.sort()).toEqual(['GET /chat?room=1 HTTP/1.1', 'GET /other?x HTTP/1.1']);
    const urls = through.of('connection').map((record) => record.url);
    expect(urls.sort()).toEqual([url, `ws://127.0.0.1:${target.port}/other?x`]);
  });

  test('that is not HTTP is forwarded when it ends', async () => {
    const { target, through } = await start();
    const client = await connectClient(scope(), through);
    client.socket.end('\x00\x01 no HTTP');
    const { inbox } = await target.next();
    expect(await inbox.rest()).toEqual(Buffer.from('\x00\x01 no HTTP'));
  });

  test('that is not HTTP and has no end is forwarded when it is too long for a head', async () => {
    const { target, through } = await start();
    const client = await connectClient(scope(), through);
    const bytes = Buffer.alloc(20_000, 'x');
    client.socket.write(bytes);
    const { inbox } = await target.next();
    expect(await inbox.take(bytes.length)).toEqual(bytes);
  });

  test('that is nothing reaches nobody', async () => {
    const { target, through } = await start();
    const client = await connectClient(scope(), through);
    client.socket.end();
    await until(() => client.inbox.ended, 'the end of the client');
    expect(target.ends).toEqual([]);
    expect(through.of('connection')).toEqual([]);
  });
});

test('a refusal is forwarded with its body, and what the client sends then', async () => {
  const { target, through } = await start();
  const client = await connectClient(scope(), through);
  client.socket.write(upgradeRequest());
  const server = await target.next();
  await server.inbox.message();
  server.socket.write(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno',
  );
  expect((await client.inbox.message()).status).toBe(100);
  expect((await client.inbox.message()).body.toString()).toBe('no');
  client.socket.write('\x81\x01A');
  await server.inbox.take(3);
  expect(through.records.map((record) => record.type)).toEqual([
    'recording',
    'connection',
    'handshake',
    'handshake',
    'handshake',
    'bytes',
    'bytes',
  ]);
});

describe('the end', () => {
  test('of one direction ends that direction only', async () => {
    const { target, through } = await start();
    const { client, server } = await converse(scope(), through, target);
    client.socket.end(frame({ payload: 'last', mask: KEY }));
    await server.inbox.rest();
    server.socket.write('still here');
    expect((await client.inbox.take(10)).toString()).toBe('still here');
    expect(client.inbox.ended).toBe(false);
    server.socket.end();
    await client.inbox.rest();
    expect(through.of('end')).toEqual([
      expect.objectContaining({ from: 'client', how: 'end' }),
      expect.objectContaining({ from: 'server', how: 'end' }),
    ]);
  });

  test.each(['client', 'server'] as const)('of the %s by a reset is a reset', async (from) => {
    const { target, through } = await start();
    const ends = await converse(scope(), through, target);
    const [one, other] =
      from === 'client' ? [ends.client, ends.server] : [ends.server, ends.client];
    one.socket.resetAndDestroy();
    await until(() => other.inbox.error !== undefined, 'a reset');
    expect(other.inbox.error).toMatchObject({ code: 'ECONNRESET' });
    expect(through.of('end')[0]).toMatchObject({ from, how: 'error', error: 'read ECONNRESET' });
  });

  test('of the inspector is a Close with 1001 on both sides', async () => {
    const { target, through } = await start();
    const { client, server } = await converse(scope(), through, target);
    const closed = through.inspector.close();
    const toClient = await client.inbox.frame();
    const toServer = await server.inbox.frame();
    expect(toClient).toMatchObject({ opcode: OPCODE.CLOSE, masked: false });
    expect(toServer).toMatchObject({ opcode: OPCODE.CLOSE, masked: true });
    expect(toServer.payload).toEqual(Buffer.from([0x03, 0xe9]));
    for (const { socket } of [client, server]) socket.end();
    await closed;
  });
});

test('a receiver that does not read stops the sender', async () => {
  const { target, through } = await start({ memory: 1024 });
  const { client, server } = await converse(scope(), through, target);
  server.socket.removeAllListeners('data').pause();
  const one = frame({ opcode: OPCODE.BINARY, payload: Buffer.alloc(2 ** 20, 'ws'), mask: KEY });
  const sent = Buffer.concat(Array<Buffer>(40).fill(one));
  client.socket.write(sent);
  await stillness(() => through.of('frame').length);
  expect(through.of('frame').length).toBeLessThan(25);
  const hash = createHash('sha1');
  let received = 0;
  server.socket.on('data', (chunk: Buffer) => {
    if (received < sent.length) hash.update(chunk); // at the end the inspector sends a Close
    received += chunk.length;
  });
  server.socket.resume();
  await until(() => received >= sent.length, 'all bytes', 10_000);
  expect(hash.digest('hex')).toBe(createHash('sha1').update(sent).digest('hex'));
});

/** Waits until a number stays the same for a while. */
async function stillness(count: () => number): Promise<void> {
  for (let before = -1; before !== count(); await turns(500)) before = count();
}

describe('a target that is gone', () => {
  test('is answered 502 with the reason, and connected to when it is back', async () => {
    const first = createServer();
    const port = await scope().listen(first);
    await new Promise((done) => first.close(done));
    const through = await inspected(scope(), { target: `ws://127.0.0.1:${port}` });
    const refused = await connectClient(scope(), through);
    refused.socket.write(upgradeRequest());
    const response = await refused.inbox.message();
    expect(response.startLine).toBe('HTTP/1.1 502 Bad Gateway');
    expect(response.body.toString()).toBe(
      `The inspector cannot connect to ws://127.0.0.1:${port}/: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    );
    refused.socket.end();
    await refused.inbox.rest();

    const back = createServer((socket) => {
      const inbox = new Inbox(socket);
      void inbox.message().then(() => socket.end(upgradeResponse('')));
    });
    await new Promise<void>((done) => back.listen(port, '127.0.0.1', done));
    scope().later(() => new Promise((done) => back.close(done)));
    const accepted = await connectClient(scope(), through);
    accepted.socket.write(upgradeRequest());
    expect((await accepted.inbox.message()).status).toBe(101);
    accepted.socket.end();
    await accepted.inbox.rest();
  });

  test('is in the record: the response is made by the inspector', async () => {
    const through = await inspected(scope(), { target: 'ws://127.0.0.1:1' });
    const client = await connectClient(scope(), through);
    client.socket.end(upgradeRequest());
    await client.inbox.rest();
    expect(through.records.slice(2)).toEqual([
      expect.objectContaining({ type: 'handshake', from: 'client' }),
      expect.objectContaining({ type: 'handshake', from: 'server', edited: { original: null } }),
      expect.objectContaining({ type: 'bytes', from: 'server' }),
      expect.objectContaining({ type: 'end', from: 'server', how: 'error' }),
    ]);
  });
});

test('a WebSocket works through the inspector, compressed messages and Pings too', async () => {
  const server = serve(scope(), { port: 0, host: '127.0.0.1', perMessageDeflate: true });
  await next(server, 'listening');
  server.on('connection', (ws) => ws.on('message', (data) => ws.send(`echo ${data}`)));
  const { port } = server.address() as { port: number };
  const through = await inspected(scope(), { target: `ws://127.0.0.1:${port}` });
  const ws = scope().track(new WebSocket(`ws://127.0.0.1:${through.port}/`));
  await next(ws, 'open');
  ws.ping('p');
  await next(ws, 'pong');
  ws.send('Hello');
  expect(String((await next<[Buffer]>(ws, 'message'))[0])).toBe('echo Hello');
  ws.close(1000, 'done');
  await next(ws, 'close');
  const frames = through.of('frame');
  expect(frames.map(({ from, opcodeName, text }) => [from, opcodeName, text])).toEqual([
    ['client', 'ping', 'p'],
    ['server', 'pong', 'p'],
    ['client', 'text', 'Hello'],
    ['server', 'text', 'echo Hello'],
    ['client', 'close', undefined],
    ['server', 'close', undefined],
  ]);
  expect(frames[1]?.roundTrip).toBeGreaterThanOrEqual(0);
  expect(frames[2]).toMatchObject({ rsv1: true, messageLength: 5 });
  expect(frames[4]?.close).toEqual({ code: 1000, reason: 'done' });
});
