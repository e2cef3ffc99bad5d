/** What the tarball ships: `node tests/package/check-pack.mjs <tarball>`. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { result, tally } from '../interop/support/results.mjs';
import { at, node, run } from './commands.mjs';

const IN_THE_ROOT = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
const ENTRIES = [
  'index',
  'protocol',
  'reconnect',
  'standard/index',
  'standard/global',
  'topics/index',
  'crossws',
].flatMap((name) => ['js', 'mjs', 'd.ts', 'd.mts'].map((kind) => `${name}.${kind}`));
const BROWSER_ENTRIES = ['', 'standard/'].flatMap((folder) => [
  `${folder}browser.js`,
  `${folder}browser.mjs`,
]);
const MAX_BYTES = 900_000;

/**
 * What is in the repository only: pictures, measurements, decisions, what is about working on it, and
 * the sources of the command, which no entry point leads to.
 */
const REPOSITORY_ONLY =
  /^(docs\/(decisions|images|performance)\/?.*|docs\/(comparison|performance|rfc6455|rfc7692)\.md|src\/(cli|inspect|recording)(\/.*)?|tests\/.*|(CONTRIBUTING|SECURITY)\.md)$/;

/** The page of the inspector is copied as it is. */
const PAGE = 'dist/inspect/page/';

/** `dist/a.d.mts`, `dist/a.mjs` and `dist/a.mjs.map` are made from `src/a.mts`. */
function sourceOf(file) {
  const source = file.replace(/^dist\//, 'src/');
  if (file.startsWith(PAGE)) return source;
  return source.replace(/\.map$/, '').replace(/(\.d)?\.([cm]?)[jt]s$/, '.$2ts');
}

function allFiles(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

const within = (folder, files) => files.filter((file) => file.startsWith(`${folder}/`));

function onlyWhatIsMeant({ files }) {
  const others = files.filter((file) => !/^(dist|src|docs)\//.test(file));
  deepStrictEqual(others, IN_THE_ROOT);
  const kinds = /\.([cm]?js|d\.[cm]?ts)(\.map)?$/;
  deepStrictEqual(
    within('dist', files).filter((file) => !kinds.test(file) && !file.startsWith(PAGE)),
    [],
  );
}

/** The repository's own, whole, but for documents that only the repository has. */
function sourcesAndDocuments({ files }) {
  const inRepository = (folder) =>
    allFiles(at(`../../${folder}`)).map((file) => `${folder}/${file}`);
  for (const folder of ['src', 'docs']) {
    const shipped = inRepository(folder).filter((file) => !REPOSITORY_ONLY.test(file));
    deepStrictEqual(within(folder, files), shipped);
  }
}

function allEntries({ files }) {
  for (const entry of [...ENTRIES, ...BROWSER_ENTRIES])
    ok(files.includes(`dist/${entry}`), `no dist/${entry}`);
}

/** An earlier build's leftovers have no source any more. */
function nothingStale({ files }) {
  deepStrictEqual(
    within('dist', files).filter((file) => !existsSync(at(`../../${sourceOf(file)}`))),
    [],
  );
}

/** Every path in a (nested) `exports` value. */
function targets(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(targets);
}

function exportsLead({ files, manifest }) {
  const fields = ['main', 'types', 'browser', 'react-native'].map((name) => manifest[name]);
  const paths = [manifest.exports, manifest.typesVersions, manifest.bin].flatMap(targets);
  for (const target of [...paths, ...fields]) {
    ok(files.includes(target.replace(/^\.\//, '')), `package.json names ${target}`);
  }
}

/** npm makes the file of `bin` executable; a shell then needs its first line. */
function commandRuns({ folder, read, manifest }) {
  const { ws6455: file } = manifest.bin;
  ok(read(file).startsWith('#!/usr/bin/env node\n'), `${file} has no first line for a shell`);
  const version = node([join(folder, 'package', file), '--version']);
  strictEqual(version.trim(), manifest.version);
}

function noDependencies({ manifest }) {
  for (const kind of ['', 'peer', 'optional', 'bundle', 'bundled']) {
    const field = kind === '' ? 'dependencies' : `${kind}Dependencies`;
    strictEqual(manifest[field], undefined, field);
  }
}

/** npm runs these on the machine of whoever installs the package. */
function noInstallScripts({ manifest }) {
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) {
    strictEqual(manifest.scripts?.[name], undefined, name);
  }
}

function withoutComments(code) {
  return code.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

function onlyNodeImports({ files, read }) {
  const specifier =
    /(?:^(?:import|export)\b[^;'"]*\bfrom |^import |\bimport\(|\brequire\()['"]([^'"]+)['"]/gm;
  const code = within('dist', files).filter((name) => /\.([cm]?js|d\.[cm]?ts)$/.test(name));
  for (const file of code) {
    for (const [, name] of withoutComments(read(file)).matchAll(specifier)) {
      ok(/^(node:|\.{1,2}\/)/.test(name), `${file} imports ${name}`);
    }
  }
}

/** Debuggers and editors follow these maps to the shipped sources. */
function mapsLead({ files, read }) {
  for (const file of within('dist', files).filter((name) => /\.d\.[cm]?ts$/.test(name))) {
    const [, mapName] = read(file).match(/^\/\/# sourceMappingURL=(\S+)$/m) ?? [];
    ok(mapName, `${file} names no map`);
    const map = JSON.parse(read(posix.join(file, '..', mapName)));
    const sources = map.sources.map((source) => posix.join(file, '..', map.sourceRoot, source));
    deepStrictEqual(sources, [sourceOf(file)], mapName);
    strictEqual(map.sourcesContent, undefined, `${mapName} has the text of its source once more`);
  }
}

/** A reader of the installed package can follow the links of its documents. */
function linksLead({ files, read }) {
  for (const file of files.filter((name) => name.endsWith('.md'))) {
    for (const [, link] of read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      const target = posix.join(file, '..', link).replace(/\/$/, '');
      const isShipped = files.includes(target) || within(target, files).length > 0;
      const isElsewhere = REPOSITORY_ONLY.test(target) && existsSync(at(`../../${target}`));
      ok(isShipped || isElsewhere, `${file} links to ${link}`);
    }
  }
}

const CHECKS = {
  'ships dist, src, docs and four files beside them, nothing else': onlyWhatIsMeant,
  'ships the sources, and the documents for users': sourcesAndDocuments,
  'ships all entries, their types and the browser entries': allEntries,
  'ships nothing that has no source': nothingStale,
  'every path that package.json names is there': exportsLead,
  'its command runs': commandRuns,
  'has no dependency of any kind': noDependencies,
  'runs no script when installed': noInstallScripts,
  'imports nothing but node: and its own files': onlyNodeImports,
  'declaration maps lead to the shipped sources': mapsLead,
  'links of documents lead to what is shipped': linksLead,
};

export async function checkPack(tarball) {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-pack-'));
  run('tar', ['-xzf', tarball, '-C', folder]);
  const read = (file) => readFileSync(join(folder, 'package', file), 'utf8');
  const pack = { folder, files: allFiles(join(folder, 'package')), read, manifest: undefined };
  pack.manifest = JSON.parse(read('package.json'));
  for (const [name, check] of Object.entries(CHECKS)) {
    await result(`pack: ${name}`, () => check(pack));
  }
  const { size } = statSync(tarball);
  await result(`pack: ${size} bytes packed, at most ${MAX_BYTES}`, () => ok(size <= MAX_BYTES));
  rmSync(folder, { recursive: true });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await checkPack(resolve(process.argv[2]));
  console.log(`${tally}`);
}
