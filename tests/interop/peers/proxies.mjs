/** Our client through proxies: CONNECT by tinyproxy and squid, SOCKS5 by microsocks and Dante, TLS by haproxy. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createConnection, createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { certificate } from '../support/certificate.mjs';
import { within } from '../support/deadline.mjs';
import { fail, result, skip } from '../support/results.mjs';
import { load, subjectName } from '../support/subject.mjs';
import { temporaryFolder } from '../support/temporary.mjs';

const { WebSocket, WebSocketServer } = load(subjectName);
const { cert, key } = makeCertificate();
const ca = readFileSync(cert);
const SECRET = 'us%3Aer:p%40ss';
const DANTE_USERS = 'user.privileged: root\nuser.unprivileged: nobody';

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** `configure(port, target)` is the text of a file; `command(file, port)` what runs. */
const PROXIES = {
  tinyproxy: {
    program: 'tinyproxy',
    configure: (port) => `Port ${port}\nListen 127.0.0.1\nTimeout 60\nBasicAuth user pass\n`,
    command: (file) => ['tinyproxy', '-d', '-c', file],
    urls: (port) => [`http://user:pass@127.0.0.1:${port}`],
    wrong: {
      url: (port) => `http://user:no@127.0.0.1:${port}`,
      code: 'WS_ERR_PROXY_AUTHENTICATION',
    },
  },
  squid: {
    program: '/usr/sbin/squid',
    configure: (port) =>
      `http_port 127.0.0.1:${port}\nhttp_access allow all\ncache deny all\naccess_log none\n` +
      'cache_log /dev/null\npid_filename none\npinger_enable off\nvisible_hostname localhost\n' +
      'shutdown_lifetime 0 seconds\n',
    // Its shared memory has the name of the service.
    command: (file, port) => ['/usr/sbin/squid', '-N', '-n', `ws6455${port}`, '-f', file],
    urls: (port) => [`http://127.0.0.1:${port}`],
  },
  microsocks: {
    program: 'microsocks',
    configure: () => '',
    command: (_file, port) => {
      const login = ['-u', 'us:er', '-P', 'p@ss'];
      return ['microsocks', '-i', '127.0.0.1', '-p', String(port), ...login];
    },
    urls: (port) => [
      `socks5://${SECRET}@127.0.0.1:${port}`,
      `socks5h://${SECRET}@127.0.0.1:${port}`,
    ],
    wrong: {
      url: (port) => `socks5://us:no@127.0.0.1:${port}`,
      code: 'WS_ERR_PROXY_AUTHENTICATION',
    },
  },
  Dante: {
    program: '/usr/sbin/danted',
    canReach: (url) => !url.includes('::1'), // its outer address is that of IPv4
    configure: (port) =>
      `logoutput: /dev/null\ninternal: 127.0.0.1 port = ${port}\nexternal: 127.0.0.1\n` +
      `clientmethod: none\nsocksmethod: none\n${process.getuid() === 0 ? DANTE_USERS : ''}\n` +
      'client pass { from: 0/0 to: 0/0 }\nsocks pass { from: 0/0 to: 0/0 }\n',
    command: (file) => ['/usr/sbin/danted', '-f', file, '-p', `${file}.pid`],
    urls: (port) => [`socks5://127.0.0.1:${port}`, `socks5h://127.0.0.1:${port}`],
  },
  haproxy: {
    program: '/usr/sbin/haproxy',
    needs: 'squid',
    configure: (port, behind) => {
      writeFileSync(`${cert}.both`, Buffer.concat([ca, readFileSync(key)]));
      return `
        defaults
          mode tcp
          timeout connect 5s
          timeout client 30s
          timeout server 30s
        frontend public
          bind 127.0.0.1:${port} ssl crt ${cert}.both
          default_backend proxy
        backend proxy
          server only 127.0.0.1:${behind}\n`;
    },
    command: (file) => ['/usr/sbin/haproxy', '-db', '-q', '-f', file],
    urls: (port) => [{ url: `https://127.0.0.1:${port}`, ca }],
  },
};

