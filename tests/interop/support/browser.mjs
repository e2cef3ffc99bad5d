/** A headless Chromium with a profile of its own. */
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ARGUMENTS, CHROMIUM } from './chromium.mjs';
import { temporaryFolder } from './temporary.mjs';

export { lackingBrowser } from './chromium.mjs';

export function startBrowser() {
  return chromium.launchPersistentContext(join(temporaryFolder, 'profile'), {
    executablePath: CHROMIUM,
    args: [...ARGUMENTS, '--ignore-certificate-errors'],
    headless: true,
    timeout: 20_000,
  });
}
