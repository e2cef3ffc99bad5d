/** Replay as a server: against clients of the library, and a scripted one. */

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { type ReplayOptions, replay } from '../../../src/recording/replay.js';
import { closePayload } from '../../support/frames.js';
import { Inbox } from '../../support/inbox.js';
import { DEFLATE, RecordedScene, requestHead, responseHead } from '../../support/recordings.js';
import { useScope } from '../../support/scope.js';
import { type ClientOptions, next, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();

const CLOSE = { opcode: 8, payload: closePayload(1000, 'bye') };

function conversation(...fields: string[]): RecordedScene {
  return new RecordedScene()
    .open(...fields)
    .server({ payload: 'welcome' })
    .client({ payload: 'Hello' })
    .server({ fin: false, payload: 'to ' })
    .server({ opcode: 0, payload: 'you' })
    .client(CLOSE)
    .server(CLOSE)
    .end('server')
    .end('client');
}

/** Starts a replay. @returns its URL and its result */
async function start(recorded: RecordedScene, options: Partial<ReplayOptions> = {}) {
  let listening: (url: string) => void = () => {};
  const url = new Promise<string>((done) => {
    listening = done;
  });
  const result = replay(recorded.records, {
    ...{ url: 'ws://127.0.0.1:0/', as: 'server', onListening: listening },
    ...options,
  });
  return { result, url: await Promise.race([url, result.then(() => '')]) };
}

async function talk(
  url: string,
  message: string,
  protocols: string[] = [],
  options: ClientOptions = {},
): Promise<{ ws: WebSocketInstance; received: string[] }> {
  const ws = scope().track(new WebSocket(url, protocols, options));
  const received: string[] = [];
  ws.on('message', (data: Buffer) => received.push(data.toString()));
  await next(ws, 'message');
  ws.send(message);
  await next(ws, 'message');
  ws.close(1000, 'bye');
  await next(ws, 'close');
  return { ws, received };
}

test('a client gets what the server sent, and no difference is found', async () => {
  const { url, result } = await start(conversation('Sec-WebSocket-Protocol: chat', DEFLATE));
  const { ws, received } = await talk(url, 'Hello', ['chat']);
  expect([ws.protocol, ws.extensions]).toEqual(['chat', 'permessage-deflate']);
  expect(received).toEqual(['welcome', 'to you']);
  expect(ws.closeInfo).toMatchObject({ wasClean: true });
  expect(await result).toMatchObject({ equal: true, sent: 5, planned: 5, messages: 1 });
});

test('a client that sends something else is a difference', async () => {
  const { url, result } = await start(conversation());
  await talk(url, 'Hallo');
  expect((await result).differences).toMatchObject([
    { kind: 'message', expected: 'text "Hello"', received: 'text "Hallo"' },
  ]);
});

test('the response has no subprotocol and extension that this client does not ask for', async () => {
  const { url, result } = await start(conversation('Sec-WebSocket-Protocol: chat', DEFLATE));
  const { ws } = await talk(url, 'Hello', [], { perMessageDeflate: false });
  expect([ws.protocol, ws.extensions]).toEqual(['', '']);
  expect((await result).differences.map(({ expected, received }) => [expected, received])).toEqual([
    ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Protocol: none'],
    ['Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Extensions: none'],
  ]);
});

test('over TLS', async () => {
  const pem = (name: string) => readFileSync(join(__dirname, '../../support/tls', name));
  const cert = pem('localhost-cert.pem');
  const tls = { cert, key: pem('localhost-key.pem') };
  const { url, result } = await start(conversation(), { url: 'wss://localhost:0/', tls });
  await talk(url, 'Hello', [], { ca: cert });
  expect(await result).toMatchObject({ equal: true });
});

test('wrong bytes are sent, and the connection is reset, as in the recording', async () => {
  const recorded = new RecordedScene()
    .open()
    .server({ opcode: 3 })
    .client({ opcode: 8, payload: closePayload(1002) });
  const { url, result } = await start(recorded.end('server', new Error('gone')));
  const ws = scope().track(new WebSocket(url));
  const [error] = await next<[Error]>(ws, 'error');
  expect(error.message).toContain('Invalid WebSocket frame');
  await next(ws, 'close');
  expect((await result).sent).toBe(2);
});

test('a request without a key gets the recorded accept value', async () => {
  const recorded = new RecordedScene().send('client', requestHead()).send('server', responseHead());
  const { url, result } = await start(recorded.end('server'));
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  scope().later(() => socket.destroy());
  const inbox = new Inbox(socket);
  socket.write('GET / HTTP/1.1\r\n\r\n');
  expect((await inbox.message()).all('Sec-WebSocket-Accept')).toEqual([
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  ]);
  socket.end();
  expect(await result).toMatchObject({ equal: true });
});

test('a client that leaves before its request is a difference', async () => {
  const { url, result } = await start(conversation());
  connect({ host: '127.0.0.1', port: Number(new URL(url).port) }).end();
  expect((await result).differences).toMatchObject([{ kind: 'handshake', received: undefined }]);
});

test('it rejects if the port is taken, if there is no response, and if it is aborted', async () => {
  const { url, result } = await start(conversation());
  await expect(start(conversation(), { url })).rejects.toThrow(/EADDRINUSE/);
  await talk(url, 'Hello');
  await result;
  const silent = new RecordedScene().send('client', requestHead());
  await expect(start(silent)).rejects.toThrow(/has no response/);
  const stop = new AbortController();
  const waiting = await start(conversation(), { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(waiting.result).rejects.toThrow('enough');
});
