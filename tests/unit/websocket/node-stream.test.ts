/** A WebSocket as a Duplex: messages, backpressure, and in which order it ends. */

import type { Duplex, DuplexOptions } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { describe, expect, test } from '@jest/globals';
import { createWebSocketStream } from '../../../src/websocket/node-stream.js';
import { frame } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import {
  connectPair,
  memoryServer,
  next,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();

const CLOSED_EARLY = 'WebSocket was closed before the connection was established';

interface Streamed {
  stream: Duplex;
  /** the WebSocket under the stream */
  client: WebSocketInstance;
  /** its peer */
  ws: WebSocketInstance;
  /** the peer's end of the wire */
  peer: Duplex;
  events: string[];
}

/** Collects the events of a stream, each as a text. */
function recordEvents(stream: Duplex): string[] {
  const events: string[] = [];
  for (const name of ['end', 'finish', 'close']) stream.on(name, () => events.push(name));
  stream.on('error', (error: Error) => events.push(`error ${error.message}`));
  return events;
}

/** A client's stream and the server's WebSocket. */
async function streamed(options?: DuplexOptions): Promise<Streamed> {
  const { client, ws, wires } = await connectPair(scope());
  const stream = createWebSocketStream(client, options);
  return { stream, client, ws, peer: wires[1], events: recordEvents(stream) };
}

/** A stream over a client that is still connecting, and what its server will receive. */
function early(): { stream: Duplex; events: string[]; received: string[] } {
  const { http, connect } = memoryServer(scope());
  const received: string[] = [];
  serve(scope(), { server: http }).on('connection', (ws: WebSocketInstance) => {
    ws.on('message', (data) => received.push(String(data)));
  });
  const stream = createWebSocketStream(connect());
  return { stream, events: recordEvents(stream), received };
}

/** Notes the messages that a WebSocket receives, binary ones as `<...>`. */
function messages(ws: WebSocketInstance): string[] {
  const all: string[] = [];
  ws.on('message', (data, isBinary) => all.push(isBinary ? `<${data}>` : String(data)));
  return all;
}

async function closed(events: string[]): Promise<string[]> {
  await until(
    () => events.includes('close'),
    () => `'close'; there were: ${events}`,
  );
  await turns();
  return events;
}

describe('writing', () => {
  test('makes a binary message of each write, strings encoded', async () => {
    const { stream, ws } = await streamed();
    const received = messages(ws);
    stream.write('one');
    stream.write('6869', 'hex');
    stream.write(new Uint8Array([65]));
    stream.write('');
    await until(() => received.length === 4, 'four messages');
    expect(received).toEqual(['<one>', '<hi>', '<A>', '<>']);
  });

  test('sends strings as text with decodeStrings: false', async () => {
    const { stream, ws } = await streamed({ decodeStrings: false });
    const received = messages(ws);
    stream.write('text');
    stream.write(Buffer.from('bytes'));
    await until(() => received.length === 2, 'two messages');
    expect(received).toEqual(['text', '<bytes>']);
  });

  test('is done when the message left, and holds the writer back until then', async () => {
    const { stream, client, ws } = await streamed({ writableHighWaterMark: 1 });
    const left: boolean[] = [];
    const message = next(ws, 'message');
    expect(stream.write('x', () => left.push(client.bufferedAmount === 0))).toBe(false);
    expect(left).toEqual([]);
    await message;
    await until(() => left.length > 0, 'the callback');
    expect(left).toEqual([true]);
  });

  test('waits for the connection, and so does the end', async () => {
    const { stream, events, received } = early();
    stream.resume();
    stream.write('a');
    stream.end('b');
    expect(await closed(events)).toEqual(['finish', 'end', 'close']);
    expect(received).toEqual(['a', 'b']);
  });

  test('fails on a WebSocket that is closing, which destroys the stream', async () => {
    const { stream, client, events } = await streamed();
    client.close();
    const settled = new Promise((tell) => stream.write('late', tell));
    expect(await settled).toMatchObject({ message: expect.stringContaining('readyState 2') });
    expect(await closed(events)).toEqual([
      'error WebSocket is not open: readyState 2 (CLOSING)',
      'close',
    ]);
  });
});

describe('reading', () => {
  test('gives the bytes of the messages, text and binary alike', async () => {
    const { stream, ws } = await streamed();
    ws.send('text,');
    ws.send(Buffer.from('bytes'));
    ws.close();
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('text,bytes');
  });

  test('gives a message at a time in object mode, text as a string', async () => {
    const { stream, ws } = await streamed({ readableObjectMode: true });
    const all = ['text', Buffer.from('bytes'), '', Buffer.alloc(0)];
    for (const each of all) ws.send(each);
    ws.close();
    expect(await stream.toArray()).toEqual(all);
  });

  test('decodes characters that messages cut, with an encoding', async () => {
    const { stream, ws } = await streamed({ encoding: 'utf8' });
    ws.send(Buffer.from([0xe2, 0x82]));
    ws.send(Buffer.from([0xac]));
    ws.close();
    expect((await stream.toArray()).join('')).toBe('€');
  });

  test('pauses the WebSocket while the reader is full and resumes it when it reads', async () => {
    const { stream, client, ws } = await streamed({ readableHighWaterMark: 4 });
    for (let i = 0; i < 20; i++) ws.send('abcd');
    await until(() => client.isPaused, 'the pause');
    expect(stream.readableLength).toBeLessThan(20 * 4);
    let length = 0;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
    });
    await until(() => length === 20 * 4, 'all of it');
    expect(client.isPaused).toBe(false);
  });

  test('gives what came before the connection closed to a reader that comes late', async () => {
    const { stream, client, ws } = await streamed();
    ws.send('abcd');
    ws.close();
    await next(client, 'close');
    expect(String(await stream.toArray())).toBe('abcd');
  });

  test('ends at once when the WebSocket was closed already', async () => {
    const { client } = await streamed();
    client.close();
    await next(client, 'close');
    expect(await createWebSocketStream(client).toArray()).toEqual([]);
  });
});

