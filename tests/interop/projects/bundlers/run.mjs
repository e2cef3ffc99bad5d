/**
 * The package in one file, by each bundler: for Node the bundle talks to itself and tells how its
 * errors are named; for browsers it runs where nothing of Node is, with a stand-in for WebSocket.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { result } from '../../support/results.mjs';
import { byBrowserify, byEsbuild, byRollup, byWebpack } from './bundle.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** A bundle for browsers has nothing of Node's in it, and is small. */
const MAX_BROWSER_BYTES = 20_000;

const CJS = 'programs/node.cjs';
const ESM = 'programs/node-esm.mjs';

const FOR_NODE = [
  { name: 'esbuild, CJS', by: byEsbuild, entry: CJS, out: 'cjs' },
  { name: 'esbuild, CJS, minified', by: byEsbuild, entry: CJS, out: 'cjs', minify: true },
  { name: 'esbuild, ESM', by: byEsbuild, entry: ESM, out: 'mjs', format: 'esm', main: true },
  { name: 'esbuild, ESM to CJS, minified', by: byEsbuild, entry: ESM, out: 'cjs', minify: true },
  { name: 'webpack, CJS', by: byWebpack, entry: CJS, out: 'cjs' },
  { name: 'webpack, CJS, minified', by: byWebpack, entry: CJS, out: 'cjs', minify: true },
  {
    name: 'webpack, ESM, minified',
    by: byWebpack,
    entry: ESM,
    out: 'mjs',
    module: true,
    minify: true,
  },
  { name: 'rollup, CJS', by: byRollup, entry: CJS, out: 'cjs' },
  { name: 'rollup, ESM', by: byRollup, entry: ESM, out: 'mjs', format: 'esm' },
  { name: 'browserify --node', by: byBrowserify, entry: CJS, out: 'cjs' },
];

const FOR_BROWSERS = [
  { name: 'esbuild', by: byEsbuild, format: 'iife' },
  { name: 'esbuild, minified', by: byEsbuild, format: 'iife', minify: true },
  { name: 'webpack', by: byWebpack },
  { name: 'webpack, minified', by: byWebpack, minify: true },
  { name: 'rollup', by: byRollup, format: 'iife', exportName: 'page' },
  { name: 'browserify', by: byBrowserify, onlyCommonJs: true },
];

const UNUSED = [
  { name: 'esbuild', by: byEsbuild, format: 'esm' },
  { name: 'webpack', by: byWebpack, module: true, minify: true },
  { name: 'rollup', by: byRollup, format: 'esm' },
];

/** What `programs/node.cjs` prints. */
const TALK = {
  echoed: ['text 5', 'text 100000', 'binary 3'],
  code: 4000,
  extensions: 'permessage-deflate',
};

/** What the programs for browsers leave behind. */
const REPORT = { message: 'from the bundle', own: true, named: true, open: 1, server: 'function' };

function checkTalk(seen) {
  const { errors, ...talk } = seen;
  assert.deepEqual(talk, TALK);
  const [refused, broken] = errors;
  assert.equal(refused.name, 'HandshakeError');
  assert.equal(refused.text, 'HandshakeError');
  assert.equal(refused.status, 401);
  assert.match(refused.code, /^WS_ERR_/);
  assert.equal(refused.isError, true);
  assert.match(broken.name, /^(ProtocolError|RangeError)$/);
  assert.equal(broken.code, 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH');
  assert.equal(broken.closeCode, 1002);
}

function checkNames({ data, error, socket }) {
  assert.equal(socket, 'function');
  assert.equal(data, 'hello again');
  assert.equal(error.name, 'HandshakeError');
  assert.match(error.code, /^WS_ERR_/);
  assert.equal(error.same, true);
}

async function runsInNode({ by, entry, out, ...options }, number) {
  const outfile = at(`out/node-${number}.${out}`);
  await by(at(entry), outfile, options);
  const printed = execFileSync(process.execPath, [outfile], { cwd: '/', timeout: 10_000 });
  (entry === CJS ? checkTalk : checkNames)(JSON.parse(printed));
}

/** A page: the language's own names, and a WebSocket. */
function page() {
  const sent = [];
  class WebSocket {
    static OPEN = 1;
    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
    }
    send(data) {
      sent.push(`${this.url} ${data}`);
      this.onmessage?.({ data });
    }
  }
  const context = createContext({ WebSocket });
  runInContext('globalThis.self = globalThis.window = globalThis', context);
  return { context, sent };
}

async function runsInBrowser({ by, onlyCommonJs, name, ...options }, entry, number) {
  const outfile = at(`out/browser-${number}.js`);
  await by(at(entry), outfile, { browser: true, ...options });
  const { context, sent } = page();
  runInContext(readFileSync(outfile, 'utf8'), context);
  assert.deepEqual(sent, ['wss://example.test/chat from the bundle']);
  assert.deepEqual({ ...context.report }, REPORT);
  assert.ok(statSync(outfile).size < MAX_BROWSER_BYTES, `${statSync(outfile).size} bytes`);
}

/** "sideEffects" is false: a bundler may leave the package out where none of its names is used. */
async function leavesNothing({ by, ...options }, number) {
  const outfile = at(`out/unused-${number}.mjs`);
  await by(at('programs/unused.mjs'), outfile, options);
  const code = readFileSync(outfile, 'utf8');
  assert.match(code, /nothing of it/);
  assert.doesNotMatch(code, /WebSocket/);
}

mkdirSync(at('out'), { recursive: true });
for (const [number, setting] of FOR_NODE.entries()) {
  await result(`bundlers: Node: ${setting.name}`, () => runsInNode(setting, number));
}
for (const [number, setting] of UNUSED.entries()) {
  await result(`bundlers: unused import: ${setting.name}`, () => leavesNothing(setting, number));
}
for (const [number, setting] of FOR_BROWSERS.entries()) {
  await result(`bundlers: browser: ${setting.name}, CJS`, () =>
    runsInBrowser(setting, 'programs/browser.cjs', `${number}-cjs`),
  );
  if (setting.onlyCommonJs) continue;
  await result(`bundlers: browser: ${setting.name}, ESM`, () =>
    runsInBrowser(setting, 'programs/browser-esm.mjs', `${number}-esm`),
  );
}
