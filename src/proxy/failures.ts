/** The reasons why a proxy opens no tunnel. Each is a HandshakeError. */

import type { RefusalRow } from '../handshake/errors.js';

/** The rows of {@link HandshakeError} for proxies; `%` is replaced by a detail. */
export const PROXY_FAILURES = {
  REFUSED: {
    status: 0,
    code: 'WS_ERR_PROXY_REFUSED',
    rfc: 'RFC 9110 §9.3.6, RFC 1928 §6',
    sentence: 'The proxy refused to connect to the server: %',
  },
  AUTHENTICATION: {
    status: 0,
    code: 'WS_ERR_PROXY_AUTHENTICATION',
    rfc: 'RFC 9110 §11.7, RFC 1928 §3, RFC 1929 §2',
    sentence: 'The proxy refused the client: %',
  },
  INVALID_RESPONSE: {
    status: 0,
    code: 'WS_ERR_PROXY_RESPONSE',
    rfc: 'RFC 9112 §4, RFC 1928 §3, §6',
    sentence: 'Invalid response of the proxy: %',
  },
  CLOSED: {
    status: 0,
    code: 'WS_ERR_PROXY_CLOSED',
    rfc: 'RFC 9110 §9.3.6, RFC 1928 §6',
    sentence: 'The proxy closed the connection before it was connected to the server',
  },
} as const satisfies Record<string, RefusalRow>;
