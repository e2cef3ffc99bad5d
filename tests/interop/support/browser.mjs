/** A headless Chromium with a profile of its own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { temporaryFolder } from './temporary.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

const ARGUMENTS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
  '--ignore-certificate-errors',
];

/** What is missing to start it, or undefined. */
export const lackingBrowser = existsSync(CHROMIUM) ? undefined : `no ${CHROMIUM}`;

export function startBrowser() {
  return chromium.launchPersistentContext(join(temporaryFolder, 'profile'), {
    executablePath: CHROMIUM,
    args: ARGUMENTS,
    headless: true,
    timeout: 20_000,
  });
}
