/**
 * A TCP proxy on loopback that counts bytes, and cuts connections where a test says so. It stands
 * between a client and any server; the server need not know.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * @param target the port of the server
 * @returns a proxy that listens, see below
 */
export async function startProxy(target) {
  const proxy = new CuttingProxy(target);
  await proxy.listen();
  return proxy;
}

class CuttingProxy {
  /** Bytes that were passed on. */
  bytes = { toServer: 0, toClient: 0 };
  /** Connections that were made to this proxy. */
  accepted = 0;
  #target;
  #server = createServer((socket) => this.#accept(socket));
  #pairs = new Set();
  #state = 'OPEN';
  #cut;

  constructor(target) {
    this.#target = target;
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#server.unref();
  }

  get port() {
    return this.#server.address().port;
  }

  /** How many connections there are now. */
  get connections() {
    return this.#pairs.size;
  }

  /**
   * From now on the bytes of a direction are counted anew, over all connections, and after that many all
   * connections are destroyed, once. Connections that are made afterwards work.
   * @param direction `toServer` or `toClient`
   * @returns a promise of the cut
   */
  cutAfter(direction, count) {
    return new Promise((resolve) => {
      this.#cut = { direction, left: count, resolve };
    });
  }

  /** Destroys all connections, and new ones as soon as they are made, until `heal`. */
  partition() {
    this.#state = 'CUT';
    this.cut();
  }

  /** Passes nothing on, until `heal`. Nobody is told: connections stay, and new ones are accepted. */
  hang() {
    this.#state = 'HANGING';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  heal() {
    this.#state = 'OPEN';
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** Destroys all connections. */
  cut() {
    for (const [client] of this.#pairs) client.destroy();
  }

  stop() {
    this.partition();
    this.#server.close();
  }

  #accept(client) {
    this.accepted++;
    if (this.#state === 'CUT') {
      client.destroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    const pair = [client, server];
    this.#pairs.add(pair);
    for (const [from, to, direction] of [
      [client, server, 'toServer'],
      [server, client, 'toClient'],
    ]) {
      from.setNoDelay(true);
      from.on('data', (chunk) => this.#pass(chunk, from, to, direction));
      from.on('end', () => to.end());
      from.on('error', () => {}); // it is closed
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      if (this.#state === 'HANGING') from.pause();
    }
  }

  #pass(chunk, from, to, direction) {
    const cut = this.#cut;
    if (cut?.direction === direction && chunk.length >= cut.left) {
      this.#cut = undefined;
      // What was sent before the cut arrives.
      to.write(chunk.subarray(0, cut.left), () => {
        this.cut();
        cut.resolve();
      });
      return;
    }
    if (cut?.direction === direction) cut.left -= chunk.length;
    this.bytes[direction] += chunk.length;
    if (to.write(chunk)) return;
    from.pause();
    to.once('drain', () => {
      if (this.#state !== 'HANGING') from.resume();
    });
  }
}
