import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { REFUSALS } from '../../src/handshake/errors.js';
import WebSocket from '../../src/index.js';
import { CLOSING_TABLE, type ClosingStep } from '../../src/protocol/close.js';
import { VIOLATIONS } from '../../src/protocol/errors.js';
import { PROXY_FAILURES } from '../../src/proxy/failures.js';
import { RFC_6455, RFC_7692 } from '../requirements/index.js';
import { chapters6455, chapters7692, differences, overview } from '../requirements/render.js';
import {
  eventTable,
  type Interface,
  methodList,
  optionTable,
  propertyTable,
} from '../support/api-tables.js';

const ROOT = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [row(...head), `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
}

function violations(): string {
  const rows = Object.values(VIOLATIONS).map((one) =>
    row(`\`${one.code}\``, one.closeCode, one.sentence.replace('%', '*N*'), one.rfc),
  );
  return table(['code', 'close code', 'message and close reason', 'rule'], rows);
}

function refusals(): string {
  const rows = Object.values(REFUSALS).map((one) =>
    row(`\`${one.code}\``, one.status || '–', one.sentence.replace('%', '*N*'), one.rfc),
  );
  return table(['code', 'HTTP status', 'message', 'rule'], rows);
}

function proxies(): string {
  const rows = Object.values(PROXY_FAILURES).map(({ code, sentence, rfc }) =>
    row(`\`${code}\``, sentence.replace('%', '*N*'), rfc),
  );
  return table(['code', 'message', 'rule'], rows);
}

function cell(step: ClosingStep | undefined): string {
  if (step === undefined) return '–';
  return [`**${step.to}**`, step.actions.join(', ')].filter(Boolean).join(': ');
}

function closing(): string {
  const inputs = [...new Set(Object.values(CLOSING_TABLE).flatMap((one) => Object.keys(one)))];
  const rows = Object.entries(CLOSING_TABLE).map(([state, steps]) => {
    const cells = inputs.map((input) => {
      const step = steps[input as keyof typeof steps];
      if (step === undefined || 'to' in step) return cell(step);
      return `server ${cell(step.server)}; client ${cell(step.client)}`;
    });
    return row(state, ...cells);
  });
  return table(['state \\ input', ...inputs], rows);
}

const CONNECTION = 'src/connection/options.ts';
const WEBSOCKET = 'src/websocket/api.ts';
const ITERATION = 'src/websocket/iteration-api.ts';
const TOPICS = 'src/websocket/topics-api.ts';
const SERVER = 'src/server/api.ts';
const SERVER_TOPICS = 'src/server/topics-api.ts';
const SHUTDOWN = 'src/server/shutdown-options.ts';

/** The parts of docs/api.md that are made from the interfaces of the API. */
const API: readonly (readonly [kind: Kind, ...of: Interface[]])[] = [
  ['options', ['src/client/options.ts', 'ClientOptions']],
  ['options', ['src/proxy/options.ts', 'ProxyOptions']],
  ['options', [ITERATION, 'ConnectOptions']],
  ['properties', [ITERATION, 'IterationApi']],
  ['methods', [ITERATION, 'IterationApi']],
  ['options', [ITERATION, 'MessagesOptions']],
  ['options', [CONNECTION, 'ConnectionOptions']],
  ['options', [CONNECTION, 'HeartbeatOptions']],
  ['properties', [WEBSOCKET, 'WebSocketApi']],
  ['properties', ['src/connection/close-info.ts', 'CloseInfo']],
  ['methods', [WEBSOCKET, 'WebSocketApi']],
  ['properties', [WEBSOCKET, 'SocketStats']],
  [
    'options',
    [WEBSOCKET, 'PrepareOptions'],
    [WEBSOCKET, 'SendOptions'],
    [WEBSOCKET, 'QueueOptions'],
  ],
  ['options', [WEBSOCKET, 'MeasureOptions']],
  ['options', [WEBSOCKET, 'EventListenerOptions']],
  ['events', ['src/websocket/typed-emitter.ts', 'WebSocketEvents']],
  ['options', ['src/server/options.ts', 'ServerOptions']],
  ['options', ['src/server/admission-options.ts', 'AdmissionOptions']],
  ['properties', ['src/server/options.ts', 'VerifyClientInfo']],
  ['properties', [SERVER, 'ServerApi'], [SERVER, 'ShutdownApi']],
  [
    'methods',
    [SERVER, 'ServerApi'],
    [SERVER, 'BroadcastApi'],
    [SERVER, 'EndpointsApi'],
    ['src/server/handler-api.ts', 'HandlerApi'],
    [SERVER, 'ShutdownApi'],
  ],
  ['options', [SHUTDOWN, 'ShutdownOptions']],
  ['properties', [SHUTDOWN, 'ShutdownReport']],
  ['options', ['src/server/options.ts', 'MaxLifetime']],
  ['properties', [SERVER, 'ServerStats'], [SERVER_TOPICS, 'TopicStats']],
  ['properties', [SERVER, 'DroppedCounts']],
  ['options', [SERVER, 'MetricsOptions']],
  [
    'options',
    [WEBSOCKET, 'PrepareOptions'],
    [SERVER, 'BroadcastOptions'],
    [WEBSOCKET, 'QueueOptions'],
  ],
  ['properties', [SERVER, 'BroadcastReport']],
  ['events', [SERVER, 'WebSocketServerEvents']],
  ['properties', [TOPICS, 'SubscriberApi']],
  ['methods', [TOPICS, 'SubscriberApi']],
  ['methods', [SERVER_TOPICS, 'TopicsApi']],
  ['methods', [SERVER_TOPICS, 'HistoryApi']],
  ['options', ['src/server/broker.ts', 'HistoryLimits']],
  ['properties', [SERVER_TOPICS, 'TopicMessage']],
  [
    'options',
    [WEBSOCKET, 'PrepareOptions'],
    [SERVER_TOPICS, 'PublishOptions'],
    [WEBSOCKET, 'QueueOptions'],
  ],
  ['events', [SERVER_TOPICS, 'TopicEvents']],
  ['properties', [SERVER_TOPICS, 'BrokerStats']],
  ['properties', [SERVER_TOPICS, 'TopicCounts']],
  ['options', ['src/permessage-deflate/options.ts', 'PerMessageDeflateOptions']],
  ['options', [WEBSOCKET, 'PrepareOptions']],
];

