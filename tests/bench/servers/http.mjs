/** The HTTP server that packages without one of their own are given. */
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { certificate, options } from './announce.mjs';

export function httpServer() {
  const server = options().tls
    ? createSecureServer({ ...certificate(), noDelay: true })
    : createServer({ noDelay: true });
  return server.listen(0, '127.0.0.1');
}
