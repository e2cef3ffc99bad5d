/** docs/observability.md and its example, with stand-ins for the API of OpenTelemetry. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { channels } from '../../src/connection/channels.js';
import { until } from '../support/inbox.js';
import { useScope } from '../support/scope.js';
import { connectPair, memoryServer, next, serve } from '../support/websockets.js';

const ROOT = join(__dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/observability.md'), 'utf8');
const scope = useScope();
const nodeRequire = createRequire(__filename);

type Attributes = Record<string, unknown>;

/** What was added to instruments, as `name value attributes`, and the spans that have ended. */
function telemetry() {
  const added: string[] = [];
  const ended: { name: string; kind: number; attributes: Attributes; failed: boolean }[] = [];
  const instrument = (name: string) => {
    const add = (value: number, attributes: Attributes = {}) =>
      added.push([name, value, ...Object.entries(attributes).flat()].join(' '));
    return { add, record: add };
  };
  const meter = {
    createUpDownCounter: instrument,
    createHistogram: instrument,
    createCounter: instrument,
  };
  const tracer = {
    startSpan(name: string, { kind, attributes }: { kind: number; attributes: Attributes }) {
      const span = { name, kind, attributes: { ...attributes }, failed: false };
      return {
        setAttribute: (key: string, value: unknown) => {
          span.attributes[key] = value;
        },
        setStatus: ({ code }: { code: number }) => {
          span.failed = code === 2;
        },
        end: () => ended.push(span),
      };
    },
  };
  return { added, ended, meter, tracer };
}

test('the example for OpenTelemetry feeds spans and metrics', async () => {
  const { added, ended, meter, tracer } = telemetry();
  const diagnostics = nodeRequire('node:diagnostics_channel') as {
    subscribe: (name: string, listener: (message: unknown) => void) => void;
    unsubscribe: (name: string, listener: (message: unknown) => void) => void;
  };
  const exports: { instrument?: (...args: unknown[]) => void } = {};
  const program = readFileSync(join(ROOT, 'docs/examples/opentelemetry.js'), 'utf8');
  const subscribe = (name: string, listener: (message: unknown) => void): void => {
    diagnostics.subscribe(name, listener);
    scope().later(() => diagnostics.unsubscribe(name, listener));
  };
  new Function('require', 'exports', program)(() => ({ subscribe }), exports);
  exports.instrument?.(meter, tracer);

  const { ws, client } = await connectPair(scope());
  client.send('hello');
  await until(() => added.length === 5, 'the message');
  client.terminate();
  await Promise.all([next(ws, 'close'), next(client, 'close')]);
  const { http, connect } = memoryServer(scope());
  serve(scope(), { server: http, path: '/chat' });
  await next(connect(), 'error');

  expect(added.slice(0, 5).sort()).toEqual([
    'websocket.io 11 network.io.direction receive',
    'websocket.io 11 network.io.direction transmit',
    'websocket.messages 1 network.io.direction receive websocket.message.type text',
    'websocket.messages 1 network.io.direction transmit websocket.message.type text',
    'websocket.server.active_connections 1',
  ]);
  expect(added.slice(5)).toEqual([
    'websocket.server.active_connections -1',
    expect.stringMatching(/^websocket\.server\.connection\.duration [\d.]+ error\.type end$/),
  ]);
  const spans = ended.map(({ kind, attributes, failed }) => [
    kind,
    attributes['http.response.status_code'],
    attributes['error.type'],
    failed,
  ]);
  expect(spans).toEqual([
    [1, 101, undefined, false],
    [2, 101, undefined, false],
    [1, 404, 'path', true],
    [2, 404, 'WS_ERR_UNEXPECTED_RESPONSE', true],
  ]);
});

test('the page names every channel', () => {
  const names = Object.values(channels).map((one) =>
    'name' in one ? String(one.name) : 'tracing:ws6455:handshake:start',
  );
  expect(names.filter((name) => !PAGE.includes(`\`${name}\``))).toEqual([]);
});

test('the page names every metric', () => {
  const text = serve(scope(), { noServer: true }).metrics();
  const names = [...text.matchAll(/^# TYPE (\S+) (\w+)/gm)].map(
    ([, name, type]) => `\`${name}${type === 'counter' ? '_total' : ''}\``,
  );
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !PAGE.includes(name))).toEqual([]);
});
