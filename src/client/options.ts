/** The options of a client, documented, checked and copied. */

import type { ClientRequest } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import {
  CONNECTION_OPTIONS,
  checkConnectionOptions,
  checkFunctions,
  checkNumbers,
  warnOfUnknownOptions,
} from '../connection/check-options.js';
import { type ConnectionOptions, type GenerateMask, isOn } from '../connection/options.js';
import type { ProxyOption } from '../proxy/options.js';

/**
 * The type of the option `finishRequest`: it may set header fields, and must call `request.end()`.
 */
export type FinishRequestCallback<Socket = never> = (
  request: ClientRequest,
  websocket: Socket,
) => void;

type HttpOptions = Omit<
  RequestOptions,
  'agent' | 'createConnection' | 'headers' | 'checkServerIdentity'
>;

/** The options of a client, in addition to those of `http.request`, `https.request` and `tls.connect`. */
export interface ClientOptions<Socket = never> extends ConnectionOptions<Socket>, HttpOptions {
  /** The subprotocols to request, if the argument `protocols` is left out. RFC 6455 §1.9. */
  protocols?: string | string[] | undefined;
  /** The version of the protocol: only 13 is possible. Default 13. RFC 6455 §4.1. */
  protocolVersion?: number | undefined;
  /** The Origin header field of the request. Default: none. RFC 6455 §10.2. */
  origin?: string | undefined;
  /** Further header fields of the request. */
  // biome-ignore lint/suspicious/noExplicitAny: programs written for `ws` read strings from it
  headers?: { [name: string]: any } | undefined;
  /**
   * How long an opening handshake may take, in milliseconds, from the start of the connection to the
   * 101. The time starts again with each redirect. After an 'unexpected-response' that has a listener
   * it ends when the WebSocket is closed. 0 turns it off. Default 30 000.
   */
  handshakeTimeout?: number | undefined;
  /**
   * Whether redirects are followed. Credentials are not sent to another host, nor without TLS after
   * TLS, unless 'redirect' has a listener. Default false. RFC 6455 §4.1.
   */
  followRedirects?: boolean | undefined;
  /** The maximum number of redirects. Default 10. */
  maxRedirects?: number | undefined;
  /**
   * Fills the four bytes of each masking key. `send` throws its exceptions. Default: random bytes of
   * `node:crypto`. RFC 6455 §5.3.
   */
  generateMask?: GenerateMask | undefined;
  /**
   * Called with each request before it is sent, to set header fields. It must call `request.end()`. A
   * rejection of its promise, if it returns one, is emitted as 'error'.
   */
  finishRequest?: FinishRequestCallback<Socket> | undefined;
  /** The agent that creates the connection; false for a new agent. Default: none. */
  // biome-ignore lint/suspicious/noExplicitAny: agents of proxy packages have other types
  agent?: any;
  /**
   * Creates the connection: returns a Duplex or a promise of one, or calls `callback(error, duplex)`.
   * Default: `net.connect` or `tls.connect`.
   */
  createConnection?: // biome-ignore lint/suspicious/noExplicitAny: written for `ws`, it takes net's or tls's options
  ((options: any, callback?: any) => Duplex | null | undefined | Promise<Duplex>) | undefined;
  /**
   * The proxy through which the client connects: its URL (`http:`, `https:`, `socks5:`, `socks5h:`),
   * an object with the `url`, `headers` and the options of TLS to the proxy, or 'env' for that of the
   * environment, as curl reads it. Not beside `agent` and `createConnection`. Default: none.
   */
  proxy?: ProxyOption | false | null | undefined;
  /** Checks the server's certificate, as for `tls.connect`. */
  // biome-ignore lint/suspicious/noExplicitAny: `@types/ws` has a wrong type for the certificate
  checkServerIdentity?: ((servername: string, certificate: any) => any) | undefined;
}

/** The default of `handshakeTimeout`, in milliseconds. */
export const DEFAULT_HANDSHAKE_TIMEOUT = 30_000;

/** The default of `maxRedirects`. */
export const DEFAULT_MAX_REDIRECTS = 10;

/** The numeric options that only a client has, with their descriptions in error messages. */
const CLIENT_NUMBERS = {
  handshakeTimeout: 'a number of milliseconds',
  maxRedirects: 'a number of redirects',
} as const;

const CLIENT_FUNCTIONS = ['createConnection', 'finishRequest', 'generateMask'];

/**
 * The documented options of `http.request`, `https.request`, `net.connect`, `tls.connect`,
 * `tls.createSecureContext` and `Agent` from Node 20 to 26, and the fields of
 * `url.urlToHttpOptions`, which `http.request` accepts.
 */
