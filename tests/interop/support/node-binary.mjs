/** Other versions of Node, as packages: `node22-linux-x64` and so on, each with a `bin/node`. */
import { fileURLToPath } from 'node:url';

export const NODE_VERSIONS = [22, 24, 26];

export function nodeBinary(version) {
  const name = `node${version}-${process.platform}-${process.arch}`;
  return fileURLToPath(new URL(`../node_modules/${name}/bin/node`, import.meta.url));
}
