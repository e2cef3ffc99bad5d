/** `server.stats()` and `server.metrics()`: sums of what connections count, and their text. */

import { channel } from 'node:diagnostics_channel';
import { describe, expect, test } from '@jest/globals';
import WebSocket from '../../../src/index.js';
import { MemoryEngine } from '../../../src/topics/index.js';
import { useClock } from '../../support/clock.js';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import { turns, until } from '../../support/inbox.js';
import { uncaught } from '../../support/process-events.js';
import { useScope } from '../../support/scope.js';
import { useServers } from '../../support/servers.js';
import { topicServer } from '../../support/topic-server.js';
import { connectPair, next } from '../../support/websockets.js';

const scope = useScope();
const clock = useClock();
const { detached, startServer } = useServers(scope);

const EMPTY_HANDSHAKES = [
  0.001,
  0.0025,
  0.005,
  '0.01',
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  '1.0',
  2.5,
  '5.0',
  '10.0',
  '30.0',
];

function bucketsOf(name: string, bounds: readonly (number | string)[], labels = ''): string {
  const lines = [...bounds, '+Inf'].map(
    (bound) => `websocket_server_${name}_bucket{${labels}le="${bound}"} 0`,
  );
  return lines.join('\n');
}

test('a new server has all metrics, each with its type, unit and help', () => {
  const text = detached().metrics();
  expect(text).toContain(
    [
      '# TYPE websocket_server_active_connections gauge',
      '# HELP websocket_server_active_connections Connections that are accepted and not closed.',
      'websocket_server_active_connections 0',
      '# TYPE websocket_server_pending_handshakes gauge',
      '# HELP websocket_server_pending_handshakes Opening handshakes that wait for the program.',
      'websocket_server_pending_handshakes 0',
      '# TYPE websocket_server_connections counter',
      '# HELP websocket_server_connections Opening handshakes, by outcome.',
      'websocket_server_connections_total{outcome="accepted"} 0',
      'websocket_server_connections_total{outcome="refused"} 0',
      'websocket_server_connections_total{outcome="abandoned"} 0',
      '# TYPE websocket_server_refused counter',
    ].join('\n'),
  );
  expect(text).toContain(
    [
      '# TYPE websocket_server_handshake_duration_seconds histogram',
      '# UNIT websocket_server_handshake_duration_seconds seconds',
      '# HELP websocket_server_handshake_duration_seconds From the request to the open connection.',
      bucketsOf('handshake_duration_seconds', EMPTY_HANDSHAKES),
      'websocket_server_handshake_duration_seconds_sum 0',
      'websocket_server_handshake_duration_seconds_count 0',
      '# TYPE websocket_server_connection_duration_seconds histogram',
    ].join('\n'),
  );
  expect(text).toContain(
    [
      '# TYPE websocket_server_wire_bytes counter',
      '# UNIT websocket_server_wire_bytes bytes',
      '# HELP websocket_server_wire_bytes Bytes on the sockets.',
      'websocket_server_wire_bytes_total{direction="sent"} 0',
      'websocket_server_wire_bytes_total{direction="received"} 0',
      '# TYPE websocket_server_buffered_bytes gauge',
      '# UNIT websocket_server_buffered_bytes bytes',
      '# HELP websocket_server_buffered_bytes Message bytes that wait to be sent.',
      'websocket_server_buffered_bytes 0',
      '# TYPE websocket_server_dropped counter',
      '# HELP websocket_server_dropped Messages that were dropped.',
      'websocket_server_dropped_total{policy="full"} 0',
    ].join('\n'),
  );
  expect(text).toMatch(/\n# EOF\n$/);
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(families).toEqual([
    'websocket_server_active_connections',
    'websocket_server_pending_handshakes',
    'websocket_server_connections',
    'websocket_server_refused',
    'websocket_server_handshake_duration_seconds',
    'websocket_server_connection_duration_seconds',
    'websocket_server_closes',
    'websocket_server_messages',
    'websocket_server_wire_bytes',
    'websocket_server_buffered_bytes',
    'websocket_server_dropped',
    'websocket_server_rtt_seconds',
  ]);
});

test('a server that uses topics has metrics of them, and of its broker', async () => {
  const broker = new MemoryEngine().broker();
  const { server, join } = topicServer(scope(), { broker });
  const [one, two] = [await join(), await join()];
  await Promise.all([one.socket.subscribe(['a', 'b']), two.socket.subscribe('a')]);
  server.publish('a', 'x');
  expect(server.stats().topics).toEqual({ occupied: 2, subscriptions: 3 });
  const text = server.metrics();
  const lines = text.split('\n').filter((line) => /^websocket_server_(occ|sub|broker)/.test(line));
  expect(lines).toEqual([
    'websocket_server_occupied_topics 2',
    'websocket_server_subscriptions 3',
    'websocket_server_broker_up 1',
    'websocket_server_broker_topics 2',
    'websocket_server_broker_messages_total{outcome="published"} 1',
    'websocket_server_broker_messages_total{outcome="received"} 0',
    'websocket_server_broker_messages_total{outcome="recovered"} 0',
    'websocket_server_broker_messages_total{outcome="lost"} 0',
    'websocket_server_broker_waiting_messages 0',
    'websocket_server_broker_gaps_total 0',
  ]);
  one.socket.unsubscribe(['a', 'a', 'b']);
  two.client.terminate();
  await two.socket.closed;
  expect(server.stats().topics).toEqual({ occupied: 0, subscriptions: 0 });
});

test('the content type is that of OpenMetrics', () => {
  expect(WebSocket.METRICS_CONTENT_TYPE).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  );
});

