/** A page of a browser that does what a Puppet does in a process. */
import { openNative } from '../puppets/native-api.mjs';
import { Reports } from './puppet.mjs';

export class PagePuppet {
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