describe('the end', () => {
  test('comes to both directions with end(): finish, end, close', async () => {
    const { stream, client, ws, events } = await streamed();
    const closes: unknown[][] = [];
    for (const each of [client, ws])
      each.on('close', (code) => closes.push([each.readyState, code]));
    const received = messages(ws);
    stream.resume().end('last');
    expect(await closed(events)).toEqual(['finish', 'end', 'close']);
    await until(() => closes.length === 2, 'both to close');
    expect(received).toEqual(['<last>']);
    expect(closes).toEqual([
      [3, 1005],
      [3, 1005],
    ]);
  });

  test("leaves the stream half open when the peer closes, until end(): destroyed by 'finish'", async () => {
    const { stream, ws, events } = await streamed();
    const destroyed: boolean[] = [];
    stream.on('end', () => {
      destroyed.push(stream.destroyed);
      stream.end();
    });
    stream.on('finish', () => destroyed.push(stream.destroyed));
    stream.resume();
    ws.close();
    expect(await closed(events)).toEqual(['end', 'finish', 'close']);
    expect(destroyed).toEqual([false, true]);
  });

  test('ends the writing half by itself with allowHalfOpen: false', async () => {
    const { stream, ws, events } = await streamed({ allowHalfOpen: false });
    stream.resume();
    ws.close();
    expect(await closed(events)).toEqual(['end', 'finish', 'close']);
  });

  test("finds the stream destroyed at 'end' when it had finished before", async () => {
    const { stream, client, ws, events } = await streamed();
    const destroyed: boolean[] = [];
    stream.on('end', () => destroyed.push(stream.destroyed));
    stream.on('finish', () => stream.resume());
    client.on('close', () => stream.end());
    ws.close();
    expect(await closed(events)).toEqual(['finish', 'end', 'close']);
    expect(destroyed).toEqual([true]);
  });

  test('comes also when the peer drops the connection instead of answering our Close', async () => {
    const { stream, peer, events } = await streamed();
    stream.resume().end();
    peer.destroy();
    expect(await closed(events)).toEqual(['finish', 'end', 'close']);
  });

  test('waits for a reader who has not read everything', async () => {
    const { stream, client, ws, events } = await streamed();
    ws.send('unread');
    stream.end();
    await next(client, 'close');
    await turns();
    expect(events).toEqual(['finish']);
    stream.resume();
    expect(await closed(events)).toEqual(['finish', 'end', 'close']);
  });
});

describe('destroy()', () => {
  test.each([
    ['without an error', undefined, ['close']],
    ['with an error', new Error('mine'), ['error mine', 'close']],
  ])('%s terminates the WebSocket and closes behind it', async (_, error, expected) => {
    const { stream, client, ws, events } = await streamed();
    const codes: unknown[] = [];
    ws.on('close', (code) => codes.push(code));
    client.on('close', (code) => events.push(`WebSocket ${code}`));
    stream.destroy(error).destroy();
    expect(await closed(events)).toEqual(['WebSocket 1006', ...expected]);
    await until(() => codes.length > 0, 'the peer');
    expect(codes).toEqual([1006]);
  });

  test('gives a connection up that is not open yet', async () => {
    const { stream, events } = early();
    const settled = new Promise((tell) => stream.write('never', tell));
    stream.destroy();
    expect(await closed(events)).toEqual([`error ${CLOSED_EARLY}`, 'close']);
    expect(await settled).toBeInstanceOf(Error);
  });

  test("prefers the program's error to that of the WebSocket", async () => {
    const { stream, events } = early();
    stream.destroy(new Error('mine'));
    expect(await closed(events)).toEqual(['error mine', 'close']);
  });

  test('closes when the WebSocket is closed already', async () => {
    const { stream, client, events } = await streamed();
    client.close();
    await next(client, 'close');
    stream.destroy();
    expect(await closed(events)).toEqual(['close']);
  });

  test('among messages of one chunk lets nothing more through', async () => {
    const { stream, ws, events } = await streamed();
    const chunks: string[] = [];
    stream.on('data', (chunk) => {
      chunks.push(String(chunk));
      stream.destroy();
    });
    ws.send('a');
    ws.send('b');
    await closed(events);
    expect(chunks).toEqual(['a']);
  });
});

