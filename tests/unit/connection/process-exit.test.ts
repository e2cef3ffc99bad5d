/** Connections of a process that ends, or whose listeners throw. */

import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { Compiled } from '../../support/child.js';
import { until } from '../../support/inbox.js';
import { useScope } from '../../support/scope.js';
import {
  next,
  type ServerInstance,
  serve,
  type WebSocketInstance,
} from '../../support/websockets.js';

const scope = useScope();

describe('the end of the process', () => {
  const compiled = new Compiled();

  /** A server on a port, the messages it gets, and the code of each 'close'. */
  async function listening(): Promise<{ port: number; events: string[]; wss: ServerInstance }> {
    const http = createServer();
    const wss = serve(scope(), { server: http });
    const events: string[] = [];
    wss.on('connection', (ws: WebSocketInstance) => {
      ws.on('message', (data) => events.push(String(data)));
      ws.on('close', (code) => events.push(`close ${code}`));
    });
    return { port: await scope().listen(http), events, wss };
  }

  test('send() right before process.exit() delivers', async () => {
    const { port, events } = await listening();
    const outcome = await compiled.run(
      scope(),
      `const ws = new WebSocket('ws://127.0.0.1:' + args[0]);
       ws.on('open', () => { ws.send('first'); ws.send('last'); process.exit(7); });`,
      port,
    );
    expect(outcome).toEqual({ status: 7, lines: [], errors: '' });
    await until(() => events.length > 2, "'close'");
    expect(events).toEqual(['first', 'last', 'close 1006']);
  });

  test("what a listener of 'exit' sends that was added after the first send is delivered", async () => {
    const { port, events } = await listening();
    const outcome = await compiled.run(
      scope(),
      `const ws = new WebSocket('ws://127.0.0.1:' + args[0]);
       ws.on('open', () => {
         for (const one of ['a', 'b']) ws.send(one);
         process.on('exit', () => { for (const one of ['c', 'd', 'e']) ws.send(one); });
         process.exit(7);
       });`,
      port,
    );
    expect(outcome).toEqual({ status: 7, lines: [], errors: '' });
    await until(() => events.length > 5, "'close'");
    expect(events).toEqual(['a', 'b', 'c', 'd', 'e', 'close 1006']);
  });

  test("send() right before process.exit() delivers from a 'message' listener too", async () => {
    const { port, events, wss } = await listening();
    wss.on('connection', (ws: WebSocketInstance) => ws.send('go'));
    const outcome = await compiled.run(
      scope(),
      `const ws = new WebSocket('ws://127.0.0.1:' + args[0]);
       ws.on('message', () => { ws.send('last'); process.exit(7); });`,
      port,
    );
    expect(outcome).toEqual({ status: 7, lines: [], errors: '' });
    await until(() => events.includes('close 1006'), "'close'");
    expect(events).toEqual(['last', 'close 1006']);
  });

  test('an exception of a listener is an uncaughtException, the connection goes on', async () => {
    const { port, wss } = await listening();
    const connection = next<[WebSocketInstance]>(wss, 'connection');
    const run = compiled.run(
      scope(),
      `const mine = new Error('mine');
       process.on('uncaughtException', (error) => console.log('uncaught', error === mine));
       const ws = new WebSocket('ws://127.0.0.1:' + args[0]);
       ws.on('message', (data) => {
         console.log('message', String(data));
         if (String(data) !== 'c') throw mine;
         ws.send('done');
       });
       ws.on('close', (code) => console.log('close', code));`,
      port,
    );
    const [ws] = await connection;
    for (const one of ['a', 'b', 'c']) ws.send(one);
    await next(ws, 'message');
    ws.close(1001);
    expect(await run).toEqual({
      status: 0,
      lines: [
        'message a',
        'uncaught true',
        'message b',
        'uncaught true',
        'message c',
        'close 1001',
      ],
      errors: '',
    });
  });

  test('an exception that nobody catches ends the process, with its own message', async () => {
    const { port, wss } = await listening();
    wss.on('connection', (ws: WebSocketInstance) => ws.send('go'));
    const outcome = await compiled.run(
      scope(),
      `const ws = new WebSocket('ws://127.0.0.1:' + args[0]);
       ws.on('message', () => { throw new TypeError('of the program'); });`,
      port,
    );
    expect(outcome.status).toBe(1);
    expect(outcome.errors).toContain('TypeError: of the program');
  });

  test("an 'error' that nobody listens to ends the process", async () => {
    const { port, wss } = await listening();
    wss.on('connection', (ws: WebSocketInstance) => ws.send(Buffer.alloc(100)));
    const outcome = await compiled.run(
      scope(),
      `new WebSocket('ws://127.0.0.1:' + args[0], { maxPayload: 10 });`,
      port,
    );
    expect(outcome.status).toBe(1);
    expect(outcome.errors).toContain('Max payload size exceeded');
  });
});
