/** Serves the page of the inspector, recordings to download, and the socket that controls it. */

import type { Buffer } from 'node:buffer';
import { readFile } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { toError } from '../connection/callbacks.js';
import { WebSocketServer } from '../server/websocket-server.js';
import type { WebSocket } from '../websocket/websocket.js';
import { PAGE_PREFIX } from './messages.js';

/** A file to download: its type and its chunks. */
export interface Download {
  readonly type: string;
  readonly chunks: Iterable<string | Uint8Array>;
}

/** What the page server shows. */
export interface PageContent {
  /** The address that the inspector listens on, as the program gave it. */
  readonly host: string;
  /** A recording, by its name such as 'recording.har'; undefined if there is none. */
  download(name: string): Download | undefined;
  /** A page has opened its socket. */
  connected(socket: WebSocket): void;
}

const FOLDER = join(__dirname, 'page');

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
};

/** The longest command of the page: a held frame of 1 MiB, in hexadecimal digits. */
const MAX_COMMAND = 4 * 1024 * 1024;

/** An HTTP server for the connections that a proxy gives it. It does not listen. */
export class PageServer {
  readonly http: Server;
  readonly control: WebSocketServer;
  private readonly content: PageContent;

  constructor(content: PageContent) {
    this.content = content;
    this.http = createServer((request, response) => this.answer(request, response));
    // The next request of the client may be one for the target, which this server does not reach.
    this.http.maxRequestsPerSocket = 1;
    this.control = new WebSocketServer({
      server: this.http,
      path: `${PAGE_PREFIX}control`,
      maxPayload: MAX_COMMAND,
      verifyClient: ({ req }, done) => {
        const isOwn = this.isOwnHost(req) && isOfHost(req.headers.origin, req.headers.host);
        done(isOwn, 403, `The origin ${req.headers.origin} is not the page of this inspector\n`);
      },
    });
    this.control.on('connection', (socket) => content.connected(socket));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const { host = '' } = request.headers;
    if (!this.isOwnHost(request)) {
      end(response, 403, `This inspector is not at ${host}: open it with its address\n`);
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      end(response, 405, 'The page can only be read\n');
    } else if (path.startsWith(`${PAGE_PREFIX}recording.`) && isOfOtherSite(request)) {
      end(response, 403, 'Only the page of this inspector gets its recordings\n');
    } else if (path.startsWith(`${PAGE_PREFIX}recording.`)) {
      this.sendRecording(path.slice(PAGE_PREFIX.length), response);
    } else {
      const name = path === '/' ? 'index.html' : path.slice(PAGE_PREFIX.length);
      sendFile(path === '/' || path.startsWith(PAGE_PREFIX) ? name : '', host, response);
    }
  }

  /**
   * Whether Host is a name of this machine, or an address. The name of another site would mean that
   * it resolves to this machine, so that its pages could read what is here.
   */
  private isOwnHost({ headers: { host = '' } }: IncomingMessage): boolean {
    const name = host.replace(/:\d*$/, '').toLowerCase();
    const isAddress = isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
    return isAddress || name === 'localhost' || name === this.content.host.toLowerCase();
  }

  private sendRecording(name: string, response: ServerResponse): void {
    let download: Download | undefined;
    try {
      download = this.content.download(name);
    } catch (thrown) {
      end(response, 500, `${toError(thrown).message}\n`);
      return;
    }
    if (download === undefined) {
      end(response, 404, `There is no ${name}\n`);
      return;
    }
    response.writeHead(200, {
      'Content-Type': download.type,
      'Content-Disposition': `attachment; filename="${name}"`,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    writeChunks(response, download.chunks[Symbol.iterator]());
  }
}

/** Writes as fast as the client reads. */
function writeChunks(response: ServerResponse, chunks: Iterator<string | Uint8Array>): void {
  for (let next = chunks.next(); next.done !== true; next = chunks.next()) {
    if (response.write(next.value)) continue;
    response.once('drain', () => writeChunks(response, chunks));
    return;
  }
  response.end();
}

function sendFile(name: string, host: string, response: ServerResponse): void {
  const [, extension = ''] = /^[\w-]+\.(\w+)$/.exec(name) ?? [];
  const type = TYPES[extension];
  if (type === undefined) {
    end(response, 404, 'There is only the page at /\n');
    return;
  }
  readFile(join(FOLDER, name), (error, bytes) => {
    if (error === null) sendPage(bytes, type, host, response);
    else end(response, 404, `There is no ${name}\n`);
  });
}

function sendPage(bytes: Buffer, type: string, host: string, response: ServerResponse): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; ` +
      `connect-src 'self' ws://${host} wss://${host}; base-uri 'none'; form-action 'none'; ` +
      `frame-ancestors 'none'`,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(bytes);
}

function end(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(sentence);
}

/** A page of another site cannot read a recording, but making one takes time and memory. */
function isOfOtherSite({ headers }: IncomingMessage): boolean {
  return /^(?:cross|same)-site$/.test(String(headers['sec-fetch-site']));
}

/** Whether a page of this host sent the request: other pages can open sockets here too. */
function isOfHost(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false;
  return new URL(origin).host === host.toLowerCase();
}