describe('an error', () => {
  const WRONG_OPCODE = frame({ opcode: 5 });
  const MESSAGE = 'Invalid WebSocket frame: invalid opcode 5';

  test('of the WebSocket destroys the stream with it; the peer still gets the reason', async () => {
    const { client, ws, wires } = await connectPair(scope());
    const stream = createWebSocketStream(client);
    const events = recordEvents(stream);
    const codes: unknown[] = [];
    const dropped: boolean[] = [];
    ws.on('close', (code) => codes.push(code));
    client.on('error', () => dropped.push(wires[0].destroyed));
    wires[1].write(WRONG_OPCODE);
    expect(await closed(events)).toEqual([`error ${MESSAGE}`, 'close']);
    expect(stream.destroyed).toBe(true);
    expect(dropped).toEqual([false]);
    await until(() => codes.length > 0, 'the peer');
    expect(codes).toEqual([1002]);
  });

  test('of the opening handshake does as well', async () => {
    const { http, connect } = memoryServer(scope());
    http.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 503 No\r\n\r\n'));
    const stream = createWebSocketStream(connect());
    const events = recordEvents(stream);
    expect(await closed(events)).toEqual(['error Unexpected server response: 503', 'close']);
  });

  test('that nobody listens to is thrown', async () => {
    const { client, wires } = await connectPair(scope());
    client.removeAllListeners('error');
    const caught = uncaught(scope());
    createWebSocketStream(client);
    wires[1].write(WRONG_OPCODE);
    await until(() => caught.length > 0, 'an exception');
    expect(caught).toEqual([expect.objectContaining({ message: MESSAGE })]);
  });

  test('of the stream itself terminates the WebSocket', async () => {
    const { stream, client, events } = await streamed();
    stream.end();
    stream.write('behind the end');
    expect(await closed(events)).toEqual(['error write after end', 'close']);
    expect(client.readyState).toBe(3);
  });
});

describe('options', () => {
  const alien = {
    objectMode: true,
    writableObjectMode: true,
    autoDestroy: true,
    emitClose: true,
    highWaterMark: undefined,
    encoding: undefined,
    agent: false,
    headers: {},
    protocol: 'mqtt',
    ...Object.fromEntries(
      ['read', 'write', 'final', 'destroy'].map((name) => [
        name,
        () => {
          throw new Error(name);
        },
      ]),
    ),
  };

  test('that belong to the stream alone, or to something else, do no harm', async () => {
    const { stream, ws, events } = await streamed(alien as unknown as DuplexOptions);
    expect([stream.readableObjectMode, stream.writableObjectMode]).toEqual([false, false]);
    const received = messages(ws);
    stream.resume().end('x');
    expect(await closed(events)).toEqual(['finish', 'end', 'close']);
    expect(received).toEqual(['<x>']);
  });

  test('`signal` destroys the stream', async () => {
    const abort = new AbortController();
    const { events } = await streamed({ signal: abort.signal });
    abort.abort();
    expect(await closed(events)).toEqual(['error The operation was aborted', 'close']);
  });
});

describe("Node's own tools", () => {
  test('pipe: an echo is a stream piped into itself', async () => {
    const { stream, ws } = await streamed();
    const echo = createWebSocketStream(ws);
    const events = recordEvents(echo.pipe(echo));
    stream.end('hello');
    expect(String(await stream.toArray())).toBe('hello');
    expect(await closed(events)).toEqual(['end', 'finish', 'close']);
  });

  test('pipeline: settles when what it wrote was sent and the connection is closed', async () => {
    const { stream, ws } = await streamed();
    const received = messages(ws);
    stream.resume();
    await pipeline(['a', 'b'], stream);
    expect(received).toEqual(['<a>', '<b>']);
    expect(ws.readyState).toBe(3);
  });

  test('pipeline: an error of the source terminates the WebSocket', async () => {
    const { stream, client } = await streamed();
    const source = async function* () {
      yield 'a';
      throw new Error('source');
    };
    await expect(pipeline(source, stream)).rejects.toThrow('source');
    await until(() => client.readyState === 3, "'close'");
  });

  test('finished: settles at both ends', async () => {
    const { stream, ws } = await streamed();
    const other = createWebSocketStream(ws).resume();
    const both = Promise.all([finished(stream), finished(other)]);
    stream.resume().end();
    other.end();
    await both;
    expect([stream.readableEnded, other.writableFinished]).toEqual([true, true]);
  });

  test('async iteration: ends with the connection, and leaving it terminates', async () => {
    const { stream, client, ws } = await streamed();
    ws.send('a');
    for await (const chunk of stream) {
      expect(String(chunk)).toBe('a');
      break;
    }
    expect(stream.destroyed).toBe(true);
    await until(() => client.readyState === 3, "'close'");
  });
});

test('two streams over one WebSocket both hear everything', async () => {
  const { stream, client, ws } = await streamed();
  const other = createWebSocketStream(client);
  ws.send('x');
  ws.close();
  expect((await Promise.all([stream.toArray(), other.toArray()])).map(String)).toEqual(['x', 'x']);
});
