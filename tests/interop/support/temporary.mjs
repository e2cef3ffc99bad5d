/** One folder for this process, removed when it exits. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const temporaryFolder = mkdtempSync(join(tmpdir(), 'ws6455-'));

process.once('exit', () => rmSync(temporaryFolder, { recursive: true, force: true }));
