/** RFC 6455 §4.1: the HTTP request of an opening handshake, and the connection for it. */

import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { ProxyOptions } from '../proxy/options.js';
import { connectorFor, connectorThrough } from './create-connection.js';
import type { ClientOptions } from './options.js';
import { type Address, hostnameOf, portOf } from './url.js';

/** One request. */
interface RequestDescription {
  readonly address: Address;
  readonly options: ClientOptions;
  /** `user:password` for the server. */
  readonly auth: string | undefined;
  readonly headers: http.OutgoingHttpHeaders;
  /** The connection to a proxy begins. The request gets it when the tunnel is open. */
  readonly onTunnel: (socket: Socket) => void;
}

/** Creates the request. It is not sent yet. @throws what `http.request` throws */
export function createRequest(description: RequestDescription): http.ClientRequest {
  const { address, options, auth, headers } = description;
  const { url, secure, socketPath, resourceName } = address;
  const port = secure ? 443 : 80;
  const request = {
    ...options,
    ...connectionOptions(description),
    setHost: true, // RFC 6455 §4.1 MUST: Host is sent, also after a redirect removed the program's.
    protocol: undefined,
    hostname: undefined,
    timeout: undefined,
    method: 'GET', // RFC 6455 §4.1 MUST: a valid GET request; `node:http` writes HTTP/1.1.
    defaultPort: options.defaultPort || port,
    host: hostnameOf(url),
    port: url.port || port,
    path: resourceName, // RFC 6455 §4.1 MUST: the Request-URI matches the resource name.
    socketPath,
    auth,
    headers,
  };
  // RFC 6455 §4.1 MUST: for wss TLS comes before the request, and everything goes through it.
  return secure
    ? https.request(request as https.RequestOptions)
    : http.request(request as http.RequestOptions);
}

/** The connection: as the options say, or through the proxy that they name for this address. */
function connectionOptions({ address, options, onTunnel }: RequestDescription): object {
  const { url, secure, socketPath } = address;
  const direct = connectorFor(options.createConnection, secure);
  if (!options.proxy || socketPath !== undefined) return { createConnection: direct };
  const { chooseProxy } = require('../proxy/options.js') as typeof import('../proxy/options.js');
  const target = { host: hostnameOf(url), port: portOf(url), secure };
  const proxy = chooseProxy(options.proxy as ProxyOptions, target, process.env); // it was copied
  // With an agent, `node:http` does not call `createConnection`.
  const agent = undefined;
  if (proxy === undefined) return { agent, createConnection: direct };
  return { agent, createConnection: connectorThrough(proxy, target, options.signal, onTunnel) };
}
