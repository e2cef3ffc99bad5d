/** What the puppets in JavaScript have in common. See support/puppet.mjs for the protocol. */
import { createInterface } from 'node:readline';

export function report(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Hands on each line of the standard input; its end is the end of the process. */
export function readOrders(onOrder) {
  createInterface({ input: process.stdin })
    .on('line', (line) => onOrder(JSON.parse(line)))
    .on('close', () => process.exit());
}

/** `serve(deflate)` resolves to the base of one more server's URLs. */
export async function serveOnOrder(serve) {
  report({ base: await serve() });
  readOrders(async ({ id, deflate }) => report({ id, listening: await serve(deflate) }));
}

export function connectOnOrder(connect) {
  report({ base: '' });
  readOrders(connect);
}

/** What `text` orders, done by `orders`; false if it is a message to be echoed. */
export function obeyed(text, orders) {
  if (typeof text !== 'string' || !text.startsWith('do:')) return false;
  for (const [name, parameters] of Object.entries(JSON.parse(text.slice(3)))) {
    orders[name](parameters);
  }
  return true;
}
