/** Clients of `ws` when a process with a server of ours gets SIGTERM. */

import { test } from '@jest/globals';
import { Compiled } from '../support/child.js';
import { DrainingServer } from '../support/draining-server.js';
import { useScope } from '../support/scope.js';
import { SUBJECTS } from './subjects.js';

const scope = useScope();
const compiled = new Compiled();

test.each(SUBJECTS)('clients of %s get a Close, and none sees 1006', async (_, library) => {
  const server = await DrainingServer.start(scope(), compiled);
  await server.drain(20, () => scope().track(new library(server.url)));
});
