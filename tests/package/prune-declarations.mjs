/**
 * Removes the declarations of `dist` that no entry point leads to, and their maps: programs cannot
 * import them. npm runs it before it packs.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, posix } from 'node:path';
import { at } from './commands.mjs';

const DIST = at('../../dist');
const ENTRIES = [
  'index',
  'browser',
  'protocol',
  'reconnect',
  'standard/index',
  'standard/global',
  'topics/index',
  'crossws',
].flatMap((name) => [`${name}.d.ts`, `${name}.d.mts`]);

/** The declaration files that a declaration file imports. */
function importsOf(file) {
  const text = readFileSync(join(DIST, file), 'utf8');
  const specifiers = text.matchAll(/(?:\bfrom |\bimport\()['"](\.[^'"]+)\.(m?)js['"]/g);
  return [...specifiers].map(
    ([, path, kind]) => `${posix.join(posix.dirname(file), path)}.d.${kind}ts`,
  );
}

function reachable() {
  const found = new Set();
  const waiting = ENTRIES.filter((file) => existsSync(join(DIST, file)));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    waiting.push(...importsOf(file));
  }
  return found;
}

const kept = reachable();
for (const path of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
  const file = path.replaceAll('\\', '/');
  if (!/\.d\.m?ts$/.test(file) || kept.has(file)) continue;
  rmSync(join(DIST, file));
  rmSync(join(DIST, `${file}.map`));
}
