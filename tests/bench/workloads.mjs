/**
 * What is measured: one row per workload.
 *
 * `load` holds the options of the load generator (see the head of wsload.c); the servers get them
 * too, and `application`, which says what else the program does. `side` says whose cost it is: the server's, or that of a client against one fixed server.
 * `targets` is what the subject must reach for `--check`, as a multiple of a peer's figure; `heldAt`
 * is what it must not fall behind where the target itself is not reached.
 */

export const PER_MESSAGE = 'CPU µs per message';

const BINARY = { binary: true };
const JSON_TEXT = { text: true };
const KIB = 1024;

/** No workload may cost more than the peer's, beyond what noise explains. */
const NEVER_SLOWER = 1.05;

/** `others` are set against other runtimes: they count where these are there. */
function targets(ws = NEVER_SLOWER, ceiling = undefined, others = {}) {
  const all = { ws, ceiling, ...others };
  const known = Object.entries(all).filter(([, atMost]) => atMost !== undefined);
  return known.map(([against, atMost]) => ({ against, atMost }));
}

/** With many in flight nobody else who answers message by message may be cheaper. */
const BELOW_OTHERS = { Deno: 1, gorilla: 1 };

function echo(id, what, load, ...limits) {
  const { conns = 50, pipeline = 1 } = load;
  const [ws, ceiling, others] = limits;
  return {
    id,
    title: `echo ${what} ×${pipeline}, ${conns} connections`,
    unit: PER_MESSAGE,
    side: 'server',
    load: { conns, pipeline, ...load },
    targets: targets(ws, ceiling, { ...(pipeline === 16 && BELOW_OTHERS), ...others }),
  };
}

const ECHO = [
  echo('64Bx1', '64 B', { size: 64, ...BINARY }, 0.93, 1.15),
  echo('64Bx16', '64 B', { size: 64, pipeline: 16, ...BINARY }, 0.13, 2, { Bun: 1.3 }),
  echo('64Bx128', '64 B', { size: 64, pipeline: 128, ...BINARY }),
  echo('1KiBx1', '1 KiB', { size: KIB, ...BINARY }, 0.9, 1.25),
  echo('1KiBx16', '1 KiB', { size: KIB, pipeline: 16, ...BINARY }, undefined, undefined, {
    Bun: 1.3,
  }),
  echo('16KiB', '16 KiB', { conns: 20, size: 16 * KIB, ...BINARY }, 0.5, 1.6),
  echo(
    '16KiBascii',
    '16 KiB of ASCII text',
    { conns: 20, size: 16 * KIB, ...JSON_TEXT },
    0.6,
    undefined,
    {
      Bun: 0.6,
    },
  ),
  echo(
    '16KiBtext',
    '16 KiB of text beyond ASCII',
    { conns: 20, size: 16 * KIB, utf8: true },
    0.6,
    undefined,
    {
      Bun: 0.6,
    },
  ),
  echo('1MiB', '1 MiB', { conns: 4, size: KIB * KIB, ...BINARY }, 0.45, 2),
  echo('utf8', '1 KiB of text beyond ASCII', { size: KIB, utf8: true }),
];

/** Handlers that await before they answer: what they send is outside of the chunk that was read. */
const AWAITED = [
  {
    ...echo('awaited-64B', '64 B, each reply behind an await,', {
      size: 64,
      pipeline: 16,
      ...BINARY,
    }),
    application: { awaited: true },
    targets: targets(0.2),
  },
];

/** A loop over messages, beside the same program with a listener. */
const ITERATED = [
  {
    ...echo('iterated-64B', '64 B by `for await`,', { size: 64, pipeline: 16, ...BINARY }),
    application: { iterated: true },
    targets: targets(undefined, undefined, { listeners: 1.3 }),
  },
];

const FRAGMENTS = [
  echo('fragments', '4 KiB in 64 fragments', { size: 4 * KIB, fragments: 64, ...BINARY }),
];

const COMPRESSED_SIZES = [
  { size: 128, what: '128 B' },
  { size: KIB, what: '1 KiB', limits: { 1: 0.35, 16: 0.2 }, others: { Bun: 1.2 } },
  { size: 16 * KIB, what: '16 KiB', conns: 20 },
];

