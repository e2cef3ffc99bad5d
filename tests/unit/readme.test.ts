/** The two programs of README.md, word by word, but for the port and the name of the package. */

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import WebSocket from '../../src/index.js';
import { until } from '../support/inbox.js';

const README = readFileSync(join(__dirname, '../../README.md'), 'utf8');
const [SERVER = '', CLIENT = ''] = Array.from(
  README.matchAll(/^```ts\n(.*?)^```$/gms),
  ([, program]) => program,
);

const servers: WebSocket.WebSocketServer[] = [];

class Server extends WebSocket.WebSocketServer {
  constructor(options: WebSocket.ServerOptions, callback: () => void) {
    super(options, callback);
    servers.push(this);
  }
}

const library = { __esModule: true, default: WebSocket, WebSocketServer: Server };

/** TypeScript as CommonJS, which a function can run. */
function compile(program: string): string {
  const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 };
  return transpileModule(program, { compilerOptions }).outputText;
}

/** Runs a program on another port. @returns what it prints */
function run(program: string, port: number): string[] {
  const printed: string[] = [];
  const print = (line: string) => printed.push(line);
  const onPort = program.replace(/\b8080\b/g, String(port));
  const run = new Function('require', 'exports', 'console', compile(onPort));
  run(() => library, {}, { log: print, error: print });
  return printed;
}

function printing(printed: readonly string[]): Promise<void> {
  return until(() => printed.length > 0, 'a line');
}

async function runServer(): Promise<WebSocket.WebSocketServer> {
  const printed = run(SERVER, 0);
  await printing(printed);
  expect(printed).toEqual(['listening on port 0']);
  return servers[0] as WebSocket.WebSocketServer; // it has printed
}

const portOf = (server: WebSocket.WebSocketServer) => (server.address() as AddressInfo).port;

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
});

test.each([
  ['server', SERVER],
  ['client', CLIENT],
])('the %s is the program whose types are checked', (name, program) => {
  expect(program).toBe(readFileSync(join(__dirname, `../types/readme/${name}.mts`), 'utf8'));
});

test('the server echoes what the client sends, and the client ends', async () => {
  const server = await runServer();
  const printed = run(CLIENT, portOf(server));
  await printing(printed);
  expect(printed).toEqual(['ECHO: Hello!']);
  await until(() => server.clients.size === 0, 'the end of the client');
});

test('the server says that its port is in use', async () => {
  const printed = run(SERVER, portOf(await runServer()));
  await printing(printed);
  expect(printed).toEqual([expect.stringContaining('cannot listen: listen EADDRINUSE')]);
});

test('the client says that no server listens', async () => {
  const server = await runServer();
  const port = portOf(server);
  await new Promise((done) => server.close(done));
  const printed = run(CLIENT, port);
  await printing(printed);
  expect(printed).toEqual([expect.stringContaining('the connection failed: connect ECONNREFUSED')]);
});
