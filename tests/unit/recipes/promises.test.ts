/** The recipes with promises of docs/recipes.md: the server with a loop, and its client. */

import { describe, expect, test } from '@jest/globals';
import { closePayload, frame, KEY, OPCODE } from '../../support/frames.js';
import { Inbox, until } from '../../support/inbox.js';
import { programOf, runHere, serveHere, toPort } from '../../support/recipes.js';
import { upgradeRequest } from '../../support/requests.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();

const serve = () => serveHere(scope(), programOf('A loop for each client'));
const start = (port: number) => runHere(toPort(programOf('Client with promises'), port));

describe('the server with a loop and its client', () => {
  test('the client prints the answers, in order, and the code', async () => {
    const { port, printed: ofServer } = await serve();
    const { printed } = start(port);
    await until(() => printed.length === 3, 'the end');
    expect(printed).toEqual(['TEA', 'MILK', 'closed: 1000']);
    expect(ofServer).toEqual([]);
  });

  test('the server reports a peer that breaks a rule, once', async () => {
    const { port, printed } = await serve();
    const socket = await scope().connect(port);
    const inbox = new Inbox(socket);
    socket.write(upgradeRequest({}));
    await inbox.message();
    socket.write(frame({ payload: 'tea', mask: KEY }));
    expect((await inbox.frame()).payload.toString()).toBe('TEA');
    socket.write(frame({ payload: 'bare' }));
    await until(() => printed.length > 0, 'the report');
    await until(() => inbox.ended, 'the end');
    expect(printed).toEqual([expect.stringMatching(/^a connection failed: .*MASK/)]);
  });

  test('the client says that no server listens', async () => {
    const { port } = await serve();
    await scope().close();
    const { printed } = start(port);
    await until(() => printed.length > 0, 'the report');
    expect(printed).toEqual([expect.stringMatching(/^failed: .*ECONNREFUSED/)]);
  });
});

test('the server with pipes answers in capital letters', async () => {
  const { port, printed } = await serveHere(scope(), programOf('A pipe for each client'));
  const socket = await scope().connect(port);
  const inbox = new Inbox(socket);
  socket.write(upgradeRequest({}));
  await inbox.message();
  socket.write(
    Buffer.concat([frame({ payload: 'tea', mask: KEY }), frame({ payload: 'milk', mask: KEY })]),
  );
  expect((await inbox.frame()).payload.toString()).toBe('TEA');
  expect((await inbox.frame()).payload.toString()).toBe('MILK');
  socket.end(frame({ opcode: OPCODE.CLOSE, payload: closePayload(1000), mask: KEY }));
  await until(() => inbox.ended, 'the end');
  expect(printed).toEqual([]);
});
