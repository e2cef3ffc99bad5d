/** `WebSocket.connect`: what it resolves with, what it holds, what it rejects with. */

import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import type { WireEnd } from '../../support/duplex-pair.js';
import { frame } from '../../support/frames.js';
import { Inbox, turns, until } from '../../support/inbox.js';
import { keyOf, upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { type Loose, serve, type WebSocketInstance } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const URL_HERE = 'ws://server.example.com/chat';

interface Attempt {
  readonly promise: Promise<WebSocketInstance>;
  /** The far end of the connection. */
  readonly wire: WireEnd;
  readonly created: number;
  /** Answers the request, with these bytes behind the response. */
  answer(...rest: Buffer[]): Promise<void>;
}

/** Connects in memory. */
function connect(options: Loose = {}, Class = WebSocket): Attempt {
  const [near, wire] = scope().wire();
  const inbox = new Inbox(wire);
  let created = 0;
  const createConnection = () => {
    created++;
    return near;
  };
  const all = { perMessageDeflate: false, createConnection, ...options };
  const promise = Class.connect(URL_HERE, all);
  promise.then(
    (ws) => scope().track(ws),
    () => {},
  );
  const answer = async (...rest: Buffer[]): Promise<void> => {
    const key = keyOf(await inbox.message());
    wire.write(Buffer.concat([Buffer.from(upgradeResponse(key)), ...rest]));
  };
  return {
    promise,
    wire,
    answer,
    get created() {
      return created;
    },
  };
}

const texts = (...payloads: string[]): Buffer[] => payloads.map((payload) => frame({ payload }));

describe('connect', () => {
  test('resolves with an open WebSocket', async () => {
    const { promise, answer } = connect();
    await answer();
    const ws = await promise;
    expect(ws).toBeInstanceOf(WebSocket);
    expect([ws.readyState, ws.url]).toEqual([1, URL_HERE]);
  });

  test('takes subprotocols, and makes an instance of the subclass', async () => {
    class Own extends WebSocket {
      readonly name = 'own';
    }
    const http = createServer();
    const port = await scope().listen(http);
    serve(scope(), { server: http });
    const ws = await Own.connect(`ws://127.0.0.1:${port}`, ['chat'], { maxPayload: 10 });
    scope().track(ws);
    expect([ws.name, ws.protocol]).toEqual(['own', 'chat']);
  });

  test('takes options behind absent subprotocols', async () => {
    await expect(WebSocket.connect(URL_HERE, null as never, { timeout: -1 })).rejects.toThrow(
      RangeError,
    );
    await expect(WebSocket.connect(URL_HERE, undefined, { timeout: -1 })).rejects.toThrow(
      RangeError,
    );
  });

  test('loses nothing before the loop of the program', async () => {
    const { promise, answer, wire } = connect();
    await answer(...texts('0', '1'));
    const ws = await promise;
    await turns();
    wire.write(Buffer.concat(texts('2')));
    await turns();
    const seen: unknown[] = [];
    for await (const data of ws) if (seen.push(data) === 3) break;
    expect(seen).toEqual(['0', '1', '2']);
  });

  test("loses nothing before the program listens to 'message'", async () => {
    const { promise, answer } = connect();
    await answer(...texts('0', '1', '2'));
    const ws = await promise;
    await turns();
    ws.binaryType = 'arraybuffer';
    const seen: string[] = [];
    ws.addEventListener('message', ({ data }) => seen.push(String(data)));
    await turns();
    expect(seen).toEqual(['0', '1', '2']);
  });

  test("loses nothing between several `once(ws, 'message')`", async () => {
    const { promise, answer } = connect();
    await answer(...texts('0', '1'));
    const ws = await promise;
    expect(String((await once(ws, 'message'))[0])).toBe('0');
    await turns();
    expect(String((await once(ws, 'message'))[0])).toBe('1');
  });

  test('holds at most 16 messages: then TCP stops the peer', async () => {
    const { promise, answer } = connect();
    await answer(...texts(...Array.from({ length: 40 }, (_, i) => String(i))));
    const ws = await promise;
    await turns();
    expect(ws.stats().messages.received).toBe(16);
    let count = 0;
    for await (const data of ws) {
      expect(data).toBe(String(count));
      if (++count === 40) break;
    }
  });

  test('leaves no listener, no timer, and nothing on the signal', async () => {
    clock.stop();
    const { signal } = new AbortController();
    const count = () => getEventListeners(signal, 'abort').length;
    const { promise, answer } = connect({ signal });
    expect([count(), clock.timerCount]).toEqual([1, 1]);
    await answer();
    const ws = await promise;
    ws.on('message', () => {});
    await turns();
    expect([count(), clock.timerCount]).toEqual([0, 0]);
    expect(ws.eventNames().filter((name) => name !== 'error')).toEqual(['message']);
  });

  test('makes a WebSocket that no peer can end the process with', async () => {
    const { promise, answer, wire } = connect();
    await answer();
    const ws = await promise;
    ws.removeAllListeners('error');
    wire.end(frame({ opcode: 3 }));
    expect(await ws.closed).toMatchObject({ cause: 'violation', sent: { code: 1002 } });
  });
});

describe('connect rejects', () => {
  test('with the HandshakeError of a refusal', async () => {
    const { promise, wire } = connect();
    wire.write('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n');
    await expect(promise).rejects.toBeInstanceOf(WebSocket.HandshakeError);
    await expect(promise).rejects.toMatchObject({ status: 503, retryAfter: 2000 });
  });

  test('with the error of the network', async () => {
    const { promise, wire } = connect();
    wire.destroy(new Error('unplugged'));
    await expect(promise).rejects.toThrow();
  });

  test('with what the constructor throws', async () => {
    await expect(WebSocket.connect('no URL')).rejects.toThrow(SyntaxError);
    await expect(WebSocket.connect(null as never)).rejects.toThrow(TypeError);
    const options = { protocolVersion: 12 };
    await expect(WebSocket.connect(URL_HERE, options)).rejects.toThrow(RangeError);
  });

  test.each([
    [{ timeout: -1 }, RangeError],
    [{ timeout: 'soon' }, TypeError],
    [{ signal: 1 }, TypeError],
    [{ signalScope: 'both' }, TypeError],
  ])('the options %j', async (options, ErrorClass) => {
    const attempt = connect(options);
    await expect(attempt.promise).rejects.toThrow(ErrorClass);
    expect(attempt.created).toBe(0);
  });

  test('after timeout', async () => {
    clock.stop();
    const { promise } = connect({ timeout: 500 });
    promise.catch(() => {});
    await turns();
    clock.advance(500);
    await expect(promise).rejects.toMatchObject({ code: 'WS_ERR_HANDSHAKE_TIMEOUT' });
    expect(clock.timerCount).toBe(0);
  });

  test('after 30 s by default, and never with 0', async () => {
    clock.stop();
    const { promise } = connect();
    const patient = connect({ timeout: 0 });
    promise.catch(() => {});
    await turns();
    clock.advance(30_000);
    await expect(promise).rejects.toMatchObject({ code: 'WS_ERR_HANDSHAKE_TIMEOUT' });
    await patient.answer();
    expect((await patient.promise).readyState).toBe(1);
  });
});

describe('a signal', () => {
  test('that is aborted before makes no connection', async () => {
    const attempt = connect({ signal: AbortSignal.abort('enough') });
    await expect(attempt.promise).rejects.toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    expect(attempt.created).toBe(0);
  });

  test('aborts the opening handshake', async () => {
    const controller = new AbortController();
    const { promise, wire } = connect({ signal: controller.signal });
    const inbox = new Inbox(wire);
    await turns();
    controller.abort(new Error('enough'));
    await expect(promise).rejects.toMatchObject({
      name: 'AbortError',
      cause: { message: 'enough' },
    });
    await until(() => inbox.ended, 'the connection to end');
  });

  test('does not end an open connection', async () => {
    const controller = new AbortController();
    const { promise, answer } = connect({ signal: controller.signal });
    await answer();
    const ws = await promise;
    controller.abort();
    await turns();
    expect(ws.readyState).toBe(1);
  });

  test("with signalScope 'connection' closes an open connection, and is let go at its end", async () => {
    const http = createServer();
    const port = await scope().listen(http);
    serve(scope(), { server: http });
    const controller = new AbortController();
    const options = { signal: controller.signal, signalScope: 'connection' } as const;
    const ws = scope().track(await WebSocket.connect(`ws://127.0.0.1:${port}`, options));
    controller.abort();
    expect(await ws.closed).toMatchObject({ sent: { code: 1000 }, by: 'us', wasClean: true });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});
