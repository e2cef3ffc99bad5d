/**
 * A parser for Prometheus reads what `server.metrics()` returns: `node tests/observability/run.mjs`.
 * Prints one line per result and closes with their sum. WS6455_SUBJECT names another build.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import parse from 'parse-prometheus-text-format';
import { result, tally } from '../interop/support/results.mjs';

const require = createRequire(import.meta.url);
const SUBJECT = process.env.WS6455_SUBJECT ?? '../../dist/index.js';
const WebSocket = require(SUBJECT);
const { METRICS_CONTENT_TYPE, WebSocketServer } = WebSocket;
const { MemoryEngine } = require(join(dirname(SUBJECT), 'topics/index.js'));

/** The labels with all the characters that are escaped. */
const LABELS = { instance: 'a "b" \\ c\nd', region: 'é' };

/** A server that has seen a few clients, and a page with its metrics. */
async function scene() {
  const http = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': METRICS_CONTENT_TYPE });
    response.end(server.metrics(request.url === '/labels' ? { labels: LABELS } : {}));
  });
  const server = new WebSocketServer({
    server: http,
    path: '/chat',
    broker: new MemoryEngine().broker(),
  });
  server.on('connection', (socket) => {
    void socket.subscribe(['all', 'some']);
    socket.on('message', (data) => socket.send(data));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = `127.0.0.1:${http.address().port}`;
  const echo = async () => {
    const client = new WebSocket(`ws://${address}/chat`);
    await once(client, 'open');
    client.send('hello');
    await once(client, 'message');
    return client;
  };
  const [first, open] = [await echo(), await echo()];
  first.close(4000);
  await once(first, 'close');
  server.publish('none', 'nobody hears it');
  const refused = new WebSocket(`ws://${address}/other`);
  await once(refused, 'error');
  while (server.stats().connections > 1) await new Promise((done) => setImmediate(done));
  return { address, end: () => [open.terminate(), http.close()] };
}

const { address, end } = await scene();
const response = await fetch(`http://${address}/metrics`);
const text = await response.text();
const labelled = await (await fetch(`http://${address}/labels`)).text();
end();

const families = new Map(parse(text).map((family) => [family.name, family]));
const lines = text.split('\n');

/** The value of a metric with these labels. */
function value(name, labels = {}) {
  const found = families
    .get(name)
    ?.metrics.find((one) =>
      Object.entries(labels).every(([label, given]) => one.labels?.[label] === given),
    );
  return found?.value;
}

await result('the content type is that of OpenMetrics', () => {
  strictEqual(response.headers.get('content-type'), METRICS_CONTENT_TYPE);
});

await result('the parser finds the counters', () => {
  strictEqual(value('websocket_server_active_connections'), '1');
  strictEqual(value('websocket_server_connections_total', { outcome: 'accepted' }), '2');
  strictEqual(value('websocket_server_connections_total', { outcome: 'refused' }), '1');
  strictEqual(value('websocket_server_refused_total', { reason: 'path' }), '1');
  strictEqual(value('websocket_server_messages_total', { direction: 'sent' }), '2');
  strictEqual(value('websocket_server_wire_bytes_total', { direction: 'sent' }) > 0, true);
  strictEqual(value('websocket_server_closes_total', { code: '4000', by: 'peer' }), '1');
});

await result('the parser finds topics and the broker', () => {
  strictEqual(value('websocket_server_occupied_topics'), '2');
  strictEqual(value('websocket_server_subscriptions'), '2');
  strictEqual(value('websocket_server_broker_up'), '1');
  strictEqual(value('websocket_server_broker_topics'), '2');
  strictEqual(value('websocket_server_broker_messages_total', { outcome: 'published' }), '1');
  strictEqual(value('websocket_server_broker_messages_total', { outcome: 'lost' }), '0');
});

await result('the parser finds the histograms', () => {
  const family = families.get('websocket_server_handshake_duration_seconds');
  strictEqual(family.type, 'HISTOGRAM');
  const [{ buckets, count }] = family.metrics;
  strictEqual(count, '2');
  strictEqual(buckets['+Inf'], '2');
  const counts = Object.values(buckets).map(Number);
  deepStrictEqual(
    counts,
    [...counts].sort((a, b) => a - b),
  );
});

await result('the labels are what was given', () => {
  const found = parse(labelled).find(({ name }) => name === 'websocket_server_active_connections');
  deepStrictEqual(found.metrics, [{ value: '1', labels: LABELS }]);
});

await result(
  'OpenMetrics: TYPE, UNIT and HELP are together, before the samples of a family',
  () => {
    strictEqual(text.endsWith('# EOF\n'), true);
    const names = lines
      .filter((line) => line.startsWith('# TYPE '))
      .map((line) => line.split(' ')[2]);
    strictEqual(new Set(names).size, names.length);
    let family = '';
    for (const line of lines.slice(0, -2)) {
      const [mark, word, name] = line.split(' ');
      if (mark === '#' && word === 'TYPE') family = name;
      else if (mark === '#') strictEqual(name, family);
      else ok(line.startsWith(family), `${line} is in the family ${family}`);
      if (word === 'UNIT') ok(family.endsWith(`_${line.split(' ')[3]}`), line);
    }
  },
);

console.log(`${tally}`);