const PEER = 'src/sans-io/peer-protocol.ts';
const DECODE = 'src/sans-io/decode-frames.ts';

/** The same for docs/protocol.md. */
const PROTOCOL: readonly (readonly [kind: Kind, ...of: Interface[]])[] = [
  ['options', [PEER, 'ProtocolOptions']],
  ['options', [PEER, 'MessageOptions']],
  ['options', [DECODE, 'DecodeOptions']],
  ['properties', [DECODE, 'DecodedHeader'], [DECODE, 'DecodedFrame']],
  ['properties', ['src/sans-io/frame-fields.ts', 'FrameField']],
  ['options', ['src/sans-io/encode-frame.ts', 'FrameFields']],
  ['options', ['src/sans-io/client-handshake.ts', 'ClientHandshakeOptions']],
  ['options', ['src/sans-io/server-handshake.ts', 'ServerHandshakeOptions']],
];

const RECORDS = 'src/recording/records.ts';
const COMPARISON = 'src/recording/replay-comparison.ts';

/** The same for docs/recording.md. */
const RECORDING: readonly (readonly [kind: Kind, ...of: Interface[]])[] = [
  ['properties', [RECORDS, 'RecordingStart']],
  ['properties', [RECORDS, 'OfConnection']],
  ['properties', [RECORDS, 'ConnectionRecord']],
  ['properties', [RECORDS, 'HandshakeRecord']],
  ['properties', [RECORDS, 'FrameRecord']],
  ['properties', [RECORDS, 'BytesRecord']],
  ['properties', [RECORDS, 'EndRecord']],
  ['properties', [COMPARISON, 'ReplayDifference']],
  ['properties', [COMPARISON, 'ReplayResult']],
];

const GENERATORS = {
  options: optionTable,
  properties: propertyTable,
  methods: methodList,
  events: eventTable,
} as const;

type Kind = keyof typeof GENERATORS;

function partsOf(path: string, parts: typeof API) {
  return parts.map(([kind, ...of]) => {
    const name = `${kind}: ${of.map(([, name]) => name).join(' ')}`;
    return [path, name, () => GENERATORS[kind](...of)] as const;
  });
}

/** The parts of docs/standard.md. */
const STANDARD: typeof API = [
  ['options', ['src/standard/options.ts', 'WebSocketInit']],
  ['properties', ['src/standard/interface.ts', 'WebSocket']],
  ['methods', ['src/standard/interface.ts', 'WebSocket']],
];

/** The parts of docs/reconnect.md. */
const RECONNECT: typeof API = [
  ['options', ['src/reconnect/options.ts', 'ReconnectOptions']],
  ['options', ['src/reconnect/backoff.ts', 'BackoffOptions']],
  ['properties', ['src/reconnect/options.ts', 'AttemptInfo']],
  ['properties', ['src/reconnect/options.ts', 'ResumeInfo']],
  ['options', ['src/reconnect/send-buffer.ts', 'SendBufferOptions']],
];

