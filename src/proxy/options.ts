/** The option `proxy` of a client: documented, checked and copied. */

import { Buffer } from 'node:buffer';
import type { ConnectionOptions, SecureContextOptions } from 'node:tls';
import { describeValue, warnOfUnknownOptions } from '../connection/check-options.js';
import { isFieldText, isToken } from '../handshake/fields.js';
import type { Credentials, Target } from './dialogue.js';
import { type Environment, proxyFromEnvironment } from './environment.js';
import type { Field } from './http-connect.js';

/** The options of `tls.connect` for the connection to the proxy itself. */
interface ProxyTlsOptions
  extends SecureContextOptions,
    Pick<ConnectionOptions, 'checkServerIdentity' | 'rejectUnauthorized' | 'servername'> {}

/** A proxy with its options: also those of `tls.connect` for an `https:` proxy, such as `ca`. */
export interface ProxyOptions extends ProxyTlsOptions {
  /**
   * The URL of the proxy: `http:`, `https:` (TLS to the proxy), `socks5:` (the client looks up the
   * name of the server) or `socks5h:` (the proxy does). It may have a user name and a password. 'env'
   * for that of the environment.
   */
  url: string | URL;
  /** Further header fields for an HTTP proxy. They are sent to the proxy only. */
  headers?: { [name: string]: string | number | readonly string[] | undefined } | undefined;
}

/** The values of the option `proxy`. */
export type ProxyOption = string | URL | ProxyOptions;

/** The proxy for one connection. */
export interface ProxyServer {
  readonly protocol: 'http' | 'socks5';
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether TLS is used between the client and the proxy. */
  readonly secure: boolean;
  /** SOCKS5: whether the client looks up the name of the server. */
  readonly looksUp: boolean;
  readonly credentials: Credentials | undefined;
  readonly fields: readonly Field[];
  readonly tlsOptions: ProxyTlsOptions;
}

const TLS_OPTIONS = [
  'allowPartialTrustChain',
  'ca',
  'cert',
  'checkServerIdentity',
  'ciphers',
  'crl',
  'ecdhCurve',
  'key',
  'maxVersion',
  'minVersion',
  'passphrase',
  'pfx',
  'rejectUnauthorized',
  'secureContext',
  'servername',
  'sigalgs',
];

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'socks5:': 1080,
  'socks5h:': 1080,
};

/** RFC 1928 §5, RFC 1929 §2: SOCKS5 has one byte for the length of a text. */
const MAX_SOCKS_TEXT = 255;

/** The fields that this library writes, or that announce a body. */
const FORBIDDEN_FIELDS = ['host', 'content-length', 'transfer-encoding'];

const SAMPLE = '"http://proxy.example.com:3128"';

/**
 * Checks and copies the option.
 * @throws TypeError or SyntaxError for a value that names no proxy
 */
export function copyProxy(given: unknown): ProxyOptions {
  const isUrl = typeof given === 'string' || given instanceof URL;
  if (!isUrl && (typeof given !== 'object' || given === null)) {
    throw new TypeError(
      `The option proxy must be 'env', the URL of a proxy, such as ${SAMPLE}, or an object with a url: ` +
        `${describeValue(given)} was given`,
    );
  }
  const { ...options } = isUrl ? { url: given } : (given as ProxyOptions);
  warnOfUnknownOptions(options, ['url', 'headers', ...TLS_OPTIONS], 'proxy');
  options.url = copyUrl(options.url);
  options.headers = { ...options.headers };
  const fields = readFields(options.headers);
  if (options.url !== 'env') readProxy(options.url, fields, {}, 'The option proxy');
  return options;
}

function copyUrl(url: unknown): string {
  if (typeof url === 'string') return url;
  if (url instanceof URL) return url.href;
  throw new TypeError(`The option proxy.url must be a string or a URL: ${typeof url} was given`);
}

/**
 * Chooses the proxy for one connection.
 * @param options what `copyProxy` returned
 * @returns undefined if the client should connect without a proxy
 * @throws SyntaxError if the environment names no valid proxy; RangeError for a host that SOCKS5
 * cannot name
 */
