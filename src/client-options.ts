/** The options of a client: checked and copied when it is made; later changes have no effect. */

import {
  CONNECTION_OPTIONS,
  checkConnectionOptions,
  checkFunctions,
  checkNumbers,
  warnOfUnknownOptions,
} from './check-options.js';
import type { ClientOptions } from './options.js';
import { isOn } from './settings.js';

/** The numeric options that only a client has, and what they count. */
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
  'isServer', // of an object that is not connected: for a client without effect
  'origin',
  'protocolVersion',
  'protocols',
  ...NODE_OPTIONS.trim().split(/\s+/),
];

/**
 * Checks and copies what a program gave to `new WebSocket(url, …)`. What is no object means no
 * options, as for `ws`.
 * @throws RangeError for another version of the protocol; TypeError or RangeError for a value that
 * makes no sense
 */
export function readClientOptions(given: unknown): ClientOptions {
  const options: ClientOptions = typeof given === 'object' ? { ...given } : {};
  checkVersion(options.protocolVersion);
  warnOfUnknownOptions(options, CLIENT_OPTIONS, 'WebSocket');
  checkConnectionOptions(options);
  checkNumbers(options, CLIENT_NUMBERS);
  checkFunctions(options, CLIENT_FUNCTIONS);
  checkHost(options);
  options.perMessageDeflate = copyDeflateOptions(options.perMessageDeflate);
  return options;
}

// RFC 6455 §4.1: the version MUST be 13.
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
