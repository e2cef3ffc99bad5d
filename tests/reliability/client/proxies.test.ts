/** Hostile and broken proxies, and what ends an attempt through one. */

import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { useClock } from '../../support/clock.js';
import { frame } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { RawProxy } from '../../support/proxy-server.js';
import { upgradeResponse } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';
import { type ClientOptions, type Loose, recordEvents } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const SERVER = 'ws://server.example.com/chat';
const OPEN = 'HTTP/1.1 200 Connection established\r\n\r\n';

function dial(proxy: RawProxy, options: Loose = {}, scheme = 'http', url = SERVER) {
  const all = {
    proxy: `${scheme}://name:secret@127.0.0.1:${proxy.port}`,
    perMessageDeflate: false,
    ...options,
  };
  const ws = scope().track(new WebSocket(url, all as ClientOptions));
  const errors: NodeJS.ErrnoException[] = [];
  ws.on('error', (error) => errors.push(error));
  return { ws, errors, events: recordEvents(ws) };
}

/** The only error, after 'close' and after the connection to the proxy has ended. */
async function failureOf(proxy: RawProxy, attempt: ReturnType<typeof dial>) {
  const { events, errors } = attempt;
  await until(
    () => events.includes('close 1006'),
    () => `'close'; events: ${events}`,
  );
  await until(() => proxy.closed === proxy.connections.length, 'no connection to be left');
  await turns();
  expect(events).toHaveLength(2);
  const [error] = errors as [NodeJS.ErrnoException]; // one of two events
  expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toContain('secret');
  return error;
}

/** Answers the request of the client that came through the tunnel, with a message behind. */
function respond(socket: Socket, received: () => Buffer): () => void {
  return () => {
    const [, key] = /sec-websocket-key: (\S+)/i.exec(received().toString('latin1')) ?? [];
    if (key === undefined || !received().toString('latin1').endsWith('\r\n\r\n')) return;
    socket.removeAllListeners('data');
    const frames = [frame({ payload: 'one' }), frame({ payload: 'two' })];
    socket.write(Buffer.concat([Buffer.from(upgradeResponse(key)), ...frames]));
  };
}

describe('R16: bytes of the server', () => {
  test.each([1, 2, 3, 7, 1000])('that come in parts of %d bytes are all received', async (size) => {
    const proxy = await RawProxy.start(scope(), (socket) => {
      socket.on(
        'data',
        respond(socket, () => proxy.received),
      );
    });
    const { events } = dial(proxy);
    const socket = await proxy.asked();
    const answer = Buffer.from(OPEN);
    for (let at = 0; at < answer.length; at += size) {
      socket.write(answer.subarray(at, at + size));
      await turns(2);
    }
    await until(
      () => events.length === 3,
      () => `both messages; events: ${events}`,
    );
    expect(events).toEqual(['open', 'message one', 'message two']);
  });

  test('that come with the answer of the proxy belong to the tunnel', async () => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy);
    const socket = await proxy.asked();
    socket.write(`${OPEN}HTTP/1.1 418 Teapot\r\nContent-Length: 5\r\n\r\nshort`);
    const error = await failureOf(proxy, attempt);
    expect(error.message).toBe('Unexpected server response: 418');
    expect((error as { body?: Buffer }).body?.toString()).toBe('short');
  });

  test('that come with the reply of SOCKS5 belong to the tunnel', async () => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy, {}, 'socks5h');
    (await proxy.asked(4)).write(Buffer.of(5, 0));
    const request = [5, 1, 0, 3, 18, ...Buffer.from('server.example.com'), 0, 80];
    const socket = await proxy.asked(4 + request.length);
    expect([...proxy.received.subarray(4)]).toEqual(request);
    const reply = Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 80);
    const early = 'HTTP/1.1 418 Teapot\r\nContent-Length: 5\r\n\r\nshort';
    socket.write(Buffer.concat([reply, Buffer.from(early)]));
    const error = await failureOf(proxy, attempt);
    expect(error.message).toBe('Unexpected server response: 418');
  });

  test('for wss: they are the first bytes of TLS', async () => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy, {}, 'http', 'wss://server.example.com/');
    const socket = await proxy.asked();
    socket.write(`${OPEN}no TLS is spoken here`);
    const error = await failureOf(proxy, attempt);
    expect(error.message).toMatch(/the server did not answer with TLS/);
  });
});

