/** A headless Chromium that puppeteer drives: over a WebSocket, not over a pipe. */
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { ARGUMENTS, CHROMIUM } from './chromium.mjs';
import { temporaryFolder } from './temporary.mjs';

/** It is gone by the time that `use` has settled. */
export async function withBrowser(use) {
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    args: ARGUMENTS,
    headless: true,
    pipe: false,
    timeout: 20_000,
    userDataDir: join(temporaryFolder, 'profile'),
  });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}
