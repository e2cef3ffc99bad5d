/** The request of an upgrade as the web's class Request has it. */

import type { IncomingMessage } from 'node:http';
import type { UpgradeRequest } from './interface.js';

/**
 * Most programs read only the URL and the header fields. A Request of Node has several objects more, for
 * each open connection: it is made when something else is read.
 */
class LightRequest {
  readonly url: string;
  readonly method = 'GET';
  private readonly incoming: IncomingMessage;
  private ownHeaders: Headers | undefined;
  private controller: AbortController | undefined;
  private whole: Request | undefined;

  constructor(incoming: IncomingMessage, url: string) {
    this.incoming = incoming;
    this.url = url;
  }

  get headers(): Headers {
    this.ownHeaders ??= headersOf(this.incoming);
    return this.ownHeaders;
  }

  /** Aborted when the socket is closed. */
  get signal(): AbortSignal {
    if (this.controller !== undefined) return this.controller.signal;
    const controller = new AbortController();
    this.controller = controller;
    const { socket } = this.incoming;
    if (socket.destroyed) controller.abort();
    else socket.once('close', () => controller.abort());
    return controller.signal;
  }

  clone(): UpgradeRequest {
    return new LightRequest(this.incoming, this.url) as unknown as UpgradeRequest;
  }

  /** A complete Request with the same URL and header fields. */
  get complete(): Request {
    this.whole ??= new Request(this.url, { headers: this.headers });
    return this.whole;
  }
}

for (const name of Object.getOwnPropertyNames(Request.prototype)) {
  if (Object.hasOwn(LightRequest.prototype, name) || name === 'url' || name === 'method') continue;
  Object.defineProperty(LightRequest.prototype, name, {
    configurable: true,
    get(this: LightRequest): unknown {
      const value: unknown = Reflect.get(this.complete, name);
      return typeof value === 'function' ? value.bind(this.complete) : value;
    },
  });
}
// Programs ask with `instanceof`.
Object.setPrototypeOf(LightRequest.prototype, Request.prototype);

/** RFC 9110 §7.2: a Host with more than a host and a port would change the path of the URL. */
const HOST = /^[^\s/?#@\\]+$/;

/** RFC 9112 §3.2.2: the form of a request target that is a URL. */
const ABSOLUTE_FORM = /^https?:\/\//i;

/** @returns the request for the hooks; undefined for one without a valid URL */
export function toWebRequest(incoming: IncomingMessage): UpgradeRequest | undefined {
  const url = urlOf(incoming);
  if (!URL.canParse(url)) return undefined;
  return new LightRequest(incoming, url) as unknown as UpgradeRequest;
}

/** @returns an empty string for a request that has none */
function urlOf({ headers, socket, url = '' }: IncomingMessage): string {
  // RFC 9112 §3.2.2 MUST: the Host of a request in absolute-form is ignored.
  if (ABSOLUTE_FORM.test(url)) return url;
  const host = headers.host || 'localhost';
  if (!HOST.test(host) || !url.startsWith('/')) return '';
  const isEncrypted = 'encrypted' in socket || headers['x-forwarded-proto'] === 'https';
  return `${isEncrypted ? 'https' : 'http'}://${host}${url}`;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(String(rawHeaders[i]), String(rawHeaders[i + 1]));
  }
  return headers;
}
