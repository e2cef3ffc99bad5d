/**
 * Loaded by `node --require` before a program: its servers listen on a free port of 127.0.0.1, whatever
 * it says, and the parent process is told which. RECIPE_PORT names another port, such as one in use.
 */
const { Server } = require('node:net');

const { listen } = Server.prototype;
const port = Number(process.env.RECIPE_PORT ?? 0);

Server.prototype.listen = function listenOnFreePort(...args) {
  const callback = args.find((argument) => typeof argument === 'function');
  this.once('listening', () => process.send({ port: this.address().port }));
  return listen.call(this, port, '127.0.0.1', callback);
};
