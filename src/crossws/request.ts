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

  constructor(incoming: IncomingMessage) {
    this.incoming = incoming;
    this.url = urlOf(incoming);
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
    return toWebRequest(this.incoming);
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

/** Returns the request for the hooks. */
export function toWebRequest(incoming: IncomingMessage): UpgradeRequest {
  return new LightRequest(incoming) as unknown as UpgradeRequest;
}

function urlOf({ headers, socket, url }: IncomingMessage): string {
  const isEncrypted = 'encrypted' in socket || headers['x-forwarded-proto'] === 'https';
  return `${isEncrypted ? 'https' : 'http'}://${headers.host || 'localhost'}${url}`;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(String(rawHeaders[i]), String(rawHeaders[i + 1]));
  }
  return headers;
}