/** JSON, compressed each message by itself, and referring to the messages before it. */
function compressed({ size, what, conns = 50, limits = {}, others }, pipeline) {
  const load = { conns, size, pipeline, deflate: true, ...JSON_TEXT };
  const name = `${what.replace(' ', '')}x${pipeline}`;
  const alone = `${what} of JSON, deflated`;
  const inContext = `${what} of JSON, deflated in context`;
  return [
    echo(`deflate-${name}`, alone, load, limits[pipeline], undefined, others),
    {
      ...echo(`takeover-${name}`, inContext, { ...load, takeover: true }),
      targets: targets(), // Deno and gorilla know no context
      generator: 'node',
    },
  ];
}

const COMPRESSED = COMPRESSED_SIZES.flatMap((row) => [1, 16].flatMap((n) => compressed(row, n)));

function broadcast(id, title, load, ...limits) {
  return {
    id: `broadcast-${id}`,
    title: `${title} to 500 connections`,
    unit: 'CPU µs per delivery',
    side: 'server',
    load: { mode: 'broadcast', conns: 500, ...JSON_TEXT, ...load },
    targets: targets(...limits),
  };
}

/** 128 B is what a chat sends; 1 KiB is what is worth compressing. */
const BROADCASTS = [
  broadcast('x1', '128 B', { size: 128, bcast: 1 }, 0.97, 1.15),
  broadcast('x16', '16 × 128 B in a tick', { size: 128, bcast: 16 }, 0.15),
  broadcast('deflate-x1', '1 KiB, deflated,', { size: KIB, bcast: 1, deflate: true }, 0.15),
  broadcast(
    'deflate-x16',
    '16 × 1 KiB in a tick, deflated,',
    {
      ...{ size: KIB, bcast: 16, deflate: true },
    },
    0.15,
  ),
];

/** The same by topics: `publish` of ours and of Bun, beside our own `broadcast`. */
const TOPICS = [
  { size: 128, bcast: 1 },
  { size: 128, bcast: 16 },
].map((load) => ({
  ...broadcast(`topic-x${load.bcast}`, `${load.bcast} × 128 B, published`, load),
  application: { topics: true },
  targets: targets(undefined, undefined, { broadcast: 1.1 }),
}));

/** Peers that read nothing: the 500 others must not notice (`broadcast-x1` has none), p99 too. */
const SLOW_READERS = [
  {
    ...broadcast('stuck', '128 B', { size: 128, bcast: 1 }),
    title: '128 B to 500 connections, one more reads nothing',
    application: { stuck: 1 },
  },
  {
    ...broadcast('conflated', '16 × 128 B', { size: 128, bcast: 16 }),
    title: '16 × 128 B, each with a key, to 500 connections; 50 more read nothing',
    application: { stuck: 50, conflated: true },
  },
];

const HANDSHAKES = [
  {
    id: 'handshake',
    title: 'opening and closing handshake, 50 at a time',
    unit: 'CPU µs per handshake',
    side: 'server',
    load: { mode: 'handshake', conns: 50, ...BINARY },
    targets: targets(0.95),
  },
];

/** Every option that says who gets in, none of which refuses; `ws` has none of them. */
const CHECKED_HANDSHAKES = HANDSHAKES.map((workload) => ({
  ...workload,
  id: 'handshake-checked',
  title: 'the same with every check of who gets in',
  application: { checked: true },
  targets: targets(),
}));

function idle(id, title, load, ...limits) {
  return {
    id,
    title,
    unit: 'bytes per connection',
    figure: 'bytes_per_conn',
    side: 'server',
    load: { mode: 'idle', conns: 5000, ...load },
    targets: targets(...limits),
  };
}

/** What browsers offer, so that each side may keep its window after the message. */
const SPEAK = { speak: true, size: KIB, deflate: true, takeover: true, ...JSON_TEXT };

const IDLE = [
  idle('idle', '5,000 idle connections', BINARY, 0.85, 1.1),
  idle('idle-deflate', '5,000 idle connections after a deflated message', SPEAK, 0.25),
];

/**
 * At the default interval a second costs a thirtieth of a Ping and its Pong. Nearly all of that is one
 * system call for each, for every contender.
 */