function makeCertificate() {
  try {
    return certificate();
  } catch {
    skip('proxies', 'openssl cannot make a certificate');
    process.exit();
  }
}

/** None of these programs tells which port it was given, so one is chosen for it. */
async function freePort() {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function start({ configure, command }, behind) {
  const port = await freePort();
  const file = join(temporaryFolder, `${port}.conf`);
  writeFileSync(file, configure(port, behind));
  const [program, ...parameters] = command(file, port);
  const child = spawn(program, parameters, { stdio: 'ignore' });
  running.add(child);
  const ready = async () => {
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`${program} exited with ${child.exitCode}`);
      await wait(20);
    }
  };
  await within(10_000, program, ready());
  const stop = async () => {
    running.delete(child);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  };
  return { port, stop };
}

/** An echo server that remembers the header fields of its requests. */
async function echoServer(secure, host) {
  const server = secure ? createServer({ cert: ca, key: readFileSync(key) }) : undefined;
  const wss = new WebSocketServer(server ? { server } : { port: 0, host });
  const fields = [];
  wss.on('connection', (socket, request) => {
    fields.push(...Object.keys(request.headers));
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.send('welcome');
  });
  if (server) server.listen(0, host);
  await once(server ?? wss, 'listening');
  const { port } = (server ?? wss).address();
  const name = host.includes(':') ? `[${host}]` : host;
  const close = async () => {
    for (const socket of wss.clients) socket.terminate();
    wss.close();
    server?.close();
  };
  return { url: `${secure ? 'wss' : 'ws'}://${name}:${port}/`, fields, close };
}

async function talk(url, proxy) {
  const socket = await WebSocket.connect(url, { proxy, ca, timeout: 5_000 });
  const received = [];
  socket.send(Buffer.alloc(200_000, 7));
  for await (const { data } of socket.messages()) {
    received.push(data.length);
    if (received.length === 2) socket.close();
  }
  assert.deepEqual(received, ['welcome'.length, 200_000]);
}

async function face(name, { canReach = () => true, ...proxy }, servers) {
  const { stop: stopInner, port: inner } = proxy.needs
    ? await start(PROXIES[proxy.needs])
    : { stop: async () => {} };
  const { port, stop } = await start(proxy, inner);
  for (const given of proxy.urls(port)) {
    const { protocol } = new URL(given.url ?? given);
    for (const { url, fields } of servers.filter(({ url }) => canReach(url))) {
      fields.length = 0;
      const title = `through ${name}, ${protocol} to ${url.replace(/:\d+\/$/, '')}`;
      await result(`${title}: messages both ways, no field of the proxy`, async () => {
        await talk(url, given);
        assert.equal(fields.includes('proxy-authorization'), false);
      });
    }
    await result(`through ${name}, ${protocol} a server that is not there`, async () => {
      const closed = await freePort();
      const connecting = WebSocket.connect(`ws://127.0.0.1:${closed}`, { proxy: given });
      await assert.rejects(connecting, { name: 'HandshakeError', code: 'WS_ERR_PROXY_REFUSED' });
    });
  }
  if (proxy.wrong) {
    await result(`through ${name}: a wrong password`, async () => {
      const connecting = WebSocket.connect(servers[0].url, { proxy: proxy.wrong.url(port) });
      await assert.rejects(connecting, { name: 'HandshakeError', code: proxy.wrong.code });
    });
  }
  await stop();
  await stopInner();
}

const isThere = (program) => spawnSync(program, ['-v'], { timeout: 5_000 }).error === undefined;

const servers = [await echoServer(false, '127.0.0.1'), await echoServer(true, '127.0.0.1')];
if (
  Object.values(networkInterfaces())
    .flat()
    .some(({ address }) => address === '::1')
) {
  servers.push(await echoServer(false, '::1'));
}
for (const [name, proxy] of Object.entries(PROXIES)) {
  const programs = [proxy.program, ...(proxy.needs ? [PROXIES[proxy.needs].program] : [])];
  const missing = programs.find((program) => !isThere(program));
  if (missing) skip(name, `no ${missing}`);
  else await face(name, proxy, servers).catch((error) => fail(name, error));
}
for (const { close } of servers) await close();
