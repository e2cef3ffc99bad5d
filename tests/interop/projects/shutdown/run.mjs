/**
 * A server that says goodbye and takes its sockets away in the same tick: each client gets what was
 * sent before and the close code, and the server's process ends by itself.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws6455';
import { certificate } from '../../support/certificate.mjs';
import { within } from '../../support/deadline.mjs';
import { result } from '../../support/results.mjs';

const TIMEOUT = 10_000;
const CLIENTS = 3;

const WAYS = [
  ...['http-terminator', 'server-destroy', 'stoppable', 'stoppable without grace'],
  ...['socket.end()', 'socket.destroy()', 'socket.destroySoon()', 'wss.close() alone'],
];

/** Over TLS Node keeps what is written behind a write under way, and these throw it away. */
const DESTROYING = ['http-terminator', 'server-destroy', 'socket.destroy()'];

const LAST_WORDS = ['one', 'two', 'x'.repeat(20_000), 'four'];

const COMPRESSED = { perMessageDeflate: { threshold: 0 } };

const SETTINGS = [
  { name: 'plain' },
  { name: 'compressed', options: COMPRESSED },
  { name: 'over TLS', tls: true },
];

async function start(setting) {
  const file = fileURLToPath(new URL('server.mjs', import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(setting)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, exit, port };
}

const brief = (text) => (text.length > 20 ? `${text.length} characters` : text);

/** What a client has been told when it is all over. */
function connect(url) {
  const ws = new WebSocket(url, { rejectUnauthorized: false });
  const messages = [];
  ws.on('message', (data) => messages.push(brief(`${data}`)));
  const closed = once(ws, 'close').then(([code, reason]) => ({
    messages,
    code,
    reason: `${reason}`,
  }));
  return { ws, closed };
}

async function saysGoodbye({ child, exit, port }, scheme, sends) {
  const clients = Array.from({ length: CLIENTS }, () => connect(`${scheme}://127.0.0.1:${port}`));
  await Promise.all(clients.map(({ ws }) => once(ws, 'open')));
  child.stdin.write('stop\n');
  for (const { closed } of clients) {
    assert.deepEqual(await closed, {
      messages: sends.map(brief),
      code: 1001,
      reason: 'going away',
    });
  }
  assert.deepEqual(await exit, [0, null]);
}

for (const { name, tls, options } of SETTINGS) {
  for (const way of WAYS) {
    await result(`shutdown: ${way}, ${name}: messages, 1001, and the process ends`, async () => {
      const sends = tls && DESTROYING.includes(way) ? [] : LAST_WORDS;
      const setting = { way, options, sends, tls: tls && certificate() };
      const started = await start(setting);
      try {
        await within(TIMEOUT, way, saysGoodbye(started, tls ? 'wss' : 'ws', sends));
      } finally {
        started.child.kill('SIGKILL');
      }
    });
  }
}
