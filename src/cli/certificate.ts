/** The option --tls CERT KEY. */

import type { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { Arguments } from './arguments.js';
import { Failure } from './exit.js';
import { explain } from './explain.js';

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads both files. @returns undefined without the option. @throws Failure for a file that cannot be read */
export function readCertificate(given: Arguments): Certificate | undefined {
  const [cert, key] = given.all('tls').map(readPem);
  return cert && key && { cert, key };
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Failure(`cannot read ${file}: ${explain(error)}`);
  }
}
