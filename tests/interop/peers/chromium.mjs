/** A real browser as the client of our server. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { openNative } from '../puppets/native-api.mjs';
import { lackingBrowser, startBrowser } from '../support/browser.mjs';
import { faceCompressed } from '../support/compression.mjs';
import { Reports } from '../support/puppet.mjs';
import { skip } from '../support/results.mjs';
import { face } from '../support/roles.mjs';

const CAN = ['emptyClose', 'echoReason', 'leave'];

/** Does in a page what a Puppet does in a process. */
class PagePuppet {
  #reports = new Reports();
  #page;

  static async start(context, address) {
    const puppet = new PagePuppet();
    puppet.#page = await context.newPage();
    await puppet.#page.exposeFunction('report', (line) => puppet.#reports.note(line));
    await puppet.#page.goto(address);
    return puppet;
  }

  connect(order) {
    this.#page.evaluate(`(${openNative})(${JSON.stringify(order)}, report)`);
  }

  opened(id) {
    return this.#reports.of(id, 'opened');
  }

  closed(id) {
    return this.#reports.of(id, 'closed');
  }

  /** The page stays until the browser goes: one that loses a page may refuse to open the next. */
  async stop() {}
}

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
