/** Replay as a client: against WebSocket servers of the library, and against scripted ones. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { RecordingRecord } from '../../../src/recording/records.js';
import { type ReplayOptions, replay } from '../../../src/recording/replay.js';
import { useClock } from '../../support/clock.js';
import { closePayload, frame, KEY } from '../../support/frames.js';
import { Inbox, until } from '../../support/inbox.js';
import {
  DEFLATE,
  inShort,
  RecordedScene,
  requestHead,
  responseHead,
} from '../../support/recordings.js';
import { useScope } from '../../support/scope.js';
import { type Loose, serve, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** @param answer what the server does with each message */
async function startServer(
  answer: (ws: WebSocketInstance, data: Buffer, isBinary: boolean) => void,
  options: Loose = {},
): Promise<string> {
  const wss = serve(scope(), { host: '127.0.0.1', port: 0, ...options });
  await new Promise((done) => wss.once('listening', done));
  wss.on('connection', (ws: WebSocketInstance) => {
    ws.on('error', () => {});
    ws.on('message', (data: Buffer, isBinary: boolean) => answer(ws, data, isBinary));
  });
  return `ws://127.0.0.1:${(wss.address() as { port: number }).port}/other?path`;
}

const echo = (ws: WebSocketInstance, data: Buffer, binary: boolean) => ws.send(data, { binary });

/** A server whose bytes a test writes. It answers a request with `response`. */
async function startScript(script: (socket: Socket, inbox: Inbox, accept: string) => unknown) {
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const inbox = new Inbox(socket);
    const { all } = await inbox.message();
    const accept = createHash('sha1')
      .update(all('Sec-WebSocket-Key') + GUID)
      .digest('base64');
    await script(socket, inbox, accept);
  });
  return `ws://127.0.0.1:${await scope().listen(server)}/`;
}

function openWith(accept: string, ...fields: string[]): string {
  return responseHead(...fields).replace(/(?<=Accept: ).*/, accept);
}

const CLOSE = { opcode: 8, payload: closePayload(1000, 'bye') };

/** A client says Hello twice, and closes. */
function conversation(...fields: string[]): RecordedScene {
  return new RecordedScene()
    .open(...fields)
    .client({ payload: 'Hello' })
    .server({ payload: 'Hello' })
    .client({ opcode: 2, payload: Buffer.from([1, 2, 3]) })
    .server({ opcode: 2, payload: Buffer.from([1, 2, 3]) })
    .client(CLOSE)
    .server(CLOSE)
    .end('server')
    .end('client');
}

const run = (scene: RecordedScene, options: ReplayOptions) => replay(scene.records, options);

describe('against a server that answers as before', () => {
  test.each(['wait', 'asap', 'original'] as const)(
    'there is no difference; timing: %s',
    async (timing) => {
      const url = await startServer(echo);
      expect(await run(conversation(), { url, timing })).toEqual({
        ...{ equal: true, differences: [], sent: 4, planned: 4, messages: 2 },
      });
    },
  );

  test('the frames are those of the recording, byte for byte', async () => {
    let received: Buffer = Buffer.alloc(0);
    const url = await startScript(async (socket, inbox, accept) => {
      socket.write(openWith(accept));
      await inbox.frame();
      for (const payload of ['Hello', Buffer.from([1, 2, 3])]) {
        socket.write(frame({ opcode: typeof payload === 'string' ? 1 : 2, payload }));
      }
      await until(() => inbox.peek().length >= 9 + 11, 'both frames');
      received = inbox.peek();
      socket.end(frame(CLOSE));
    });
    expect((await run(conversation(), { url })).differences).toEqual([]);
    const binary = frame({ mask: KEY, opcode: 2, payload: Buffer.from([1, 2, 3]) });
    expect(received).toEqual(Buffer.concat([binary, frame({ mask: KEY, ...CLOSE })]));
  });

  test('wrong frames are sent too', async () => {
    const url = await startServer(echo);
    const reason = 'RSV2 and RSV3 must be clear';
    const scene = new RecordedScene()
      .open()
      .client({ rsv: 2, payload: 'wrong' })
      .server({ opcode: 8, payload: closePayload(1002, reason) })
      .end('server')
      .end('client');
    const { equal, differences } = await run(scene, { url });
    const [close] = differences;
    expect(equal || close?.received?.startsWith('Close 1002')).toBe(true);
  });

  test('compressed frames are sent if the extension is agreed on again', async () => {
    const url = await startServer(echo, { perMessageDeflate: true });
    const compressed = Buffer.from('f248cdc9c90700', 'hex'); // RFC 7692 §7.2.3.1
    const scene = new RecordedScene().open(DEFLATE).client({ rsv: 4, payload: compressed });
    scene.server({ payload: 'Hello' });
    expect((await run(scene, { url })).differences).toEqual([]);
  });

  test('a Pong follows its Ping, which may come at another time', async () => {
    const url = await startServer((ws, data) => {
      ws.send(data.toString());
      ws.ping('now');
      ws.once('pong', (payload) => ws.send(payload.toString()));
    });
    const scene = new RecordedScene().open().server({ opcode: 9, payload: 'then' });
    scene.client({ opcode: 10, payload: 'then' }).client({ payload: 'a' }).server({ payload: 'a' });
    scene.server({ payload: 'then' });
    const result = await run(scene, { url });
    expect(result.differences).toEqual([]);
    expect(result).toMatchObject({ equal: true, sent: 2, planned: 2 });
  });

  test('over TLS', async () => {
    const pem = (name: string) => readFileSync(join(__dirname, '../../support/tls', name));
    const cert = pem('localhost-cert.pem');
    const server = createHttpsServer({ cert, key: pem('localhost-key.pem') });
    serve(scope(), { server }).on('connection', (ws: WebSocketInstance) =>
      ws.on('message', echo.bind(null, ws)),
    );
    const url = `wss://localhost:${await scope().listen(server, 'localhost')}/`;
    const options = { url, tls: { ca: cert } };
    expect(await run(conversation(), options)).toMatchObject({ equal: true });
    await expect(run(conversation(), { url })).rejects.toThrow(/certificate/);
    const reset = new RecordedScene().open().end('client', new Error('gone'));
    expect(await run(reset, options)).toMatchObject({ equal: true, sent: 1 });
  });
});

