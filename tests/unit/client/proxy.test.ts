/** A client through a proxy that works: what the proxy sees, what the server sees, TLS, redirects. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { until } from '../../support/inbox.js';
import { httpProxy, RawProxy } from '../../support/proxy-server.js';
import { useScope } from '../../support/scope.js';
import { type ClientOptions, type Loose, recordEvents } from '../../support/websockets.js';

const scope = useScope();
const pem = (name: string): string =>
  readFileSync(join(__dirname, `../../support/tls/localhost-${name}.pem`), 'utf8');
const [cert, key] = [pem('cert'), pem('key')];

/** A server that greets each client. */
async function greetingServer(secure = false) {
  const server = secure ? createHttpsServer({ cert, key }) : createHttpServer();
  const wss = new WebSocket.WebSocketServer({ server });
  const requests: IncomingMessage[] = [];
  const names: unknown[] = [];
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket & { servername?: unknown }) => {
    names.push(socket.servername);
  });
  wss.on('connection', (ws, request) => {
    requests.push(request);
    ws.send('hello');
  });
  return { port: await scope().listen(server), requests, names };
}

async function outcome(url: string, options: Loose) {
  const all = { perMessageDeflate: false, ...options };
  const ws = scope().track(new WebSocket(url, all as ClientOptions));
  const errors: NodeJS.ErrnoException[] = [];
  ws.on('error', (error) => errors.push(error));
  const events = recordEvents(ws);
  await until(
    () => events.length >= 2,
    () => `an outcome; events: ${events}`,
  );
  return { events, error: errors[0], ws };
}

const GREETED = ['open', 'message hello'];

