/** What breaks each rule of the opening handshake: a request, or a response. */

import { Buffer } from 'node:buffer';
import type { Refusal } from '../handshake/errors.js';
import { accepting, type Impossible, type ServerOffence } from './frame-offences.js';

/** A client sends a request that a server refuses. */
export interface RequestOffence {
  readonly by: 'client';
  readonly offence: string;
  /** Changes the head of a request that is right. */
  readonly change: (head: string) => string;
}

/** Replaces the value of a field. */
function withField(name: string, value: string): RequestOffence['change'] {
  return (head) =>
    head.replace(new RegExp(`(\r\n${name}: )[^\r]*`), (_, start: string) => start + value);
}

function without(name: string): RequestOffence['change'] {
  return (head) => head.replace(new RegExp(`\r\n${name}: [^\r]*`), '');
}

function adding(lines: string, body = ''): RequestOffence['change'] {
  return (head) => `${head.slice(0, -2)}${lines}\r\n\r\n${body}`;
}

function request(offence: string, change: RequestOffence['change']): RequestOffence {
  return { by: 'client', offence, change };
}

function response(
  offence: string,
  respond: ServerOffence['respond'],
  more: Pick<ServerOffence, 'clientOptions' | 'protocols'> = {},
): ServerOffence {
  return { by: 'server', offence, respond, ...more };
}

function redirectTo(location: string): Buffer {
  const lines = ['HTTP/1.1 302 Found', `Location: ${location}`, 'Content-Length: 0'];
  return Buffer.from([...lines, 'Connection: close', '', ''].join('\r\n'));
}

const WITH_DEFLATE = { clientOptions: { perMessageDeflate: true } };

/** The rules for requests. */
const REQUEST_OFFENCES = {
  INVALID_METHOD: request('The method POST', (head) => head.replace('GET', 'POST')),
  INVALID_HTTP_VERSION: request('HTTP/1.0, which has no Upgrade', (head) =>
    head.replace('HTTP/1.1', 'HTTP/1.0'),
  ),
  INVALID_REQUEST_TARGET: request('The request target *, which is no path', (head) =>
    head.replace(/^GET \S+/, 'GET *'),
  ),
  INVALID_HOST: request('No field Host', without('Host')),
  INVALID_UPGRADE: request('Upgrade: h2c', withField('Upgrade', 'h2c')),
  INVALID_CONNECTION: request(
    'Connection: keep-alive, without the token Upgrade',
    withField('Connection', 'keep-alive'),
  ),
  UNEXPECTED_BODY: request('A body of five bytes', adding('Content-Length: 5', 'Hello')),
  INVALID_KEY: request('A key of five bytes', withField('Sec-WebSocket-Key', 'c2hvcnQ=')),
  INVALID_VERSION: request('Version 12', withField('Sec-WebSocket-Version', '12')),
  INVALID_SUBPROTOCOLS: request(
    'The same subprotocol twice',
    adding('Sec-WebSocket-Protocol: chat, chat'),
  ),
  INVALID_EXTENSIONS: request(
    'An extension without a name',
    adding('Sec-WebSocket-Extensions: ; client_max_window_bits'),
  ),
} as const satisfies Partial<Record<Refusal, RequestOffence>>;

/** The rules for responses. */
const RESPONSE_OFFENCES = {
  INVALID_ACCEPT: response('A Sec-WebSocket-Accept for another key', () =>
    accepting('dGhlIHNhbXBsZSBub25jZQ=='),
  ),
  UNREQUESTED_SUBPROTOCOL: response('A subprotocol for a client that asked for none', (key) =>
    accepting(key, ['Sec-WebSocket-Protocol: chat']),
  ),
  INVALID_SUBPROTOCOL: response(
    'The subprotocol "news" for a client that asked for "chat"',
    (key) => accepting(key, ['Sec-WebSocket-Protocol: news']),
    { protocols: ['chat'] },
  ),
  MISSING_SUBPROTOCOL: response(
    'No subprotocol for a client that asked for "chat"',
    (key) => accepting(key),
    { protocols: ['chat'] },
  ),
  UNREQUESTED_EXTENSIONS: response(
    'permessage-deflate for a client that did not offer it',
    (key) => accepting(key, ['Sec-WebSocket-Extensions: permessage-deflate']),
    { clientOptions: { perMessageDeflate: false } },
  ),
  UNREQUESTED_EXTENSION: response(
    'An extension that the client did not offer',
    (key) => accepting(key, ['Sec-WebSocket-Extensions: x-other']),
    WITH_DEFLATE,
  ),
  INVALID_EXTENSIONS_RESPONSE: response(
    'permessage-deflate with a window of 2^99 bytes',
    (key) =>
      accepting(key, ['Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99']),
    WITH_DEFLATE,
  ),
  UNEXPECTED_RESPONSE: response('Status 200: no WebSocket, but a page', () =>
    Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nHello'),
  ),
  INVALID_REDIRECT: response(
    'A redirect to an ftp: URL, for a client that follows redirects',
    () => redirectTo('ftp://localhost/'),
    { clientOptions: { followRedirects: true } },
  ),
  TOO_MANY_REDIRECTS: response(
    'A second redirect, for a client that follows one',
    () => redirectTo('/again'),
    { clientOptions: { followRedirects: true, maxRedirects: 1 } },
  ),
  HANDSHAKE_TIMEOUT: response('No response, for a client that waits 200 ms', () => undefined, {
    clientOptions: { handshakeTimeout: 200 },
  }),
} as const satisfies Partial<Record<Refusal, ServerOffence>>;

/** The rows of REFUSALS. */
export const HANDSHAKE_OFFENCES: Readonly<
  Record<Refusal, Impossible | RequestOffence | ServerOffence>
> = {
  ...REQUEST_OFFENCES,
  ...RESPONSE_OFFENCES,
  CLOSED_EARLY: {
    by: 'nobody',
    offence: 'The program closes its WebSocket before the response is there: no peer does that',
  },
};
