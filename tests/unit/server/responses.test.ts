/** The watch of responses: what it costs ends with the servers that need it. */

import { describe, expect, test } from '@jest/globals';
import { Compiled } from '../../support/child.js';
import { useScope } from '../../support/scope.js';

const scope = useScope();
const compiled = new Compiled();

/** What a program prints that looks at the watch: nobody else in its process has one. */
async function printed(program: string): Promise<string[]> {
  const head = `
    const { channel } = require('node:diagnostics_channel');
    const { createServer } = require('node:http');
    const { WebSocketServer } = WebSocket;
    const names = ['http.server.request.start', 'http.server.response.finish'];
    const isWatched = () => names.map((name) => channel(name).hasSubscribers).join(' ');`;
  const { lines, errors } = await compiled.run(scope(), `${head}\n${program}`);
  expect(errors).toBe('');
  return lines;
}

describe('responses are watched', () => {
  test('while a WebSocketServer shares an http server of the program', async () => {
    const lines = await printed(`
      const servers = [1, 2].map(() => new WebSocketServer({ server: createServer() }));
      for (const wss of [servers[0], ...servers]) {
        console.log(isWatched());
        wss.close();
      }
      console.log(isWatched());`);
    expect(lines).toEqual(['true true', 'true true', 'true true', 'false false']);
  });

  test('not for servers on a port of their own, or without one', async () => {
    const lines = await printed(`
      const own = new WebSocketServer({ port: 0 });
      new WebSocketServer({ noServer: true });
      console.log(isWatched());
      own.close();`);
    expect(lines).toEqual(['false false']);
  });

  test('not for an http server that is forgotten', async () => {
    const lines = await printed(`
      require('node:v8').setFlagsFromString('--expose-gc');
      const gc = require('node:vm').runInNewContext('gc');
      (() => new WebSocketServer({ server: createServer() }))();
      console.log(isWatched());
      const deadline = Date.now() + 3_000;
      (function wait() {
        gc();
        if (isWatched() === 'true true' && Date.now() < deadline) setImmediate(wait);
        else console.log(isWatched());
      })();`);
    expect(lines).toEqual(['true true', 'false false']);
  });
});
