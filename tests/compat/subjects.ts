/** Who is asked: `ws`, which says what compatible means, and ws6455. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import ours = require('../../src/index.js');

/** What a row holds in its hands: also what no declaration names, and wrong arguments. */
// biome-ignore lint/suspicious/noExplicitAny: private members of both subjects are what rows ask for
export type Untyped = any;

/** What `require` gives: the class, with everything else on it. */
export type Library = Untyped;

/** A class of a library, to be extended. */
export type Class = new (...args: unknown[]) => Untyped;

const FOLDER = join(__dirname, 'node_modules/ws');

/** `npm ci` in tests/compat brings it. */
export const installed = existsSync(FOLDER);

export const SUBJECTS: readonly [name: 'ws' | 'ws6455', library: Library][] = [
  ...(installed ? [['ws', require(FOLDER)] as ['ws', Library]] : []),
  ['ws6455', ours],
];
