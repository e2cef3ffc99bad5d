/** RFC 9110 §9.3.6: the method CONNECT, which makes an HTTP proxy a tunnel. */

import { Buffer } from 'node:buffer';
import { formatHost } from '../connection/ip-address.js';
import { time } from '../connection/time.js';
import { HandshakeError, MAX_REFUSAL_BODY } from '../handshake/errors.js';
import { type HttpHead, readHead } from '../handshake/http-head.js';
import { parseRetryAfter } from '../handshake/retry-after.js';
import { type Credentials, MORE, type ProxyDialogue, type Step, type Target } from './dialogue.js';
import { PROXY_FAILURES } from './failures.js';

/** A header field. */
export type Field = readonly [name: string, value: string];

/** More interim responses than any proxy sends. */
const MAX_INTERIM = 16;

/** Asks an HTTP proxy for a tunnel. */
export class HttpConnect implements ProxyDialogue {
  private readonly target: Target;
  private readonly fields: readonly Field[];
  private readonly hasCredentials: boolean;
  private received: Buffer = Buffer.alloc(0);
  private interim = 0;

  /** @param fields further header fields; a Proxy-Authorization takes precedence over `credentials` */
  constructor(target: Target, credentials: Credentials | undefined, fields: readonly Field[]) {
    this.target = target;
    const given = fields.some(([name]) => name.toLowerCase() === 'proxy-authorization');
    this.fields =
      given || credentials === undefined
        ? fields
        : [['Proxy-Authorization', basic(credentials)], ...fields];
    this.hasCredentials = given || credentials !== undefined;
  }

  // RFC 9110 §9.3.6: the request target is the host and the port, also if it is the default one.
  // RFC 9112 §3.2: Host has the same value.
  start(): Buffer {
    const { host, port } = this.target;
    const authority = `${formatHost(host)}:${port}`;
    const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
    for (const [name, value] of this.fields) lines.push(`${name}: ${value}`);
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  }

  receive(bytes: Buffer): Step {
    this.received = Buffer.concat([this.received, bytes]);
    for (;;) {
      const head = readResponse(this.received);
      if (head === undefined) return MORE;
      const status = statusOf(head);
      // RFC 9110 §9.3.6: any 2xx opens the tunnel. Its Content-Length and Transfer-Encoding are ignored.
      if (status >= 200 && status < 300) return { rest: head.rest };
      if (!isInterim(status)) throw this.refusal(status, head);
      // RFC 9110 §15.2: interim responses come before the response.
      this.interim++;
      if (this.interim > MAX_INTERIM) throw invalid('it has too many interim responses');
      this.received = head.rest;
    }
  }

  private refusal(status: number, { headers, rest }: HttpHead): HandshakeError {
    const row = isChallenge(status) ? PROXY_FAILURES.AUTHENTICATION : PROXY_FAILURES.REFUSED;
    const retryAfter = parseRetryAfter(headers, time.wallClock());
    const body = rest.subarray(0, MAX_REFUSAL_BODY);
    return new HandshakeError(row, status, `${status}${this.hintFor(status)}`, {
      headers,
      body,
      retryAfter,
    });
  }

  private hintFor(status: number): string {
    if (!isChallenge(status)) return '';
    return this.hasCredentials
      ? ' (it did not accept the user name and the password)'
      : ' (it needs a user name and a password, which the URL of the proxy may have)';
  }
}

/** RFC 9110 §15.5.8: 407. Some proxies answer wrong credentials with 401. */
function isChallenge(status: number): boolean {
  return status === 407 || status === 401;
}

/** RFC 9110 §15.2: whether another response follows. After a 101 HTTP is over. */
function isInterim(status: number): boolean {
  return status >= 100 && status < 200 && status !== 101;
}

// RFC 7617 §2: the user name and the password, joined by a colon, in base64. The characters are UTF-8.
function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function readResponse(bytes: Buffer): HttpHead | undefined {
  // A proxy that speaks another protocol should not be waited for.
  const start = bytes.toString('latin1', 0, 5);
  if (!'HTTP/'.startsWith(start)) throw invalid('it is not HTTP');
  try {
    return readHead(bytes);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

// RFC 9112 §4: the status line.
function statusOf({ startLine }: HttpHead): number {
  const [, status] = /^HTTP\/1\.\d ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(startLine) ?? [];
  if (status === undefined) throw invalid('its status line is not valid');
  return Number(status);
}

function invalid(detail: string): HandshakeError {
  return new HandshakeError(PROXY_FAILURES.INVALID_RESPONSE, 0, detail);
}