/** The parts of docs/topics.md. */
const TOPICS_PAGE: typeof API = [
  ['options', ['src/topics/cluster-broker.ts', 'ClusterOptions']],
  ['options', ['src/topics/cluster.ts', 'PrimaryOptions']],
  ['properties', ['src/topics/cluster-hub.ts', 'PrimaryStats']],
  ['options', ['src/topics/redis.ts', 'RedisOptions']],
  ['options', ['src/topics/nats.ts', 'NatsOptions']],
  ['options', ['src/topics/nats.ts', 'NatsHistoryOptions']],
];

const CROSSWS_INTERFACE = 'src/crossws/interface.ts';

/** The parts of docs/crossws.md. */
const CROSSWS: typeof API = [
  ['options', [CROSSWS_INTERFACE, 'AdapterOptions']],
  ['properties', [CROSSWS_INTERFACE, 'CrosswsAdapter']],
  ['methods', [CROSSWS_INTERFACE, 'Hooks']],
  ['options', [CROSSWS_INTERFACE, 'UpgradeAnswer']],
  ['properties', [CROSSWS_INTERFACE, 'Peer']],
  ['methods', [CROSSWS_INTERFACE, 'Peer']],
  ['properties', [CROSSWS_INTERFACE, 'Message']],
  ['methods', [CROSSWS_INTERFACE, 'Message']],
];

/** The messages on the channels, in docs/observability.md. */
const DIAGNOSTICS = [
  ...['Connection', 'Handshake', 'Open', 'Close', 'Frame', 'Message', 'Ping', 'Pong'],
  ...['Violation', 'Refusal', 'Backpressure', 'Drop', 'Shutdown'],
].map((word) => {
  const name = `${word}Diagnostic`;
  const table = () => propertyTable(['src/connection/channels.ts', name]);
  return ['docs/observability.md', `properties: ${name}`, table] as const;
});

/** What stands between the two marks of a generated part. */
const between = (name: string) => new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- end -->)`);

describe.each([
  ['docs/errors.md', 'violations', violations],
  ['docs/errors.md', 'refusals', refusals],
  ['docs/errors.md', 'proxies', proxies],
  ['docs/closing.md', 'closing table', closing],
  ['docs/rfc6455.md', 'differences', () => differences(RFC_6455)],
  ['docs/rfc6455.md', 'overview', () => overview(RFC_6455)],
  ['docs/rfc6455.md', 'requirements', () => chapters6455(RFC_6455)],
  ['docs/rfc7692.md', 'differences', () => differences(RFC_7692)],
  ['docs/rfc7692.md', 'overview', () => overview(RFC_7692)],
  ['docs/rfc7692.md', 'requirements', () => chapters7692(RFC_7692)],
  ...partsOf('docs/api.md', API),
  ...partsOf('docs/protocol.md', PROTOCOL),
  ...partsOf('docs/recording.md', RECORDING),
  ...partsOf('docs/standard.md', STANDARD),
  ...partsOf('docs/reconnect.md', RECONNECT),
  ...partsOf('docs/topics.md', TOPICS_PAGE),
  ...partsOf('docs/crossws.md', CROSSWS),
  ...DIAGNOSTICS,
])('%s', (path, name, generate) => {
  // UPDATE_DOCS=1 npx jest tests/unit/docs.test.ts writes the tables anew.
  test(`${name}: as in the code`, () => {
    const mark = between(name);
    if (process.env['UPDATE_DOCS']) {
      const text = read(path).replace(mark, (_, a, b) => `${a}${generate()}\n${b}`);
      writeFileSync(join(ROOT, path), text);
    }
    expect(mark.exec(read(path))?.[0]).toContain(generate());
  });
});

/** What docs/api.md has for options without effect, and for one whose default depends on the role. */
const WITHOUT_DEFAULT: Record<string, string> = {
  maxBufferedChunks: '–',
  maxPendingAutoPongs: '–',
  perMessageDeflate: 'a client offers compression, a server declines it',
};

describe('docs/api.md', () => {
  const { WebSocketServer } = WebSocket;
  const membersOf = (of: object) =>
    Object.getOwnPropertyNames(of).filter((name) => !['constructor', 'length'].includes(name));
  const defaults = new WebSocketServer({ server: createServer() }).options as object;

  test.each([
    ['WebSocket', membersOf(WebSocket.prototype)],
    ['WebSocketServer', membersOf(WebSocketServer.prototype)],
    ['the package', Object.keys(WebSocket)],
    ['the server options', Object.keys(defaults)],
    ['the types', typeNames()],
  ])('names every member of %s', (_of, names) => {
    const api = read('docs/api.md');
    const own = names.filter((name) => !name.startsWith('_')); // those are in from-ws.md
    const missing = own.filter(
      (name) => !new RegExp(`\`[^\`\n]*\\b${name}\\b[^\`\n]*\``).test(api),
    );
    expect(missing).toEqual([]);
  });

  test('the defaults that it names are those of a server', () => {
    const inCode = Object.entries(defaults).filter(([, value]) =>
      ['number', 'boolean'].includes(typeof value),
    );
    const named = inCode.map(([name]) => [name, defaultOf(name)]);
    const expected = inCode.map(([name, value]) => [name, WITHOUT_DEFAULT[name] ?? String(value)]);
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(expected));
  });

  test('every option that it names is known', () => {
    const warnings: string[] = [];
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation((text) => {
      warnings.push(String(text));
    });
    const undefinedFor = (name: string) =>
      Object.fromEntries(optionNames(name).map((option) => [option, undefined]));
    const shared = undefinedFor('ConnectionOptions');
    new WebSocketServer({ ...shared, ...undefinedFor('ServerOptions'), noServer: true });
    const perMessageDeflate = undefinedFor('PerMessageDeflateOptions');
    new WebSocketServer({ noServer: true, perMessageDeflate });
    const client = { ...shared, ...undefinedFor('ClientOptions'), createConnection: () => null };
    new WebSocket('ws://127.0.0.1/', client).on('error', () => undefined).terminate();
    warn.mockRestore();
    expect(warnings).toEqual([]);
  });

  function typeNames(): string[] {
    const list = /export type \{([^}]+)\}/.exec(read('src/index.mts'))?.[1] ?? '';
    return list.match(/\w+/g) ?? [];
  }

  function defaultOf(option: string): string {
    const row = new RegExp(`^\\| \`${option}\` \\|.+?[^\\\\]\\| ([^|]+) \\|`, 'm').exec(
      read('docs/api.md'),
    );
    return row?.[1]?.replace(/ \(.*| (?=\d)/g, '') ?? '';
  }

  function optionNames(of: string): string[] {
    const part = between(`options: ${of}`).exec(read('docs/api.md'))?.[0] ?? '';
    return Array.from(part.matchAll(/^\| `(\w+)`/gm), ([, name = '']) => name);
  }
});

