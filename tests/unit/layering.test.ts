/** `src` is a stack of folders: each imports only folders below it, types included. */

import { dirname } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { codeOf, FOLDERS, files, importsOf, sourcesOf } from '../support/source-files.js';

/** The modules of Node that the files of a folder import. */
const NODE_MODULES: Record<string, readonly string[]> = {
  protocol: ['buffer', 'crypto'],
  handshake: ['buffer', 'crypto'],
  'permessage-deflate': ['buffer', 'zlib'],
  connection: [
    'async_hooks',
    'buffer',
    'diagnostics_channel',
    'net',
    'perf_hooks',
    'stream',
    'timers',
    'util',
    'zlib',
  ],
  proxy: ['buffer', 'dns', 'net', 'tls'],
  client: ['buffer', 'http', 'https', 'net', 'stream', 'tls'],
  'sans-io': ['buffer', 'util', 'zlib'],
  websocket: ['async_hooks', 'buffer', 'events', 'http', 'stream', 'util', 'stream/web'],
  server: [
    'buffer',
    'crypto',
    'diagnostics_channel',
    'events',
    'http',
    'https',
    'net',
    'stream',
    'tls',
    'util',
  ],
  compat: ['buffer', 'events', 'stream'],
  standard: ['buffer', 'http', 'stream', 'util'],
  reconnect: ['buffer'],
  topics: ['buffer', 'cluster', 'crypto'],
  crossws: ['buffer', 'crypto', 'http', 'stream', 'util'],
  recording: ['buffer', 'net', 'tls', 'zlib'],
  inspect: ['buffer', 'events', 'fs', 'http', 'net', 'path', 'tls'],
  cli: [
    'buffer',
    'events',
    'fs',
    'http',
    'https',
    'net',
    'os',
    'path',
    'process',
    'readline',
    'stream',
    'tls',
    'util',
  ],
  '.': ['events', 'http', 'stream', 'util'],
};

const ENTRY_POINTS = [
  'browser.mts',
  'browser.ts',
  'crossws.mts',
  'crossws.ts',
  'index.mts',
  'index.ts',
  'protocol.mts',
  'protocol.ts',
  'reconnect.mts',
  'reconnect.ts',
];

test('the import lines are found', () => {
  expect(files.flatMap(sourcesOf).length).toBeGreaterThan(150);
});

test('every import is a file of src or a module of Node', () => {
  const targets = files.flatMap((file) => [
    ...sourcesOf(file),
    ...importsOf(file).filter((target) => !target.startsWith('.') && !target.startsWith('node:')),
  ]);
  expect(targets.filter((target) => !files.includes(target))).toEqual([]);
});

test('the root has the entry points only', () => {
  expect(files.filter((file) => dirname(file) === '.').sort()).toEqual(ENTRY_POINTS);
});

test('a folder imports only itself and folders below it', () => {
  const level = (file: string): number => FOLDERS.indexOf(dirname(file));
  const upward = files.flatMap((file) =>
    sourcesOf(file)
      .filter((target) => level(target) > level(file) || level(target) < 0)
      .map((target) => `${file} -> ${target}`),
  );
  expect(upward).toEqual([]);
});

test('imports form no circle', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, above: readonly string[]): void => {
    if (above.includes(file)) circles.push([...above, file].join(' -> '));
    if (done.has(file) || above.includes(file)) return;
    for (const next of sourcesOf(file)) visit(next, [...above, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

describe.each(FOLDERS)('the modules of Node in %s', (folder) => {
  test('are those of its list', () => {
    const inFolder = files.filter((file) => dirname(file) === folder);
    const used = inFolder.flatMap(importsOf).filter((target) => target.startsWith('node:'));
    const names = [...new Set(used)].map((target) => target.slice('node:'.length));
    expect(names.filter((name) => !NODE_MODULES[folder]?.includes(name))).toEqual([]);
  });
});

test('receiver and sender know neither each other nor the closing handshake', () => {
  const targets = ['protocol/receiver.ts', 'protocol/sender.ts'].flatMap(sourcesOf);
  const forbidden = ['receiver', 'sender', 'close', 'endpoint'].map(
    (name) => `protocol/${name}.ts`,
  );
  expect(targets.filter((target) => forbidden.includes(target))).toEqual([]);
});

test('only the endpoint walks the closing table', () => {
  const users = files.filter((file) => codeOf(file).includes('closingStep('));
  expect(users.sort()).toEqual(['protocol/close.ts', 'protocol/endpoint.ts']);
});

test('only the time port uses timers, ticks and the clock of Node', () => {
  const use =
    /(?<![.\w])((setImmediate|setTimeout|setInterval|clearTimeout)\(|process\.nextTick|performance\.|Date\.now)/;
  expect(files.filter((file) => use.test(codeOf(file)))).toEqual(['connection/time.ts']);
});
