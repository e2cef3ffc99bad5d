/** The http server of the option `port`, and where it listens. */

import * as http from 'node:http';
import type { ListenOptions } from 'node:net';
import { HTTP_TIMEOUTS } from './options.js';
import { answerPlainRequest } from './refusal.js';

export function createOwnHttp(): http.Server {
  return http.createServer(
    {
      headersTimeout: HTTP_TIMEOUTS.requestTimeout,
      requestTimeout: HTTP_TIMEOUTS.requestTimeout,
      connectionsCheckingInterval: HTTP_TIMEOUTS.connectionsCheckingInterval,
    },
    (request, response) => answerPlainRequest(request, response),
  );
}

/** Returns the path of a Unix socket or named pipe, or a port, as `net.Server.listen` reads them. */
export function placeOf(port: number | string, host: string | null | undefined): ListenOptions {
  const isPath = typeof port === 'string' && !(Number(port) >= 0);
  return isPath ? { path: port } : { port: port as number, host: host ?? undefined };
}
