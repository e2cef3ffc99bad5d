/** A server process that gets SIGTERM ends with 0 within ten seconds, and no client sees 1006. */

import { test } from '@jest/globals';
import WebSocket from '../../src/index.js';
import { Compiled } from '../support/child.js';
import { DrainingServer } from '../support/draining-server.js';
import { useScope } from '../support/scope.js';

const scope = useScope();
const compiled = new Compiled();

test('SIGTERM: each of 100 clients gets its last message and a Close of its own', async () => {
  const server = await DrainingServer.start(scope(), compiled);
  await server.drain(100, () => scope().track(new WebSocket(server.url)));
});
