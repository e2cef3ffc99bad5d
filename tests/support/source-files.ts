/** The files of `src`, the order of its folders, and what each file imports. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const SRC = join(__dirname, '../../src');

/** The folders, lowest first; `.` is the root, which has the entry points only. */
export const FOLDERS: readonly string[] = [
  'protocol',
  'handshake',
  'permessage-deflate',
  'connection',
  'proxy',
  'client',
  'sans-io',
  'websocket',
  'server',
  'compat',
  'standard',
  'reconnect',
  'topics',
  'crossws',
  'recording',
  'inspect',
  '.',
  'cli',
];

/** Their paths in `src`. */
export const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.m?ts$/.test(file))
  .map((file) => file.replaceAll('\\', '/'));

/** The text of a file without its comments. */
export function codeOf(file: string): string {
  const text = readFileSync(join(SRC, file), 'utf8');
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** What a file imports and re-exports, types included. */
export function importsOf(file: string): string[] {
  const found = codeOf(file).matchAll(/(?:from\s+|import\s*\(\s*|require\(\s*)'([^']+)'/g);
  return [...found].map(([, target = '']) => target);
}

/** The files of `src` that a file imports. */
export function sourcesOf(file: string): string[] {
  const relatives = importsOf(file).filter((target) => target.startsWith('.'));
  return relatives.map((target) => {
    const path = relative(SRC, normalize(join(SRC, dirname(file), target)));
    return path.replaceAll('\\', '/').replace(/\.(m?)js$/, '.$1ts');
  });
}