describe('differences', () => {
  test('another message, shown around the place that differs', async () => {
    const long = 'x'.repeat(200);
    const url = await startServer((ws, data, binary) => {
      ws.send(binary ? Buffer.from([1, 9]) : `${data}!`, { binary });
    });
    const scene = new RecordedScene()
      .open()
      .client({ payload: 'Hello' })
      .server({ payload: 'Hello' });
    scene.client({ opcode: 2 }).server({ opcode: 2, payload: Buffer.from([1, 2]) });
    scene.client({ payload: long }).server({ payload: long });
    const { equal, differences } = await run(scene, { url });
    expect(equal).toBe(false);
    expect(differences).toEqual([
      {
        ...{ kind: 'message', index: 0, timedOut: false },
        ...{ expected: 'text "Hello"', received: 'text "Hello!"' },
      },
      {
        ...{ kind: 'message', index: 1, timedOut: false },
        ...{ expected: 'binary, 2 bytes: 01 02', received: 'binary, 2 bytes: 01 09' },
      },
      {
        ...{ kind: 'message', index: 2, timedOut: false },
        expected: `text "…${'x'.repeat(20)}"`,
        received: `text "…${'x'.repeat(20)}!"`,
      },
    ]);
  });

  test('a message too many, another type, another Pong and another Close', async () => {
    const url = await startScript((socket, _inbox, accept) => {
      const pong = frame({ opcode: 10, payload: 'b' });
      const message = frame({ opcode: 2, payload: 'Hello' });
      const close = frame({ opcode: 8, payload: closePayload(1001) });
      socket.end(Buffer.concat([Buffer.from(openWith(accept)), message, message, pong, close]));
    });
    const scene = new RecordedScene().open().server({ payload: 'Hello' });
    scene.server({ opcode: 10, payload: 'a' }).server({ opcode: 8 }).end('server');
    const { differences } = await run(scene, { url });
    expect(differences.map((one) => [one.kind, one.index, one.expected, one.received])).toEqual([
      ['message', 0, 'text "Hello"', 'binary, 5 bytes: 48 65 6c 6c 6f'],
      ['message', 1, undefined, 'binary, 5 bytes: 48 65 6c 6c 6f'],
      ['pong', 0, 'Pong, 1 byte: 61', 'Pong, 1 byte: 62'],
      ['close', 0, 'Close 1005', 'Close 1001'],
    ]);
  });

  test('no answer in time: the replay stops there', async () => {
    const url = await startServer(() => {});
    clock.stop();
    const promise = run(conversation(), { url, timeout: 1234 });
    await until(() => clock.timerCount === 0, 'no timer');
    const result = await advanced(promise, 1234);
    expect(result).toMatchObject({ equal: false, sent: 1, planned: 4 });
    expect(result.differences).toEqual([
      {
        ...{ kind: 'message', index: 0, timedOut: true },
        ...{ expected: 'text "Hello"', received: undefined },
      },
    ]);
  });

  test('the end does not come in time', async () => {
    const url = await startScript((socket, _inbox, accept) => socket.write(openWith(accept)));
    clock.stop();
    const promise = run(new RecordedScene().open().end('server'), { url });
    const { differences } = await advanced(promise, 5000);
    expect(differences).toMatchObject([{ kind: 'end', timedOut: true, received: undefined }]);
  });

  test('the peer ends too early', async () => {
    const url = await startScript((socket, _inbox, accept) => socket.end(openWith(accept)));
    const { differences, sent } = await run(conversation(), { url });
    expect(sent).toBe(1);
    expect(differences.map(({ kind, timedOut }) => [kind, timedOut])).toEqual([
      ['message', false],
      ['close', false],
      ['end', false],
    ]);
    expect(differences[2]?.received).toBe('the end, after 1 of 4 parts');
  });

  test('a refusal', async () => {
    const url = await startScript((socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'));
    const { differences } = await run(conversation(), { url });
    expect(differences[0]).toMatchObject({
      ...{ kind: 'handshake', expected: 'HTTP/1.1 101 Switching Protocols' },
      received: 'HTTP/1.1 401 Unauthorized',
    });
  });

  test('no difference: a refusal as recorded', async () => {
    const refusal = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno';
    const url = await startScript((socket) => socket.end(refusal));
    const scene = new RecordedScene().send('client', requestHead()).send('server', refusal);
    expect(await run(scene.end('server').end('client'), { url })).toMatchObject({ equal: true });
  });

  test('another subprotocol, other extensions and a wrong accept value', async () => {
    const url = await startScript((socket) => socket.end(openWith('wrong')));
    const scene = new RecordedScene().open('Sec-WebSocket-Protocol: chat', DEFLATE);
    const { differences } = await run(scene, { url });
    expect(differences.map(({ expected, received }) => [expected, received])).toEqual([
      ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Protocol: none'],
      ['Sec-WebSocket-Extensions: permessage-deflate', 'Sec-WebSocket-Extensions: none'],
      [expect.stringMatching(/^Sec-WebSocket-Accept: .{28}$/), 'Sec-WebSocket-Accept: wrong'],
    ]);
  });

  test('the peer ends without a response', async () => {
    const url = await startScript((socket) => socket.end());
    const { differences } = await run(conversation(), { url });
    expect(differences).toMatchObject([
      { kind: 'handshake', received: undefined, timedOut: false },
    ]);
  });
});

/** Lets time pass, again and again, until a promise is settled. */
async function advanced<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (let turns = 0; !isSettled; turns++) {
    if (turns > 200) clock.advance(milliseconds);
    await new Promise((done) => setImmediate(done));
  }
  return promise;
}

describe('timing', () => {
  /** Two frames, half a second apart. */
  function twoFrames(): RecordedScene {
    const scene = new RecordedScene().open().client({ payload: 'a' });
    scene.time += 500;
    return scene.client({ payload: 'b' });
  }

  test('original: frames come after the time of the recording', async () => {
    const url = await startServer(() => {});
    clock.stop();
    const times: number[] = [];
    const onRecord = (record: RecordingRecord) => {
      if (record.type === 'frame') times.push(record.time);
    };
    await advanced(run(twoFrames(), { url, timing: 'original', onRecord }), 1);
    const [first = 0, second = 0] = times;
    expect(times).toHaveLength(2);
    expect(second - first).toBeGreaterThanOrEqual(500);
    expect(second - first).toBeLessThanOrEqual(502);
  });

  test('wait: a frame waits for the answers before it', async () => {
    const sizes: number[] = [];
    const url = await startScript(async (socket, inbox, accept) => {
      socket.write(openWith(accept));
      await inbox.frame();
      for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
      sizes.push(inbox.peek().length);
      socket.write(frame({ payload: 'Hello' }));
      await inbox.frame();
      socket.end();
    });
    const { differences } = await run(conversation(), { url });
    expect(sizes).toEqual([0]);
    expect(differences[0]?.kind).toBe('message');
  });

  test('asap: frames come at once', async () => {
    const url = await startScript(async (socket, inbox, accept) => {
      socket.write(openWith(accept));
      await until(() => inbox.peek().length === 11 + 9 + 11, 'all frames');
      socket.end(
        Buffer.concat([
          frame({ payload: 'Hello' }),
          frame({ opcode: 2, payload: Buffer.from([1, 2, 3]) }),
          frame(CLOSE),
        ]),
      );
    });
    expect(await run(conversation(), { url, timing: 'asap' })).toMatchObject({ equal: true });
  });

  test('asap: 3,000 frames go through a socket that is full at times', async () => {
    let count = 0;
    const url = await startServer((ws) => {
      if (++count === 3000) ws.close(1000, 'bye');
    });
    const scene = new RecordedScene().open();
    const payload = 'Hello'.repeat(20);
    scene.send('client', Buffer.concat(Array(3000).fill(frame({ mask: KEY, payload }))));
    scene.server(CLOSE).client(CLOSE).end('server').end('client');
    const result = await run(scene, { url, timing: 'asap' });
    expect(result).toMatchObject({ equal: true, sent: 3002 });
  });
});

describe('the request', () => {
  test('has the target and Host of the URL, a key of its own, and the other recorded fields', async () => {
    let head = '';
    const server = createServer((socket) => {
      socket.on('data', (bytes) => {
        head += bytes;
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
    });
    const port = await scope().listen(server);
    const scene = new RecordedScene().open('Origin: https://a.example', 'Cookie: caf\xe9=1');
    await run(scene, { url: `ws://127.0.0.1:${port}/b?c` });
    const lines = head.split('\r\n');
    expect(lines.filter((line) => !line.startsWith('Sec-WebSocket-Key'))).toEqual([
      'GET /b?c HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Origin: https://a.example',
      expect.stringContaining('Cookie: '),
      '',
      '',
    ]);
    expect(head).not.toContain('dGhlIHNhbXBsZSBub25jZQ==');
  });
});

test('the replay is recorded too', async () => {
  const url = await startServer(echo);
  const records: RecordingRecord[] = [];
  const onRecord = (record: RecordingRecord) => records.push(record);
  await run(conversation(), { url, onRecord });
  const [first, connection, ...events] = records;
  expect([first?.type, connection]).toMatchObject([
    'recording',
    { url, client: expect.stringMatching(/^127/) },
  ]);
  expect(inShort(events as RecordedScene['events'])).toEqual([
    '> GET /other?path HTTP/1.1',
    '< HTTP/1.1 101 Switching Protocols',
    ...['> text Hello', '< text Hello', '> binary', '< binary'],
    ...['> close 1000 bye', '< close 1000 bye', '< end', '> end'],
  ]);
});

describe('one of several connections', () => {
  test('is chosen by its number', async () => {
    const url = await startServer(echo);
    const scene = conversation();
    scene.connect();
    scene.open().client({ payload: 'second' }).server({ payload: 'second' });
    expect(await run(scene, { url, connection: 2 })).toMatchObject({ equal: true, messages: 1 });
    await expect(run(scene, { url, connection: 3 })).rejects.toThrow(
      /no connection 3; it has 1, 2/,
    );
  });

  test('a recording without one, or without its request, is refused', async () => {
    const url = 'ws://127.0.0.1:1/';
    const scene = new RecordedScene();
    await expect(run(scene, { url })).rejects.toThrow(/has no connection$/);
    scene.connect();
    await expect(run(scene, { url })).rejects.toThrow(/Connection 1 .* has no request/);
  });
});

describe('it rejects', () => {
  test('if nothing listens', async () => {
    const port = await scope().listen(createServer());
    await scope().close();
    await expect(run(conversation(), { url: `ws://127.0.0.1:${port}/` })).rejects.toThrow(
      /ECONNREFUSED/,
    );
  });

  test('with the reason of the signal', async () => {
    const reason = new Error('enough');
    const stop = new AbortController();
    const url = await startScript(() => stop.abort(reason));
    await expect(run(conversation(), { url, signal: stop.signal })).rejects.toBe(reason);
    await expect(run(conversation(), { url, signal: stop.signal })).rejects.toBe(reason);
  });

  test.each([
    ['as', { as: 'proxy' as never }, TypeError],
    ['timing', { timing: 'slow' as never }, TypeError],
    ['timeout', { timeout: -1 }, RangeError],
    ['a function', { onRecord: 1 as never }, TypeError],
    ['a URL', { url: 'a.example' }, SyntaxError],
    ['a Unix socket', { url: 'ws+unix:/tmp/a' }, TypeError],
  ])('with a wrong option: %s', async (_what, options, ErrorClass) => {
    const promise = run(conversation(), { url: 'ws://127.0.0.1:1/', ...options });
    await expect(promise).rejects.toThrow(ErrorClass);
  });
});