export function chooseProxy(
  { url, headers = {}, ...tlsOptions }: ProxyOptions,
  target: Target & { readonly secure: boolean },
  environment: Environment,
): ProxyServer | undefined {
  const named =
    url === 'env' ? proxyFromEnvironment(target, environment) : { url, variable: undefined };
  if (named === undefined) return undefined;
  const source =
    named.variable === undefined ? 'The option proxy' : `The variable ${named.variable}`;
  const proxy = readProxy(named.url, readFields(headers), tlsOptions, source);
  if (proxy.protocol === 'socks5' && Buffer.byteLength(target.host) > MAX_SOCKS_TEXT) {
    throw new RangeError(`SOCKS5 cannot name a host of more than ${MAX_SOCKS_TEXT} bytes`);
  }
  return proxy;
}

/** @param source what has the URL, for the message of an error */
function readProxy(
  given: string | URL,
  fields: readonly Field[],
  tlsOptions: ProxyTlsOptions,
  source: string,
): ProxyServer {
  const url = readUrl(String(given), source);
  const protocol = url.protocol.startsWith('socks') ? 'socks5' : 'http';
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (DEFAULT_PORTS[url.protocol] as number) : Number(url.port), // it is there
    secure: url.protocol === 'https:',
    looksUp: url.protocol === 'socks5:',
    credentials: readCredentials(url, protocol, source),
    fields,
    tlsOptions,
  };
}

/** As for curl, a proxy without a scheme is an HTTP proxy. */
function readUrl(text: string, source: string): URL {
  const [, scheme] = /^\s*([a-z][a-z\d+.-]*):\/\//i.exec(text) ?? [];
  const url = parseUrl(scheme === undefined ? `http://${text.trim()}` : text);
  if (url === undefined || url.hostname === '') {
    const given = describeValue(withoutCredentials(text));
    throw new SyntaxError(
      `${source} must have the URL of a proxy, such as ${SAMPLE}: ${given} was given`,
    );
  }
  if (DEFAULT_PORTS[url.protocol] !== undefined) return url;
  throw new SyntaxError(
    `${source} must have a URL with the scheme http:, https:, socks5: or socks5h:: ` +
      `${describeValue(url.protocol)} was given`,
  );
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** RFC 3986 §3.2.1: a user name and a password do not belong in messages. */
function withoutCredentials(text: string): string {
  return text.replace(/^(\s*[\w+.-]*:[/\\]{2})?.*@/s, '$1');
}

// RFC 3986 §3.2.1: they are percent-encoded in the URL.
function readCredentials(
  { username, password }: URL,
  protocol: ProxyServer['protocol'],
  source: string,
): Credentials | undefined {
  if (username === '' && password === '') return undefined;
  const credentials = { user: decode(username), password: decode(password) };
  for (const text of [credentials.user, credentials.password]) {
    // RFC 7617 §2: they have no control characters.
    if (/\p{Cc}/u.test(text)) {
      throw new TypeError(`${source} has a user name or a password with a control character`);
    }
    if (protocol === 'socks5' && Buffer.byteLength(text) > MAX_SOCKS_TEXT) {
      throw new RangeError(
        `${source} has a user name or a password of more than ${MAX_SOCKS_TEXT} bytes, the limit of SOCKS5`,
      );
    }
  }
  // RFC 7617 §2: a user name with a colon would be split there.
  if (protocol === 'http' && credentials.user.includes(':')) {
    throw new TypeError(
      `${source} has a user name with a colon, which Basic authentication cannot send`,
    );
  }
  return credentials;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @throws TypeError for a field that would change the request */
function readFields(headers: NonNullable<ProxyOptions['headers']>): Field[] {
  const fields: Field[] = [];
  for (const [name, given] of Object.entries(headers)) {
    if (given === undefined) continue;
    if (!isToken(name) || FORBIDDEN_FIELDS.includes(name.toLowerCase())) {
      throw new TypeError(`proxy.headers must not have the field ${describeValue(name)}`);
    }
    for (const value of Array.isArray(given) ? given : [given]) {
      fields.push([name, checkValue(name, String(value))]);
    }
  }
  return fields;
}

/** The value itself may be a secret, so the message does not have it. */
function checkValue(name: string, value: string): string {
  if (isFieldText(value) && /^[\0-\xff]*$/.test(value)) return value;
  throw new TypeError(
    `proxy.headers must have values in Latin-1 without line breaks and NUL: that of ${name} is not`,
  );
}
