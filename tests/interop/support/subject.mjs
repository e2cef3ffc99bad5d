/**
 * The product under test: the built package by its own name, or the module that WS6455_SUBJECT
 * names (a path, or `ws` when an exchange's own expectations are in doubt).
 */
import { createRequire } from 'node:module';

const fromRoot = createRequire(new URL('../../../package.json', import.meta.url));
const fromHere = createRequire(import.meta.url);

export const subjectName = process.env.WS6455_SUBJECT ?? 'ws6455';

/** The file that `name` leads to, seen from the root for the product and from here for its peers. */
export function fileOf(name) {
  return (/^ws6455(\/|$)/.test(name) ? fromRoot : fromHere).resolve(name);
}

export function load(name) {
  return fromHere(fileOf(name));
}
