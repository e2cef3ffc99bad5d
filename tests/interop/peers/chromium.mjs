/** A real browser as the client of our server. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { lackingBrowser, startBrowser } from '../support/browser.mjs';
import { faceCompressed } from '../support/compression.mjs';
import { PagePuppet } from '../support/page-puppet.mjs';
import { skip } from '../support/results.mjs';
import { face } from '../support/roles.mjs';

const CAN = ['emptyClose', 'echoReason', 'leave'];

async function main() {
  // The page comes from loopback too: browsers keep pages from elsewhere away from it.
  const pages = createServer((_, response) => response.end('<!doctype html>')).listen(
    0,
    '127.0.0.1',
  );
  await once(pages, 'listening');
  const context = await startBrowser();
  const name = `Chromium ${context.browser()?.version() ?? ''}`;
  for (const transport of ['tcp', 'tls']) {
    const start = () => PagePuppet.start(context, `http://127.0.0.1:${pages.address().port}/`);
    await face({ name, role: 'client', transport, can: CAN, start });
    if (transport === 'tcp') await faceCompressed({ name, role: 'client', start });
  }
  await context.close();
  pages.closeAllConnections();
  pages.close();
}

if (lackingBrowser) skip('Chromium', lackingBrowser);
else await main();