describe('R16: an answer of the proxy', () => {
  test('whose head does not end is cut off', async () => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy);
    const socket = await proxy.asked();
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = `A: ${'a'.repeat(1000)}\r\n`;
    let sent = 0;
    while (!socket.destroyed && sent < 100_000) {
      socket.write(more);
      sent += more.length;
      await turns(1);
    }
    const error = await failureOf(proxy, attempt);
    expect(error.code).toBe('WS_ERR_PROXY_RESPONSE');
    expect(sent).toBeLessThan(100_000);
  });

  test.each<[string, string, string]>([
    ['no HTTP', '220 mail.test ESMTP\r\n', 'WS_ERR_PROXY_RESPONSE'],
    ['SOCKS', '\x05\xff', 'WS_ERR_PROXY_RESPONSE'],
    ['407', 'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n', 'WS_ERR_PROXY_AUTHENTICATION'],
    ['a redirect', 'HTTP/1.1 302 No\r\nLocation: ws://a.test/\r\n\r\n', 'WS_ERR_PROXY_REFUSED'],
    ['an upgrade', 'HTTP/1.1 101 No\r\nUpgrade: websocket\r\n\r\n', 'WS_ERR_PROXY_REFUSED'],
    ['an endless body', `HTTP/1.1 502 No\r\n\r\n${'x'.repeat(60_000)}`, 'WS_ERR_PROXY_REFUSED'],
  ])('that is %s fails once', async (_what, answer, code) => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy, { followRedirects: true });
    (await proxy.asked()).write(Buffer.from(answer, 'latin1'));
    expect((await failureOf(proxy, attempt)).code).toBe(code);
    expect(proxy.connections).toHaveLength(1);
  });

  test.each(['', 'HTTP/1.1 2', 'HTTP/1.1 200 OK\r\n'])(
    'that ends after %j: the proxy closed the connection',
    async (answer) => {
      const proxy = await RawProxy.start(scope());
      const attempt = dial(proxy);
      (await proxy.asked()).end(answer);
      expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_PROXY_CLOSED');
    },
  );

  test('that is a reset is an error of the network, which names the proxy', async () => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy);
    (await proxy.asked()).resetAndDestroy();
    const error = await failureOf(proxy, attempt);
    expect(error.code).toBe('ECONNRESET');
    expect(error.message).toMatch(/\(the connection to the proxy failed\)$/);
  });

  test('that opens the tunnel, and then ends: the server closed early', async () => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy);
    (await proxy.asked()).end(OPEN);
    expect((await failureOf(proxy, attempt)).message).toBe('socket hang up');
  });
});

describe('R16: while the proxy does not answer', () => {
  test('handshakeTimeout ends the attempt', async () => {
    clock.stop();
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy, { handshakeTimeout: 1000 });
    await proxy.asked();
    clock.advance(1000);
    expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_HANDSHAKE_TIMEOUT');
  });

  test('handshakeTimeout ends it also if a byte comes now and then', async () => {
    clock.stop();
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy, { handshakeTimeout: 1000 });
    const socket = await proxy.asked();
    for (const byte of 'HTTP/1.1 2') {
      socket.write(byte);
      await turns(2);
      clock.advance(100);
    }
    expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_HANDSHAKE_TIMEOUT');
  });

  test.each(['close', 'terminate'] as const)('%s() ends the attempt', async (method) => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy);
    await proxy.asked();
    attempt.ws[method]();
    expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_CLOSED_EARLY');
  });

  test('terminate() at once leaves no connection', async () => {
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy);
    attempt.ws.terminate();
    expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_CLOSED_EARLY');
  });

  test('the option signal ends the attempt', async () => {
    const controller = new AbortController();
    const proxy = await RawProxy.start(scope());
    const attempt = dial(proxy, { signal: controller.signal });
    await proxy.asked();
    controller.abort();
    const error = await failureOf(proxy, attempt);
    expect([error.name, error.code]).toEqual(['AbortError', 'ABORT_ERR']);
  });

  test.each(['signal', 'timeout'])('%s of connect rejects its promise', async (what) => {
    clock.stop();
    const controller = new AbortController();
    const proxy = await RawProxy.start(scope());
    const options = { proxy: `http://127.0.0.1:${proxy.port}`, timeout: 1000 };
    const connecting = WebSocket.connect(SERVER, { ...options, signal: controller.signal });
    const outcome = connecting.catch((error: NodeJS.ErrnoException) => error.code);
    await proxy.asked();
    if (what === 'signal') controller.abort();
    else clock.advance(1000);
    expect(await outcome).toBe(what === 'signal' ? 'ABORT_ERR' : 'WS_ERR_HANDSHAKE_TIMEOUT');
    await until(() => proxy.closed === 1, 'no connection to be left');
  });

  test('SOCKS5 and TLS to the proxy end as well', async () => {
    for (const scheme of ['socks5', 'socks5h', 'https']) {
      const proxy = await RawProxy.start(scope());
      const attempt = dial(proxy, {}, scheme, 'ws://127.0.0.1/');
      await proxy.asked(3);
      attempt.ws.terminate();
      expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_CLOSED_EARLY');
    }
  });
});

test('a name that SOCKS5 looks up here, and that is never found', async () => {
  const proxy = await RawProxy.start(scope());
  const attempt = dial(proxy, { lookup: () => undefined }, 'socks5');
  await until(() => proxy.connections.length === 1, 'a connection');
  attempt.ws.terminate();
  expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_CLOSED_EARLY');
});

test('a tunnel that opens after the end of the attempt is not used', async () => {
  const proxy = await RawProxy.start(scope());
  const attempt = dial(proxy);
  const socket = await proxy.asked();
  socket.write(OPEN);
  attempt.ws.terminate();
  expect((await failureOf(proxy, attempt)).code).toBe('WS_ERR_CLOSED_EARLY');
  expect(proxy.received.toString('latin1')).not.toContain('Sec-WebSocket-Key');
});

test('options of TLS that are wrong are an error after the tunnel is open', async () => {
  const proxy = await RawProxy.start(scope());
  const options = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2', ciphers: 'none of these' };
  const attempt = dial(proxy, options, 'http', 'wss://server.example.com/');
  (await proxy.asked()).write(OPEN);
  expect((await failureOf(proxy, attempt)).message).not.toMatch(/proxy/);
});
