/** `ws6455 serve`: an echo or chat server. */

import type { Buffer } from 'node:buffer';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatEndpoint } from '../connection/ip-address.js';
import WebSocket from '../index.js';
import { formatRecord } from '../recording/read.js';
import { Recorder } from '../recording/recorder.js';
import type { RecordingRecord } from '../recording/records.js';
import type { Arguments } from './arguments.js';
import { readCertificate } from './certificate.js';
import { ChatRoom } from './chat-room.js';
import { type Command, type Io, interrupted } from './command.js';
import { Exit, Failure, UsageError } from './exit.js';
import { explain } from './explain.js';
import { tapSocket } from './socket-tap.js';
import { type Style, styleFor } from './style.js';
import { count, describeCloseCode, escapeControls, hex, shorten, writeLine } from './text.js';
import { SOFTWARE } from './version.js';

const DEFAULT_PORT = 8080;

export const serve: Command = {
  synopsis: '[--echo | --chat] [options]',
  options: [
    {
      name: 'port',
      short: 'p',
      values: ['PORT'],
      description: 'The port; 0 for any free one. Default 8080.',
    },
    {
      name: 'host',
      values: ['ADDRESS'],
      description:
        'The address to listen on; 0.0.0.0 or :: for all. Default 127.0.0.1, which other machines cannot reach.',
    },
    { name: 'path', values: ['PATH'], description: 'Accept this path only. Default: all.' },
    { name: 'echo', description: 'Send each message back. The default.' },
    {
      name: 'chat',
      description:
        'Send each message to all others, with the name of its sender: that of ws://…/?name=Ann, or a number. The message "/name Ann" changes it.',
    },
    {
      name: 'tls',
      values: ['CERT', 'KEY'],
      description: 'Use TLS with the certificate and the key of these PEM files.',
    },
    { name: 'compress', description: 'Accept permessage-deflate.' },
    {
      name: 'json',
      description:
        'Print a recording (JSON Lines) of all connections; the URL goes to standard error.',
    },
    { name: 'quiet', short: 'q', description: 'Print the URL only, not connections and messages.' },
  ],
  examples: [
    { command: 'ws6455 serve', meaning: 'an echo server on ws://127.0.0.1:8080/' },
    {
      command: 'ws6455 serve --chat --host 0.0.0.0 --port 9000',
      meaning: 'a chat for everybody in the network',
    },
    {
      command: 'ws6455 serve --tls cert.pem key.pem',
      meaning: 'an echo server on wss://127.0.0.1:8080/',
    },
  ],
  maxPositionals: 0,
  run: runServer,
};

async function runServer(given: Arguments, io: Io): Promise<number> {
  if (given.has('echo') && given.has('chat')) throw new UsageError('--echo or --chat, not both');
  const path = given.text('path');
  if (path !== undefined && !path.startsWith('/')) {
    throw new UsageError(`--path begins with a slash, as in /chat, not ${JSON.stringify(path)}`);
  }
  const http = createServer(given);
  const port = given.integer('port', 0, 65_535) ?? DEFAULT_PORT;
  await listen(http, port, given.text('host') ?? '127.0.0.1');
  const server = new WebSocket.Server({
    server: http,
    origins: '*', // pages of all sites may try it
    perMessageDeflate: given.has('compress'),
    ...(path !== undefined && { path }),
  });
  const isJson = given.has('json');
  if (isJson) recordConnections(http, given, io);
  const style = styleFor(given, isJson ? io.stderr : io.stdout, io.env);
  const log =
    given.has('quiet') || isJson ? () => {} : (line: string) => writeLine(io.stdout, line);
  const service = new Service(given.has('chat'), log, style);
  server.on('connection', (socket, request) => service.accept(socket, request));
  const kind = given.has('chat') ? 'chat' : 'echo';
  writeLine(
    isJson ? io.stderr : io.stdout,
    `${kind} server on ${urlsOf(http, given).map(style.bold).join(' ')}`,
  );
  await interrupted(io);
  await server.shutdown({ timeout: 3_000 });
  http.closeAllConnections();
  await new Promise<void>((resolve) => http.close(() => resolve()));
  return Exit.OK;
}

