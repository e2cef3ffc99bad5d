/** The two libraries that are compared. */
import { type Library, SUBJECTS } from '../compat/subjects.js';

export type Name = 'ws6455' | 'ws';

/** @throws Error if it is not installed */
export function libraryOf(name: Name): Library {
  const [, found] = SUBJECTS.find(([one]) => one === name) ?? [];
  if (found === undefined) throw new Error(`${name}: npm ci --prefix tests/compat installs it`);
  return found;
}
