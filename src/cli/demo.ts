/** `ws6455 demo`: an echo and chat server with the inspector in front of it. */

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from '../index.js';
import type { Arguments } from './arguments.js';
import { ChatRoom } from './chat-room.js';
import { type Command, type Io, interrupted } from './command.js';
import { Exit, UsageError } from './exit.js';
import { start } from './inspect.js';
import { styleFor } from './style.js';
import { writeLine } from './text.js';
import { SOFTWARE } from './version.js';

const DEFAULT_PORT = 3000;

export const demo: Command = {
  synopsis: '[options]',
  details: [
    'An echo server at /echo, one with permessage-deflate at /compressed, and a chat at /chat. The page shows every byte, and has a tour.',
  ],
  options: [
    {
      name: 'port',
      short: 'p',
      values: ['PORT'],
      description: `The port; 0 for any free one. Default: the variable PORT, or ${DEFAULT_PORT}.`,
    },
  ],
  examples: [{ command: 'ws6455 demo', meaning: 'open http://localhost:3000/ in a browser' }],
  maxPositionals: 0,
  run: runDemo,
};

async function runDemo(given: Arguments, io: Io): Promise<number> {
  const port = given.integer('port', 0, 65_535) ?? portOf(io.env['PORT']);
  // RFC 9110 §15.5.22: the response to a request without an Upgrade names the protocol.
  const http = createServer((_, response) => {
    response.writeHead(426, { Connection: 'Upgrade', Upgrade: 'websocket' }).end();
  });
  const common = { server: http, origins: 'same' as const };
  const compressing = { ...common, path: '/compressed', perMessageDeflate: true };
  const servers = [new WebSocket.Server(compressing), new WebSocket.Server(common)];
  for (const server of servers) answerAll(server);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const target = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/echo`;
  try {
    // The server compares Host with the Origin of the page.
    const options = { target, port, demo: true, keepHost: true, software: SOFTWARE };
    const inspector = await start(options);
    const url = styleFor(given, io.stdout, io.env).bold(inspector.url);
    writeLine(io.stdout, `Open ${url} in a browser. Ctrl-C ends the demonstration.`);
    await interrupted(io);
    await inspector.close();
  } finally {
    await Promise.all(servers.map((server) => server.shutdown({ timeout: 1000 })));
    http.close();
  }
  return Exit.OK;
}

function portOf(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_PORT;
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new UsageError(`PORT is a whole number from 0 to 65535, not ${JSON.stringify(text)}`);
}

/** Every path but /chat is an echo. */
function answerAll(server: InstanceType<typeof WebSocket.Server>): void {
  const room = new ChatRoom<InstanceType<typeof WebSocket>>();
  let guests = 0;
  server.on('connection', (socket, { url = '/' }: IncomingMessage) => {
    const isChat = /^\/chat(?:[/?]|$)/.test(url);
    socket.on('error', () => {}); // 'close' follows
    if (!isChat) socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    else {
      room.join(socket, ++guests, url);
      socket.on('message', (data: Buffer, isBinary) => room.receive(socket, data, isBinary));
      socket.on('close', () => room.leave(socket));
    }
  });
}