const NODE_OPTIONS = `
  agent agentKeepAliveTimeoutBuffer allowHalfOpen allowPartialTrustChain ALPNCallback ALPNProtocols
  auth autoSelectFamily autoSelectFamilyAttemptTimeout blockList ca cert certificateCompression
  checkServerIdentity ciphers clientCertEngine createConnection crl defaultPort dhparam ecdhCurve
  enableTrace family fd hash headers highWaterMark hints honorCipherOrder host hostname href
  httpValidation insecureHTTPParser joinDuplicateHeaders keepAlive keepAliveInitialDelay
  keepAliveMsecs key localAddress localPort lookup maxCachedSessions maxFreeSockets maxHeaderSize
  maxSockets maxTotalSockets maxVersion method minDHSize minVersion noDelay onread passphrase path
  pathname pfx port privateKeyEngine privateKeyIdentifier protocol proxyEnv pskCallback query
  readable rejectUnauthorized requestCert requestOCSP scheduling search secureContext secureOptions
  secureProtocol server servername session sessionIdContext sessionTimeout setDefaultHeaders
  setHost sigalgs signal SNICallback socket socketPath ticketKeys timeout typeOfService
  uniqueHeaders writable
`;

const CLIENT_OPTIONS: readonly string[] = [
  ...CONNECTION_OPTIONS,
  ...Object.keys(CLIENT_NUMBERS),
  ...CLIENT_FUNCTIONS,
  'followRedirects',
  'isServer', // only `new WebSocket(null, …)` reads it
  'origin',
  'protocolVersion',
  'protocols',
  'proxy',
  ...NODE_OPTIONS.trim().split(/\s+/),
];

/**
 * Checks and copies the options of `new WebSocket(url, …)`. As in `ws`, a value that is not an object
 * means no options.
 * @throws RangeError for another version of the protocol; TypeError or RangeError for an invalid value
 */
export function readClientOptions(given: unknown): ClientOptions {
  const options: ClientOptions = typeof given === 'object' ? { ...given } : {};
  checkVersion(options.protocolVersion);
  warnOfUnknownOptions(options, CLIENT_OPTIONS, 'WebSocket');
  checkConnectionOptions(options);
  checkNumbers(options, CLIENT_NUMBERS);
  checkFunctions(options, CLIENT_FUNCTIONS);
  checkHost(options);
  readProxyOption(options);
  options.perMessageDeflate = copyDeflateOptions(options.perMessageDeflate);
  return options;
}

/** @throws TypeError or SyntaxError for a wrong value, and if another option says how to connect */
function readProxyOption(options: ClientOptions): void {
  if (!options.proxy) return;
  for (const name of ['agent', 'createConnection'] as const) {
    if (!options[name]) continue;
    throw new TypeError(
      `The options proxy and ${name} exclude each other: each of them says how to connect`,
    );
  }
  const { copyProxy } = require('../proxy/options.js') as typeof import('../proxy/options.js');
  options.proxy = copyProxy(options.proxy);
}

// RFC 6455 §4.1 MUST: the version is 13.
function checkVersion(version: unknown): void {
  if (version === undefined || version === 13) return;
  throw new RangeError(`Unsupported protocol version: ${version} (supported versions: 13)`);
}

// RFC 6455 §4.1 MUST: the request contains a Host field. `finishRequest` may add it later.
function checkHost(options: ClientOptions): void {
  const { setDefaultHeaders } = options as { setDefaultHeaders?: boolean };
  if (isOn(options.setHost, setDefaultHeaders !== false)) return;
  if (options.finishRequest || hasHost(options.headers)) return;
  const name = setDefaultHeaders === false ? 'setDefaultHeaders' : 'setHost';
  throw new TypeError(
    `The option ${name} must not be false unless headers has a Host: ` +
      'an opening handshake without a Host field is not valid',
  );
}

function hasHost(headers: ClientOptions['headers']): boolean {
  return Object.entries(headers ?? {}).some(
    ([name, value]) => name.toLowerCase() === 'host' && Boolean(value),
  );
}

function copyDeflateOptions(
  given: ClientOptions['perMessageDeflate'],
): ClientOptions['perMessageDeflate'] {
  if (typeof given !== 'object' || given === null) return given;
  const { zlibDeflateOptions, zlibInflateOptions } = given;
  return {
    ...given,
    zlibDeflateOptions: { ...zlibDeflateOptions },
    zlibInflateOptions: { ...zlibInflateOptions },
  };
}
