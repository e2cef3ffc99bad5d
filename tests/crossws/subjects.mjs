/** The adapters that the behaviours are tested on. `own` ones promise more than crossws does. */
import { createServer } from 'node:http';
import nodeAdapter from 'crossws/adapters/node';
import crosswsAdapter from 'ws6455/crossws';
import { makeServer } from './crossws-node.mjs';

function withAdapter(makeAdapter) {
  return (options) => {
    const adapter = makeAdapter(options);
    const server = createServer((_, response) => response.end('ok'));
    server.on('upgrade', adapter.handleUpgrade);
    return { adapter, server };
  };
}

export const SUBJECTS = {
  'crossws on ws': { make: withAdapter(nodeAdapter) },
  'crossws on ws6455': { make: makeServer },
  'ws6455/crossws': { make: withAdapter(crosswsAdapter), own: true },
};
