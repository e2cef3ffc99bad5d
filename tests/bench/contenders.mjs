/**
 * Who is measured: one row per contender.
 *
 * `server` and `client` are programs of their own under servers/ and clients/, started afresh for
 * every measurement. A server prints one line of JSON (`port`, `version`) when it is ready and ends
 * when its standard input does; a client runs a whole measurement and prints its report. `lacks`
 * names what a contender cannot do (see `needs` in workloads.mjs), `only` what it is for; `requires` is the package or the
 * program without which it is skipped, `build` makes it and gives the reason if it cannot.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildGorilla, GORILLA } from './gorilla.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Where memory is measured. V8 lets its young generation grow to 32 MiB while thousands connect, and
 * keeps it: that belongs to no connection, and would be divided among them.
 */
const V8 = ['--expose-gc', '--max-semi-space-size=1'];
const NODE = { command: process.execPath, flags: [], collectible: V8 };

/** Also where the subject is ws: what is compared then is the same program. */
const WITHOUT_HELPERS = { WS_NO_BUFFER_UTIL: '1', WS_NO_UTF_8_VALIDATE: '1' };

function onNode(server, rest) {
  const programs = { server: at(`servers/${server}.mjs`), env: WITHOUT_HELPERS };
  return { ...NODE, ...programs, lacks: ['client'], ...rest };
}

const client = (file) => ({ client: at(`clients/${file}.mjs`), lacks: ['standard'] });

/** A program that comes as a package per platform. */
function program(name, server, rest) {
  const command = at(`node_modules/${name}`);
  return { command, requires: name, server: at(`servers/${server}.mjs`), env: {}, ...rest };
}

const BUN_ARCH = process.arch === 'arm64' ? 'aarch64' : process.arch;
const LIBC = process.platform === 'linux' ? '-glibc' : '';

/** Node's own WebSocket, of another version of Node: a client only. */
function ownOfNode(version) {
  const folder = at(`../interop/node_modules/node${version}-${process.platform}-${process.arch}`);
  const command = `${folder}/bin/node`;
  return {
    ...{ name: `Node ${version}`, command, flags: [], collectible: [], env: {} },
    client: at('clients/standard.mjs'),
    only: 'standard',
    lacks: [],
    build: () => (existsSync(command) ? undefined : '`npm ci --prefix tests/interop` installs it'),
  };
}

/** The contender that is being judged; the ratios are its figures over the others'. */
export const SUBJECT = 'ws6455';

/** Whom a run measures unless told otherwise: those that targets are set against. */
export const USUAL = [SUBJECT, 'ws', 'ceiling', 'listeners', 'broadcast'];

export const CONTENDERS = [
  { name: SUBJECT, ...onNode('ws6455', { ...client('ws6455'), lacks: [] }) },
  {
    name: 'ws',
    ...onNode('ws', { ...client('ws'), lacks: ['iterated', 'standard', 'topics'] }),
    requires: 'ws',
  },
  /** Our own build, with a listener of 'message' where the row iterates. */
  {
    name: 'listeners',
    ...onNode('ws6455', { only: 'iterated' }),
    env: { ...WITHOUT_HELPERS, WS6455_LISTENERS: '1' },
  },
  ...[22, 24, 26].map(ownOfNode),
  /** Our own build, with `broadcast` where the row publishes. */
  {
    name: 'broadcast',
    ...onNode('ws6455', { only: 'topics' }),
    env: { ...WITHOUT_HELPERS, WS6455_BROADCAST: '1' },
  },
  /** Another build of ours, such as that of the commit before: the folder that WS6455_BEFORE names. */
  {
    name: 'before',
    ...onNode('ws6455', client('ws6455')),
    env: { ...WITHOUT_HELPERS, WS6455_SUBJECT: process.env.WS6455_BEFORE },
    build: () => (process.env.WS6455_BEFORE ? undefined : 'WS6455_BEFORE names no build'),
  },
  /** Not a WebSocket server, but the most that one on `node:net` could reach. */
  {
    name: 'ceiling',
    ...onNode('ceiling', {
      lacks: [
        'deflate',
        'client',
        'awaited',
        'checked',
        'stuck',
        'heartbeat',
        'iterated',
        'standard',
        'topics',
      ],
    }),
  },
  {
    name: 'ws+bufferutil',
    ...onNode('ws', { ...client('ws'), lacks: ['iterated', 'standard', 'topics'] }),
    requires: 'bufferutil',
    env: { WS_NO_UTF_8_VALIDATE: '1' },
  },
  {
    name: 'websocket',
    ...onNode('websocket', {
      ...client('websocket'),
      lacks: [
        'deflate',
        'awaited',
        'checked',
        'stuck',
        'heartbeat',
        'iterated',
        'standard',
        'topics',
      ],
    }),
    requires: 'websocket',
  },
  {
    name: 'faye',
    ...onNode('faye', {
      ...client('faye'),
      lacks: ['awaited', 'checked', 'stuck', 'heartbeat', 'iterated', 'standard', 'topics'],
    }),
    requires: 'faye-websocket',
  },
  {
    name: 'Bun',
    ...program(`@oven/bun-${process.platform}-${BUN_ARCH}/bin/bun`, 'bun', {
      flags: ['run'],
      collectible: ['--expose-gc'],
      lacks: ['client', 'awaited', 'checked', 'stuck', 'heartbeat', 'iterated', 'standard'],
    }),
  },
  {
    name: 'Deno',
    ...program(`@deno/${process.platform}-${process.arch}${LIBC}/deno`, 'deno', {
      flags: ['run', '--allow-all', '--no-config', '--quiet'],
      collectible: [`--v8-flags=${V8.join(',')}`],
      lacks: [
        'deflate',
        'client',
        'awaited',
        'checked',
        'stuck',
        'heartbeat',
        'iterated',
        'standard',
        'topics',
      ],
    }),
  },
  {
    name: 'gorilla',
    ...{ command: GORILLA, flags: [], collectible: [], env: {} },
    build: buildGorilla,
    lacks: [
      'tls',
      'client',
      'awaited',
      'checked',
      'stuck',
      'heartbeat',
      'iterated',
      'standard',
      'topics',
    ],
  },
];

/** The names in `text`, separated by commas, or everyone for `all`. */
export function named(text) {
  if (text === 'all') return CONTENDERS;
  const wanted = text ? [SUBJECT, ...text.split(',')] : USUAL;
  const unknown = wanted.find((name) => !CONTENDERS.some((contender) => contender.name === name));
  if (unknown !== undefined) throw new Error(`no such contender: ${unknown}`);
  return CONTENDERS.filter(({ name }) => wanted.includes(name));
}

/** Why a contender cannot run on this machine; undefined where it can. */
export function unavailable({ requires, command, build }) {
  if (build) return build();
  if (!requires) return undefined;
  if (!existsSync(at(`node_modules/${requires}`))) return `${requires} is not installed`;
  if (command === process.execPath) return undefined;
  const { status, error, signal } = spawnSync(command, ['--version'], { timeout: 10_000 });
  if (status === 0) return undefined;
  return `${requires} does not run here: ${error?.code ?? signal ?? `exit status ${status}`}`;
}