/** Sets variables of the environment until the end of the test, and no other ones of a proxy. */
function setEnvironment(variables: Record<string, string>): void {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) {
    if (/_proxy$/i.test(name)) delete process.env[name];
  }
  Object.assign(process.env, variables);
  scope().later(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

describe('CONNECT', () => {
  test.each([false, true])(
    'carries ws: and wss:, and hides its own fields (secure: %p)',
    async (secure) => {
      const proxy = await httpProxy(scope());
      const { port, requests } = await greetingServer(secure);
      const url = `${secure ? 'wss' : 'ws'}://localhost:${port}/chat`;
      const { events } = await outcome(url, {
        ca: cert,
        headers: { 'X-Server': '1' },
        proxy: {
          url: `http://us%40er:p%C3%A4ss@127.0.0.1:${proxy.port}`,
          headers: { 'X-Proxy': '1' },
        },
      });
      expect(events).toEqual(GREETED);
      expect(proxy.requests.map(({ url }) => url)).toEqual([`localhost:${port}`]);
      expect(proxy.requests[0]?.headers).toEqual({
        host: `localhost:${port}`,
        'proxy-authorization': `Basic ${Buffer.from('us@er:päss').toString('base64')}`,
        'x-proxy': '1',
      });
      expect(requests[0]?.url).toBe('/chat');
      expect(requests[0]?.headers).toMatchObject({ 'x-server': '1', host: `localhost:${port}` });
      expect(requests[0]?.headers).not.toHaveProperty('proxy-authorization');
      expect(requests[0]?.headers).not.toHaveProperty('x-proxy');
    },
  );

  test('names an IPv6 address in brackets, and the default port', async () => {
    for (const [url, authority] of [
      ['ws://[2001:db8::1]/', '[2001:db8::1]:80'],
      ['wss://[::1]/', '[::1]:443'],
      ['ws://bücher.example/', 'xn--bcher-kva.example:80'],
    ] as const) {
      const proxy = await RawProxy.start(scope());
      const ws = scope().track(new WebSocket(url, { proxy: `127.0.0.1:${proxy.port}` }));
      await proxy.asked();
      expect(proxy.received.toString()).toMatch(
        new RegExp(`^CONNECT ${authority.replace(/[[\]]/g, '\\$&')} HTTP/1.1\r\nHost: `),
      );
      ws.terminate();
    }
  });

  test('the promise of connect resolves, and nothing is lost', async () => {
    const proxy = await httpProxy(scope());
    const { port } = await greetingServer();
    const ws = await WebSocket.connect(`ws://localhost:${port}`, {
      proxy: new URL(`http://127.0.0.1:${proxy.port}`),
    });
    scope().track(ws);
    const messages: unknown[] = [];
    for await (const message of ws) {
      messages.push(message);
      ws.close();
    }
    expect(messages).toEqual(['hello']);
  });

  test('agent: false is no agent', async () => {
    const proxy = await httpProxy(scope());
    const { port } = await greetingServer();
    const options = { proxy: `http://127.0.0.1:${proxy.port}`, agent: false };
    expect((await outcome(`ws://localhost:${port}`, options)).events).toEqual(GREETED);
    expect(proxy.requests).toHaveLength(1);
  });
});

describe('TLS to the server', () => {
  test('the names of SNI and of the certificate are those of the server', async () => {
    const proxy = await httpProxy(scope());
    const { port, names } = await greetingServer(true);
    const options = { ca: cert, proxy: `http://127.0.0.1:${proxy.port}` };
    expect((await outcome(`wss://localhost:${port}`, options)).events).toEqual(GREETED);
    expect(names).toEqual(['localhost']);
    const { error } = await outcome(`wss://other.example.com:${port}`, options);
    expect(error?.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(error?.message).not.toContain('proxy');
  });

  test('a certificate that is not trusted is refused', async () => {
    const proxy = await httpProxy(scope());
    const { port } = await greetingServer(true);
    const options = { proxy: `http://127.0.0.1:${proxy.port}` };
    expect((await outcome(`wss://localhost:${port}`, options)).error?.code).toMatch(/SELF_SIGNED/);
  });

  test('a server without TLS: the advice is for the server', async () => {
    const proxy = await httpProxy(scope());
    const { port } = await greetingServer();
    const options = { proxy: `http://127.0.0.1:${proxy.port}` };
    const { error } = await outcome(`wss://localhost:${port}`, options);
    expect(error?.message).toMatch(/the server did not answer with TLS/);
  });
});

describe('TLS to the proxy', () => {
  test.each([false, true])('carries ws: and wss: (secure: %p)', async (secure) => {
    const proxy = await httpProxy(scope(), { cert, key });
    const { port } = await greetingServer(secure);
    const url = `${secure ? 'wss' : 'ws'}://localhost:${port}`;
    const { events } = await outcome(url, {
      ca: cert,
      proxy: { url: `https://localhost:${proxy.port}`, ca: cert },
    });
    expect(events).toEqual(GREETED);
  });

  test('has options of its own: those of the server do not apply', async () => {
    const proxy = await httpProxy(scope(), { cert, key });
    const { port } = await greetingServer();
    const { error } = await outcome(`ws://localhost:${port}`, {
      ca: cert,
      proxy: `https://localhost:${proxy.port}`,
    });
    expect(error?.code).toMatch(/SELF_SIGNED/);
    expect(error?.message).toMatch(/\(the connection to the proxy failed\)$/);
    expect(proxy.requests).toEqual([]);
  });

  test('options that are wrong are an error', async () => {
    const proxy = { url: 'https://localhost', minVersion: 'no version' };
    const { error } = await outcome('ws://localhost', { proxy });
    expect(error?.code).toBe('ERR_TLS_INVALID_PROTOCOL_VERSION');
  });

  test('the certificate is checked for the name of the proxy', async () => {
    const proxy = await httpProxy(scope(), { cert, key });
    const { error } = await outcome('wss://localhost:1', {
      proxy: { url: `https://127.0.0.1:${proxy.port}`, ca: cert },
    });
    expect(error?.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('a proxy without TLS: no advice about the server', async () => {
    const proxy = await httpProxy(scope());
    const { error } = await outcome('wss://localhost:1', {
      proxy: `https://127.0.0.1:${proxy.port}`,
    });
    expect(error?.message).toMatch(/\(the connection to the proxy failed\)$/);
    expect(error?.message).not.toMatch(/use ws:/);
  });
});

describe('SOCKS5', () => {
  test.each([
    ['socks5', [5, 1, 0, 1, 192, 0, 2, 7, 0, 80]],
    ['socks5h', [5, 1, 0, 3, 9, ...Buffer.from('name.test'), 0, 80]],
  ])('%s: who looks up the name', async (scheme, request) => {
    const names: string[] = [];
    const lookup = (name: string, _options: object, found: (...of: unknown[]) => void): void => {
      names.push(name);
      found(null, '192.0.2.7', 4);
    };
    const proxy = await RawProxy.start(scope());
    const options = { proxy: `${scheme}://127.0.0.1:${proxy.port}`, lookup };
    const ws = scope().track(new WebSocket('ws://name.test/', options as ClientOptions));
    (await proxy.asked(3)).write(Buffer.of(5, 0));
    await proxy.asked(3 + request.length);
    expect([...proxy.received]).toEqual([5, 1, 0, ...request]);
    expect(names).toEqual(scheme === 'socks5' ? ['name.test'] : []);
    ws.terminate();
  });

  test('a name that is not found is the error of the lookup', async () => {
    const proxy = await RawProxy.start(scope());
    const lookup = (name: string, _: object, found: (error: Error) => void): void =>
      found(Object.assign(new Error(`ENOTFOUND ${name}`), { code: 'ENOTFOUND' }));
    const options = { proxy: `socks5://127.0.0.1:${proxy.port}`, lookup };
    const { error } = await outcome('ws://name.test/', options);
    expect(error?.code).toBe('ENOTFOUND');
    await until(() => proxy.closed === 1, 'no connection to be left');
  });
});

describe("'env'", () => {
  test('each redirect chooses anew', async () => {
    const proxy = await httpProxy(scope());
    const { port, requests } = await greetingServer();
    const redirecting = createHttpServer((_request, response) => response.end());
    redirecting.on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:${port}/\r\n\r\n`);
    });
    const first = await scope().listen(redirecting);
    setEnvironment({ http_proxy: `http://a:b@127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1' });
    const options = { proxy: 'env', followRedirects: true };
    const { events } = await outcome(`ws://localhost:${first}`, options);
    expect(events).toEqual(GREETED);
    expect(proxy.requests.map(({ url }) => url)).toEqual([`localhost:${first}`]);
    expect(requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  test('a variable that a redirect needs, and that is wrong, fails the handshake', async () => {
    const redirecting = createHttpServer();
    redirecting.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 302 Found\r\nLocation: wss://localhost:1/\r\n\r\n');
    });
    const port = await scope().listen(redirecting);
    setEnvironment({ https_proxy: 'http://user:secret@:' });
    const options = { proxy: 'env', followRedirects: true };
    const { error } = await outcome(`ws://localhost:${port}`, options);
    expect(error).toBeInstanceOf(SyntaxError);
    expect(error?.message).not.toContain('secret');
  });

  test('without the option the environment does not count', async () => {
    const { port } = await greetingServer();
    setEnvironment({ http_proxy: 'http://127.0.0.1:1', all_proxy: 'http://127.0.0.1:1' });
    for (const proxy of [undefined, false, null, '']) {
      expect((await outcome(`ws://localhost:${port}`, { proxy })).events).toEqual(GREETED);
    }
  });
});

test('a proxy is not used for the socket of a file', async () => {
  const proxy = await httpProxy(scope());
  const { error } = await outcome('ws+unix:/no/such/file.sock:/', {
    proxy: `http://127.0.0.1:${proxy.port}`,
  });
  expect(error?.code).toBe('ENOENT');
  expect(proxy.requests).toEqual([]);
});

test('a proxy that is not there is named in the error', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  const { error } = await outcome('ws://localhost', { proxy: `http://127.0.0.1:${port}` });
  expect(error?.code).toBe('ECONNREFUSED');
  expect(error?.message).toContain(`127.0.0.1:${port} (the connection to the proxy failed)`);
  expect(error?.cause).toMatchObject({ code: 'ECONNREFUSED' });
});