const HEARTBEATS = [
  {
    ...idle('heartbeat', '10,000 idle connections with a heartbeat each second', {
      ...BINARY,
      conns: 10_000,
    }),
    unit: 'CPU µs per Ping and Pong',
    figure: 'cpu_us_per_ping',
    targets: targets(1.2),
    application: { heartbeat: { interval: 1_000, timeout: 10_000 } },
  },
  {
    ...idle('idle-heartbeat', '5,000 idle connections with a heartbeat', BINARY),
    application: { heartbeat: { interval: 30_000, timeout: 20_000 } },
  },
];

const TLS = [
  echo('tls-64B', 'over TLS, 64 B', { size: 64, tls: true, ...BINARY }),
  echo('tls-16KiB', 'over TLS, 16 KiB', { conns: 20, size: 16 * KIB, tls: true, ...BINARY }),
].map((workload) => ({ ...workload, generator: 'node' }));

/** The client may never cost more than that of ws. */
function clientSide({ id, title, load }) {
  return {
    id: `client-${id}`,
    title: `client: ${title}`,
    unit: 'CPU µs of the client per message',
    side: 'client',
    load,
    targets: targets(load.pipeline === 16 && !load.deflate ? 0.2 : 1),
  };
}

/** The class of `ws6455/standard` beside Node's own WebSocket. */
function standardClient(id, what, load) {
  const row = echo(id, what, load);
  return {
    ...row,
    title: `client, the web's class: ${row.title}`,
    unit: 'CPU µs of the client per message',
    side: 'client',
    application: { standard: true },
    targets: targets(undefined, undefined, { 'Node 22': 0.5, 'Node 24': 0.5, 'Node 26': 0.5 }),
  };
}

const STANDARD = [
  standardClient('standard-64Bx16', '64 B', { conns: 10, size: 64, pipeline: 16, ...BINARY }),
  standardClient('standard-64KiB', '64 KiB', { conns: 10, size: 64 * KIB, ...BINARY }),
];

const ALONE_1KIB = COMPRESSED.filter(({ id }) => id.startsWith('deflate-1KiB'));

/**
 * Not reached: docs/decisions/0009-speed.md shows the profiles. `--check` holds what was reached,
 * with room for noise; the tables go on calling it missed.
 */
const NOT_REACHED = {
  'standard-64KiB': { 'Node 22': 1, 'Node 24': 1, 'Node 26': 1.2 },
  '64Bx16': { Bun: 2.3 },
  '1KiBx16': { Bun: 1.9 },
  'deflate-1KiBx1': { Bun: 2.6 },
  'deflate-1KiBx16': { Bun: 2.6 },
  '16KiBascii': { Bun: 1.6 },
  idle: { ceiling: 1.5 },
};

function withinReach(workload) {
  const held = NOT_REACHED[workload.id] ?? {};
  const targets = workload.targets.map((target) => ({ ...target, heldAt: held[target.against] }));
  return { ...workload, targets };
}

const ALL = [
  ...ECHO,
  ...AWAITED,
  ...ITERATED,
  ...FRAGMENTS,
  ...COMPRESSED,
  ...BROADCASTS,
  ...TOPICS,
  ...SLOW_READERS,
  ...HANDSHAKES,
  ...CHECKED_HANDSHAKES,
  ...IDLE,
  ...HEARTBEATS,
  ...TLS,
  ...[...ECHO, ...ALONE_1KIB].map(clientSide),
  ...STANDARD,
];

export const WORKLOADS = ALL.map(withinReach);

const FEATURES = [
  'deflate',
  'tls',
  'awaited',
  'iterated',
  'checked',
  'stuck',
  'heartbeat',
  'standard',
  'topics',
];

/** What a contender must be able to do to take part. */
export function needs({ side, load, application = {} }) {
  const asked = { ...load, ...application };
  const features = FEATURES.filter((name) => asked[name]);
  return side === 'client' ? [...features, 'client'] : features;
}

/** The rows whose id is named, or, failing that, whose id begins with the name; all without one. */
export function select(names) {
  if (names.length === 0) return WORKLOADS;
  return WORKLOADS.filter(({ id }) => names.some((name) => matches(id, name)));
}

function matches(id, name) {
  const exact = WORKLOADS.some((workload) => workload.id === name);
  return exact ? id === name : id.startsWith(name);
}
