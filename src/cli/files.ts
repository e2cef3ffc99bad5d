/** The files that arguments may name. */

import { type Stats, statSync } from 'node:fs';

/** Whether there is such a file or directory. An argument that cannot be a path names none. */
export function exists(path: string): boolean {
  return statsOf(path) !== undefined;
}

/** Whether there is such a file, and it is no directory or device. */
export function isFile(path: string): boolean {
  return statsOf(path)?.isFile() ?? false;
}

/** `stat` throws for a name that is too long, and for a path through something that is no directory. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
