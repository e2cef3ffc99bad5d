/** A program that a package brings, or undefined where the package has none for this platform. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function packageBinary(name) {
  const path = fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}
