/** What the tarball ships: `node tests/package/check-pack.mjs <tarball>`. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { result, tally } from '../interop/support/results.mjs';
import { at, run } from './commands.mjs';

const BESIDE_DIST = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
const ENTRIES = ['index.js', 'index.mjs', 'index.d.ts', 'index.d.mts', 'browser.js', 'browser.mjs'];
const MOST_BYTES = 300_000;

/** `dist/a.d.mts`, `dist/a.mjs` and `dist/a.mjs.map` are made from `src/a.mts`. */
function sourceOf(file) {
  return file
    .replace(/^dist\//, 'src/')
    .replace(/\.map$/, '')
    .replace(/(\.d)?\.([cm]?)[jt]s$/, '.$2ts');
}

function allFiles(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
}

function onlyWhatIsMeant({ files }) {
  const others = files.filter((file) => !file.startsWith('dist/'));
  deepStrictEqual(others, BESIDE_DIST);
  const kinds = /\.([cm]?js|d\.[cm]?ts|[cm]?js\.map)$/;
  deepStrictEqual(
    files.filter((file) => file.startsWith('dist/') && !kinds.test(file)),
    [],
  );
}

function allEntries({ files }) {
  for (const entry of ENTRIES) ok(files.includes(`dist/${entry}`), `no dist/${entry}`);
}

/** An earlier build's leftovers have no source any more. */
function nothingStale({ files }) {
  const shipped = files.filter((file) => file.startsWith('dist/'));
  deepStrictEqual(
    shipped.filter((file) => !existsSync(at(`../../${sourceOf(file)}`))),
    [],
  );
}

/** Every path in a (nested) `exports` value. */
function targets(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(targets);
}

function exportsLead({ files, manifest }) {
  for (const target of [...targets(manifest.exports), manifest.main, manifest.types]) {
    ok(files.includes(target.replace(/^\.\//, '')), `package.json names ${target}`);
  }
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
  const specifier = /(?:\bfrom |\bimport |\bimport\(|\brequire\()['"]([^'"]+)['"]/g;
  for (const file of files.filter((name) => /\.([cm]?js|d\.[cm]?ts)$/.test(name))) {
    for (const [, name] of withoutComments(read(file)).matchAll(specifier)) {
      ok(/^(node:|\.{1,2}\/)/.test(name), `${file} imports ${name}`);
    }
  }
}

function mapsEmbedSources({ files, read }) {
  for (const file of files.filter((name) => /\.[cm]?js$/.test(name))) {
    const [, mapName] = read(file).match(/^\/\/# sourceMappingURL=(\S+)$/m) ?? [];
    ok(mapName, `${file} names no source map`);
    const map = JSON.parse(read(join(file, '..', mapName)));
    strictEqual(map.sourcesContent?.length, map.sources.length, `${mapName} embeds its sources`);
    ok(
      map.sourcesContent.every((source) => typeof source === 'string'),
      mapName,
    );
  }
}

const CHECKS = {
  'ships dist and four files beside it, nothing else': onlyWhatIsMeant,
  'ships both entries, their types and the browser entries': allEntries,
  'ships nothing that has no source': nothingStale,
  'every path that package.json names is there': exportsLead,
  'has no dependency of any kind': noDependencies,
  'runs no script when installed': noInstallScripts,
  'imports nothing but node: and its own files': onlyNodeImports,
  'source maps embed their sources': mapsEmbedSources,
};

export async function checkPack(tarball) {
  const folder = mkdtempSync(join(tmpdir(), 'ws6455-pack-'));
  run('tar', ['-xzf', tarball, '-C', folder]);
  const read = (file) => readFileSync(join(folder, 'package', file), 'utf8');
  const pack = { files: allFiles(join(folder, 'package')), read, manifest: undefined };
  pack.manifest = JSON.parse(read('package.json'));
  for (const [name, check] of Object.entries(CHECKS)) {
    await result(`pack: ${name}`, () => check(pack));
  }
  const { size } = statSync(tarball);
  await result(`pack: ${size} bytes packed, at most ${MOST_BYTES}`, () => ok(size <= MOST_BYTES));
  rmSync(folder, { recursive: true });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await checkPack(resolve(process.argv[2]));
  console.log(`${tally}`);
}