describe('labels', () => {
  test('are in front of those of the metric, and escaped', () => {
    const labels = { server: 'a "b"\\c\nd', region: 'é' };
    const text = detached().metrics({ labels });
    const common = 'server="a \\"b\\"\\\\c\\nd",region="é"';
    expect(text).toContain(`websocket_server_active_connections{${common}} 0\n`);
    expect(text).toContain(`_connections_total{${common},outcome="accepted"} 0\n`);
    expect(text).toContain(bucketsOf('handshake_duration_seconds', EMPTY_HANDSHAKES, `${common},`));
  });

  test.each([['a-b'], ['0a'], ['']])('%p is no name', (name) => {
    expect(() => detached().metrics({ labels: { [name]: 'x' } })).toThrow(TypeError);
  });

  test.each([['le'], ['reason'], ['code']])('%s would hide a label of the metrics', (name) => {
    expect(() => detached().metrics({ labels: { [name]: 'x' } })).toThrow(
      `A label needs a name of letters, digits and '_' that no metric has: '${name}'`,
    );
  });
});

describe('the counters', () => {
  test('of open connections and of those that have ended', async () => {
    clock.stop();
    const { wss, ws, client } = await connectPair(scope());
    ws.send('one');
    client.send('two');
    await until(() => ws.stats().messages.received === 1, 'the message');
    const open = wss.stats();
    expect(open).toMatchObject({
      connections: 1,
      accepted: 1,
      abandoned: 0,
      messages: { sent: 1, received: 1 },
      closes: [],
    });
    clock.advance(5000);
    client.close(4000);
    await Promise.all([next(ws, 'close'), next(client, 'close')]);
    expect(wss.stats()).toMatchObject({
      connections: 0,
      accepted: 1,
      messages: { sent: 1, received: 1 },
      closes: [{ code: 4000, by: 'peer', count: 1 }],
    });
    const text = wss.metrics();
    expect(text).toContain('websocket_server_closes_total{code="4000",by="peer"} 1\n');
    expect(text).toContain('websocket_server_handshake_duration_seconds_count 1\n');
    expect(text).toContain('websocket_server_connection_duration_seconds_sum 5\n');
    expect(text).toContain('websocket_server_connection_duration_seconds_bucket{le="1.0"} 0\n');
    expect(text).toContain('websocket_server_connection_duration_seconds_bucket{le="10.0"} 1\n');
  });

  test('of handshakes that are refused, and of clients that leave', async () => {
    const { wss, ask, answer } = startServer({
      path: '/chat',
      authenticate: () => new Promise(() => {}),
    });
    expect((await answer({ target: '/other' })).status).toBe(404);
    expect((await answer({ set: { Upgrade: 'websocket', 'Sec-WebSocket-Key': '-' } })).status).toBe(
      400,
    );
    const sockets: { destroy(): void }[] = [];
    wss.options.authenticate = ({ socket }) => {
      sockets.push(socket);
      return new Promise(() => {});
    };
    ask();
    await until(() => sockets.length === 1, 'the question');
    expect(wss.stats()).toMatchObject({ pendingHandshakes: 1, abandoned: 0 });
    sockets[0]?.destroy();
    await until(() => wss.stats().pendingHandshakes === 0, 'the end');
    expect(wss.stats()).toMatchObject({
      accepted: 0,
      abandoned: 1,
      refused: { path: 1, malformed: 1 },
    });
    const text = wss.metrics();
    expect(text).toContain('websocket_server_connections_total{outcome="refused"} 2\n');
    expect(text).toContain('websocket_server_refused_total{reason="malformed"} 1\n');
  });

  test("count a handshake once, also if a listener of 'wsClientError' throws", async () => {
    const { wss, answer } = startServer();
    wss.on('callbackError', () => {});
    wss.on('wsClientError', () => {
      throw new Error('own');
    });
    const set = { Upgrade: 'websocket', 'Sec-WebSocket-Key': '-' };
    expect((await answer({ set })).status).toBe(500);
    expect(wss.stats().refused).toMatchObject({ malformed: 1, callbackError: 0 });
    expect(wss.metrics()).toContain('websocket_server_connections_total{outcome="refused"} 1\n');
  });

  test("of a connection whose 'open' listener throws: it was accepted", async () => {
    class Throwing extends WebSocket.WebSocket {
      override emit(event: string, ...args: never[]): boolean {
        if (event === 'open') throw new Error('of the program');
        return super.emit(event, ...args);
      }
    }
    const exceptions = uncaught(scope());
    const { wss, ask } = startServer({ WebSocket: Throwing });
    ask();
    await until(() => wss.stats().closes.length === 1, 'the end');
    expect(wss.stats()).toMatchObject({ accepted: 1, abandoned: 0, connections: 0 });
    expect(exceptions).toEqual([new Error('of the program')]);
  });

  test('of what waits and what was dropped', async () => {
    const { wss, ask, connections } = startServer({
      maxBufferedAmount: 1,
      overflow: 'drop-newest',
    });
    const { inbox } = ask();
    inbox.stream.pause();
    await until(() => connections.length === 1, 'the connection');
    const [[ws] = []] = connections;
    for (let i = 0; i < 50; i++) ws?.send(Buffer.alloc(100_000));
    await turns(1);
    const { buffered, dropped } = wss.stats();
    expect(buffered).toBe(ws?.bufferedAmount);
    expect(dropped.full).toBeGreaterThan(0);
    expect(ws?.stats()).toMatchObject({ buffered, dropped: dropped.full });
    inbox.stream.resume();
  });

  test('without clients that are tracked, of the ended ones', async () => {
    const { wss, ask, connections } = startServer({ clientTracking: false });
    const { inbox } = ask();
    await until(() => connections.length === 1, 'the connection');
    inbox.stream.write(frame({ payload: 'x', mask: KEY }));
    const [[ws] = []] = connections;
    await until(() => ws?.stats().messages.received === 1, 'the message');
    expect(wss.stats()).toMatchObject({ connections: 1, messages: { received: 0 } });
    inbox.stream.end(frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000), mask: KEY }));
    await until(() => wss.stats().connections === 0, 'the end');
    expect(wss.stats().messages.received).toBe(1);
  });
});

