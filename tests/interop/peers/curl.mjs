/** curl reads the variables no_proxy and http_proxy as the tables of the unit tests say. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { result, skip } from '../support/results.mjs';

const rows = JSON.parse(readFileSync(new URL('../support/no-proxy.json', import.meta.url), 'utf8'));

const { status, stdout } = spawnSync('curl', ['--version'], { encoding: 'utf8' });

/** Starts a server that is a proxy, which refuses, and the server behind it as well. */
async function startRecorder() {
  const seen = [];
  const server = createServer((_request, response) => {
    seen.push('direct');
    response.end();
  });
  server.on('connect', (_request, socket) => {
    seen.push('proxy');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { seen, port: server.address().port, close: () => server.close() };
}

/** How curl connects to a host: every host is the recorder. */
async function wayOf({ seen, port }, host, environment) {
  seen.length = 0;
  const to = `::127.0.0.1:${port}`;
  const url = `http://${host}/`;
  const command = ['--silent', '--max-time', '10', '--connect-to', to, '--proxytunnel', url];
  const { PATH } = process.env;
  const curl = spawn('curl', command, { env: { PATH, ...environment }, stdio: 'ignore' });
  await once(curl, 'exit');
  return seen.join();
}

async function compare() {
  const title = stdout.match(/curl \d[\d.]*/)?.[0];
  const recorder = await startRecorder();
  const proxy = `http://127.0.0.1:${recorder.port}`;
  await result(
    `${title}: ${rows.length} values of no_proxy exclude what the table says`,
    async () => {
      const read = [];
      for (const [list, host] of rows) {
        const way = await wayOf(recorder, host, { http_proxy: proxy, no_proxy: list });
        read.push([list, host, way === 'direct']);
      }
      assert.deepEqual(read, rows);
    },
  );
  await result(
    `${title}: HTTP_PROXY is not read, http_proxy, ALL_PROXY and NO_PROXY are`,
    async () => {
      const ways = [];
      for (const environment of [
        { HTTP_PROXY: proxy },
        { http_proxy: proxy },
        { ALL_PROXY: proxy },
        { all_proxy: proxy },
        { ALL_PROXY: proxy, NO_PROXY: '*' },
        { ALL_PROXY: proxy, no_proxy: '', NO_PROXY: '*' },
        { http_proxy: '', ALL_PROXY: proxy },
      ]) {
        ways.push(await wayOf(recorder, 'example.com', environment));
      }
      const expected = ['direct', 'proxy', 'proxy', 'proxy', 'direct', 'direct', 'proxy'];
      assert.deepEqual(ways, expected);
    },
  );
  recorder.close();
}

if (status !== 0) skip('curl', 'no curl');
else await compare();
