/**
 * A peer in a process of its own, told what to do.
 *
 * It echoes every message, except a text `do:{…}`, which it obeys: `close: [code, reason]`,
 * `drop` (the connection, without a Close), `leave` (the page), `fragments: [text…]` (one message),
 * `ping: text` (and says `pong …` once answered). It reads lines of JSON from its standard input: a
 * client `{ id, url, protocols, deflate }` to connect, a server `{ id, deflate }` to listen once
 * more. `deflate` has the names of the option `perMessageDeflate` of `ws`; without it the peer does
 * what it does by default. It prints such a line for each thing that happens: `{ base }` when ready,
 * `{ id, listening }`, `{ id, opened }`, `{ id, closed }`, `{ id, failed }`. `id` is the path of the
 * connection's URL.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { deferred, within } from './deadline.mjs';

/** What a peer has reported, by connection and kind, whoever comes first: report or question. */
export class Reports {
  #entries = new Map();

  #entry(key) {
    if (!this.#entries.has(key)) this.#entries.set(key, deferred());
    return this.#entries.get(key);
  }

  note({ id = '', ...facts }) {
    for (const [kind, fact] of Object.entries(facts)) {
      if (kind === 'failed') this.#entry(`${id} opened`).reject(new Error(`the peer: ${fact}`));
      else this.#entry(`${id} ${kind}`).resolve(fact);
    }
  }

  of(id, kind) {
    return this.#entry(`${id} ${kind}`).promise;
  }
}

export class Puppet {
  #reports = new Reports();
  #child;
  #exited;
  base = '';

  /** Starts it, and waits until it is ready. */
  static async start(command, parameters, environment = {}) {
    const puppet = new Puppet(command, parameters, environment);
    const gone = puppet.#exited.then(([code]) => {
      throw new Error(`${command} exited with ${code} before it was ready`);
    });
    puppet.base = await within(
      15_000,
      command,
      Promise.race([puppet.#reports.of('', 'base'), gone]),
    );
    gone.catch(() => {});
    return puppet;
  }

  constructor(command, parameters, environment) {
    const env = { ...process.env, ...environment };
    this.#child = spawn(command, parameters, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = once(this.#child, 'exit');
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#reports.note(JSON.parse(line));
    });
  }

  connect(order) {
    this.#tell(order);
  }

  /** Resolves to the base of a server of its own for this `id`. */
  listen(id, deflate) {
    this.#tell({ id, deflate });
    return this.#reports.of(id, 'listening');
  }

  #tell(order) {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  opened(id) {
    return this.#reports.of(id, 'opened');
  }

  closed(id) {
    return this.#reports.of(id, 'closed');
  }

  /** The end of its input tells it to leave; one that does not is ended. */
  async stop() {
    this.#child.stdin.end();
    await within(2_000, 'exit', this.#exited).catch(() => this.#child.kill('SIGKILL'));
  }
}