/** Writes what goes through each socket to standard output. */
function recordConnections(http: Server, given: Arguments, { stdout }: Io): void {
  const write = (record: RecordingRecord) => stdout.write(formatRecord(record));
  const recorder = new Recorder(write, { software: SOFTWARE });
  const [url = ''] = urlsOf(http, given);
  http.on(given.has('tls') ? 'secureConnection' : 'connection', (socket: Socket) => {
    const client = formatEndpoint(socket.remoteAddress, socket.remotePort);
    const server = formatEndpoint(socket.localAddress, socket.localPort);
    tapSocket(socket, 'server', recorder.connect({ url, client, server }));
    socket.on('data', () => {}); // else node:http reads below `push`
  });
}

function createServer(given: Arguments): Server {
  const certificate = readCertificate(given);
  try {
    return certificate ? createTlsServer(certificate, refuse) : createHttpServer(refuse);
  } catch (error) {
    throw new Failure(`cannot use the certificate: ${explain(error)}`);
  }
}

function refuse(_request: IncomingMessage, response: ServerResponse): void {
  const headers = { 'Content-Type': 'text/plain', Connection: 'close', Upgrade: 'websocket' };
  response.writeHead(426, headers).end('This is a WebSocket server. Try: npx ws6455 connect\n');
}

async function listen(http: Server, port: number, host: string): Promise<void> {
  try {
    http.listen(port, host);
    await once(http, 'listening');
  } catch (error) {
    throw new Failure(`cannot listen on ${formatEndpoint(host, port)}: ${explain(error)}`);
  }
}

function urlsOf(http: Server, given: Arguments): string[] {
  const { address, port } = http.address() as AddressInfo; // of TCP: it has one
  const scheme = given.has('tls') ? 'wss' : 'ws';
  const path = given.text('path') ?? '/';
  const hosts =
    address === '0.0.0.0' || address === '::' ? ['localhost', ...ownAddresses()] : [address];
  return hosts.map((host) => `${scheme}://${formatEndpoint(host, port)}${path}`);
}

/** The IPv4 addresses under which other machines reach this one. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}

type Client = InstanceType<typeof WebSocket>;
type Log = (line: string) => void;

/** Answers the messages of all connections, and logs. */
class Service {
  private count = 0;
  private readonly room: ChatRoom<Client> | undefined;
  private readonly log: Log;
  private readonly style: Style;

  constructor(isChat: boolean, log: Log, style: Style) {
    this.room = isChat ? new ChatRoom() : undefined;
    this.log = log;
    this.style = style;
  }

  accept(socket: Client, request: IncomingMessage): void {
    const { log, room, style } = this;
    const number = ++this.count;
    const label = style.dim(`[${number}]`);
    const { remoteAddress, remotePort } = request.socket;
    const client = formatEndpoint(remoteAddress, remotePort);
    log(`${label} ${style.green('connected')} ${client} ${escapeControls(request.url ?? '')}`);
    room?.join(socket, number, request.url);
    socket.on('message', (data: Buffer, isBinary) => {
      log(`${label} ${describeMessage(data, isBinary)}`);
      if (room === undefined) socket.send(data, { binary: isBinary });
      else room.receive(socket, data, isBinary);
    });
    socket.on('error', (error) => log(`${label} ${style.red(`error: ${explain(error)}`)}`));
    socket.on('close', (code, reason) => {
      log(`${label} closed: ${describeCloseCode(code, reason.toString())}`);
      room?.leave(socket);
    });
  }
}

function describeMessage(data: Buffer, isBinary: boolean): string {
  const size = count(data.length, 'byte');
  if (isBinary) return `binary, ${size}: ${hex(data, 16)}`;
  return `text, ${size}: ${shorten(escapeControls(data.toString('utf8', 0, 400)), 100)}`;
}
