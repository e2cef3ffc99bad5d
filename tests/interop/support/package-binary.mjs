/** A program in a package for this platform, or undefined where there is none. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function packageBinary(name) {
  const path = fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
