/** A TCP proxy that cuts its connections once, after a number of bytes in one direction. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class CuttingProxy {
  #server;
  #sockets = new Set();
  /** How many bytes went in each direction, over all connections. */
  bytes = { up: 0, down: 0 };

  /** @param cut `{ direction: 'up' | 'down', after }`, or undefined for none */
  constructor(port, cut) {
    this.#server = createServer((client) => {
      const engine = connect(port, '127.0.0.1');
      for (const socket of [client, engine]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          engine.destroy();
        });
      }
      this.#forward(client, engine, 'up', cut);
      this.#forward(engine, client, 'down', cut);
    });
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.#server.address().port;
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #forward(from, to, direction, cut) {
    from.on('data', (chunk) => {
      const before = this.bytes[direction];
      this.bytes[direction] += chunk.length;
      const left = cut?.direction === direction ? cut.after - before : Infinity;
      if (left < 0 || chunk.length < left) {
        to.write(chunk);
        return;
      }
      // What comes before the cut arrives, as on a network.
      to.end(chunk.subarray(0, left));
      to.once('finish', () => {
        for (const socket of this.#sockets) socket.destroy();
      });
    });
  }
}
