/** Where Chromium is, and how it is started whoever starts it. */
import { existsSync } from 'node:fs';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const ARGUMENTS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

/** What is missing to start it, or undefined. */
export const lackingBrowser = existsSync(CHROMIUM) ? undefined : `no ${CHROMIUM}`;
