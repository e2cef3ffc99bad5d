/** A process with a server: no client ends it, and faults are printed on standard error. */

import { expect, test } from '@jest/globals';
import { Compiled } from '../../support/child.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const compiled = new Compiled();

/** Prints the events of a client, and ends the process when all are closed. */
const CLIENTS = `
  const http = require('node:http');
  const server = http.createServer((request, response) => response.end('application'));
  const dial = (path) => new Promise((done) => {
    const ws = new WebSocket('ws://127.0.0.1:' + server.address().port + path);
    ws.on('error', (error) => console.log(path + ' ' + error.message));
    ws.on('open', () => { console.log(path + ' open'); ws.close(); });
    ws.on('close', done);
  });
  const run = (...paths) => server.listen(0, '127.0.0.1', async () => {
    for (const path of paths) await dial(path);
    console.log('alive');
    server.close();
    for (const wss of servers) wss.close();
  });
  const servers = [];
  const attach = (options) => {
    const wss = new WebSocket.WebSocketServer({ server, ...options });
    servers.push(wss);
    return wss;
  };
`;

test('two servers on one http server: clients of each, and of none', async () => {
  const { status, lines, errors } = await compiled.run(
    scope(),
    `${CLIENTS} attach({ path: '/a' }); attach({ path: '/b' }); run('/a', '/b', '/c');`,
  );
  expect(lines).toEqual(['/a open', '/b open', '/c Unexpected server response: 404', 'alive']);
  expect([status, errors]).toEqual([0, '']);
});

test('a socket that the http server gave away is no exception for a listener: one warning', async () => {
  const { status, lines, errors } = await compiled.run(
    scope(),
    `${CLIENTS}
    attach({});
    const other = attach({ server: undefined, noServer: true });
    server.on('upgrade', (...args) => other.handleUpgrade(...args, () => {}));
    run('/a', '/b');`,
  );
  expect([status, lines]).toEqual([0, ['/a open', '/b open', 'alive']]);
  expect(errors.match(/WS6455_SOCKET_TAKEN/g)).toHaveLength(1);
});

test('callbacks that fail: the process lives, and the warning has their stack', async () => {
  const { status, lines, errors } = await compiled.run(
    scope(),
    `${CLIENTS}
    attach({ path: '/a', verifyClient: async function verifyA() { throw new Error('mine'); } });
    attach({ path: '/b', verifyClient: function verifyB() { throw new Error('mine'); } });
    run('/a', '/b');`,
  );
  expect([status, lines.at(-1)]).toEqual([0, 'alive']);
  expect(errors.match(/\[WS6455_CALLBACK_ERROR\]/g)).toHaveLength(2);
  expect(errors).toMatch(/Error: mine\n {4}at \S*verifyA /);
  expect(errors).toMatch(/Error: mine\n {4}at \S*verifyB /);
});