test('docs/protocol.md names everything that ws6455/protocol exports', () => {
  const text = read('docs/protocol.md');
  const lists = read('src/protocol.ts').matchAll(/export (?:type )?\{([^}]+)\}/g);
  const names = Array.from(lists).flatMap(([, list = '']) => list.match(/\w+/g) ?? []);
  expect(names.length).toBeGreaterThan(30);
  const isNamed = (name: string) => new RegExp(`\`[^\`\n]*\\b${name}\\b[^\`\n]*\``).test(text);
  expect(names.filter((name) => !isNamed(name))).toEqual([]);
});

function markdown(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules') return []; // of an example
    if (entry.isDirectory()) return markdown(`${folder}/${entry.name}`);
    return entry.name.endsWith('.md') ? [`${folder}/${entry.name}`] : [];
  });
}

/** The headings of a page, as GitHub links to them. */
function headingsOf(path: string): string[] {
  const titles = Array.from(read(path).matchAll(/^#+ (.+)$/gm), ([, title = '']) => title);
  return titles.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
}

const IN_THE_ROOT = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];

describe.each([...IN_THE_ROOT, ...markdown('docs')])('%s', (path) => {
  test('its links to files and headings lead somewhere', () => {
    const links = Array.from(read(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g));
    const dead = links.filter(([, to = '', heading]) => {
      const target = to === '' ? path : join(dirname(path), to);
      if (!existsSync(join(ROOT, target))) return true;
      return heading !== undefined && !headingsOf(target).includes(heading);
    });
    expect(dead.map(([link]) => link)).toEqual([]);
  });

  test('the files and folders of the repository that it names are there', () => {
    const names = read(path).match(/(?<![\w/.-])(?:src|tests|docs|\.ci|\.github)\/[\w./-]*\w/g);
    expect(names?.filter((name) => !existsSync(join(ROOT, name))) ?? []).toEqual([]);
  });
});

const DECISIONS = markdown('docs/decisions').filter((path) => !path.endsWith('README.md'));

describe.each(DECISIONS)('%s', (path) => {
  const [title = '', , status] = read(path).split('\n');

  test('has its number, its status and its date', () => {
    expect(title).toMatch(new RegExp(`^# ${/\d+/.exec(path)?.[0]}: `));
    expect(status).toMatch(/^Status: in force.*\. Date: \d{4}-\d\d-\d\d\.$/);
  });

  test('is in the list with its title', () => {
    const line = `- [${title.slice(2)}](${path.replace('docs/decisions/', '')})`;
    expect(read('docs/decisions/README.md')).toContain(line);
  });
});

test('the README shows the two commands, the changelog the version', () => {
  const readme = read('README.md');
  expect(readme).toContain('npm ci && npm start');
  expect(readme).toContain('npm ci && npm test');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(read('CHANGELOG.md')).toContain(`## ${version}`);
});

test('docs/performance.md and its charts are what the results of the bench make of them', () => {
  const args = [join(ROOT, 'tests/bench/document.mjs'), '--check'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