describe('messageMetrics', () => {
  test('has the types and lengths of messages, and the ratio of compression', async () => {
    const compression = { perMessageDeflate: { threshold: 0 } };
    const options = { ...compression, messageMetrics: true };
    const { wss, ws, client } = await connectPair(scope(), options, compression);
    ws.send('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
    client.send(Buffer.alloc(7), { compress: false });
    client.send('é', { compress: false });
    await until(() => ws.stats?.().messages.received === 2, 'the messages');
    wss.close();
    const metrics = wss.metrics();
    const lines = metrics
      .split('\n')
      .filter((line) => /^websocket_server_(message|comp)/.test(line));
    expect(lines).toEqual([
      'websocket_server_messages_total{direction="sent",type="text"} 1',
      'websocket_server_messages_total{direction="sent",type="binary"} 0',
      'websocket_server_messages_total{direction="received",type="text"} 1',
      'websocket_server_messages_total{direction="received",type="binary"} 1',
      'websocket_server_message_bytes_total{direction="sent",type="text"} 40',
      'websocket_server_message_bytes_total{direction="sent",type="binary"} 0',
      'websocket_server_message_bytes_total{direction="received",type="text"} 2',
      'websocket_server_message_bytes_total{direction="received",type="binary"} 7',
      expect.stringMatching(/^websocket_server_compression_ratio{direction="sent"} [3-9]/),
      'websocket_server_compression_ratio{direction="received"} 1',
    ]);
  });

  test('counts for its own server only, and until it is closed', async () => {
    const isObserved = () => channel('ws6455:message').hasSubscribers;
    const [counting, other] = [detached({ messageMetrics: true }), await connectPair(scope())];
    const received = next(other.client, 'message');
    other.ws.send('text');
    await received;
    expect(counting.metrics()).toContain('messages_total{direction="sent",type="text"} 0\n');
    expect(isObserved()).toBe(true);
    counting.close();
    await next(counting, 'close');
    expect(isObserved()).toBe(false);
  });

  test('is of the whole server, as memoryBudget is', () => {
    for (const options of [{ messageMetrics: true }, { memoryBudget: 1 }]) {
      expect(() => detached().route('/', options as object, () => {})).toThrow(
        /^A route cannot have the option \w+, which is of the whole server/,
      );
    }
  });
});
