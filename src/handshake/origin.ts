/** RFC 6455 §4.2.2, §10.2: which origins and which hosts a server accepts. RFC 6454. */

import { fieldOf, trim } from './fields.js';
import type { HandshakeRequest } from './server.js';

/** Which origins are accepted; see the option `origins` of a server. */
export type OriginPolicy<Request> =
  | 'same'
  | '*'
  | readonly (string | RegExp)[]
  | ((origin: string | undefined, request: Request) => boolean);

/** An origin: RFC 6454 §4. The port is undefined where the scheme has no default. */
interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: string | undefined;
}

/** A host and its port, as the field Host has them. */
interface Authority {
  readonly host: string;
  /** undefined if it is left out */
  readonly port: string | undefined;
}

/** A string of the options `origins` and `hosts`. */
interface Pattern extends Authority {
  /** undefined for http and https */
  readonly scheme: string | undefined;
  /** Whether it means the subdomains of `host`, and not `host` itself. */
  readonly isWildcard: boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/([^/]+)$/i;
const PATTERN = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\*\.)?([^/*]+?)(:\*)?$/i;
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^\s:,/?#@%[\]\\]+)(?::(\d{0,5}))?$/i;

/** What was parsed, by its text: programs have few patterns, and servers have few hosts and origins. */
const patterns = new Map<string, Pattern | undefined>();
const authorities = new Map<string, Authority | undefined>();
const MAX_CACHED = 1000;

/** RFC 1035 §2.3.4: a domain name has at most 255 bytes. A port has five digits. */
const MAX_AUTHORITY_LENGTH = 261;

/**
 * Whether a policy accepts the origin of a request. RFC 6455 §10.2 SHOULD: a server for certain sites
 * checks it. RFC 6455 §4.2.1 SHOULD NOT: a request without Origin is not taken for one of a browser. It
 * is accepted, unless a function says otherwise.
 * @param isSecure whether the request came over TLS to this process
 * @throws TypeError if a function returns no boolean
 */
export function isOriginAllowed<Request extends HandshakeRequest>(
  policy: OriginPolicy<Request>,
  request: Request,
  isSecure: boolean,
): boolean {
  const origin = fieldOf(request.headers, 'origin');
  if (typeof policy === 'function') return callPolicy(policy, origin, request);
  if (policy === '*' || origin === undefined) return true;
  return policy === 'same' ? isSameOrigin(origin, request, isSecure) : isListed(policy, origin);
}

/** Whether a request has an Origin that is not the server's own. */
export function hasForeignOrigin(request: HandshakeRequest, isSecure: boolean): boolean {
  const origin = fieldOf(request.headers, 'origin');
  return origin !== undefined && !isSameOrigin(origin, request, isSecure);
}

/** Whether the field Host has one of these hosts: `host`, `*.host`, either with `:port`. */
export function isHostAllowed(hosts: readonly string[], request: HandshakeRequest): boolean {
  const asked = parseAuthority(hostOf(request));
  if (asked === undefined) return false;
  return hosts.some((text) => {
    const pattern = parsePattern(text);
    if (pattern === undefined || !matchesHost(pattern, asked.host)) return false;
    if (pattern.port === undefined || pattern.port === '*') return true;
    // Without a port Host means the default of the scheme, which a proxy may have changed.
    if (asked.port === undefined) return Object.values(DEFAULT_PORTS).includes(pattern.port);
    return pattern.port === asked.port;
  });
}

/** Whether a string may be in the list of the option `origins`. */
export function isOriginPattern(text: string): boolean {
  return text === 'null' || parsePattern(text) !== undefined;
}

/** Whether a string may be in the list of the option `hosts`. */
export function isHostPattern(text: string): boolean {
  const pattern = parsePattern(text);
  return pattern !== undefined && pattern.scheme === undefined;
}

/**
 * RFC 6454 §5: scheme, host and port are equal. Host has no scheme: a proxy may have ended TLS, so
 * only a page that came without TLS is refused on a connection with TLS.
 */
function isSameOrigin(text: string, request: HandshakeRequest, isSecure: boolean): boolean {
  const origin = parseOrigin(text);
  const own = parseAuthority(hostOf(request));
  if (origin === undefined || own === undefined) return false;
  const defaultPort = DEFAULT_PORTS[origin.scheme];
  if (defaultPort === undefined || (isSecure && origin.scheme === 'http')) return false;
  return origin.host === own.host && origin.port === (own.port ?? defaultPort);
}

function isListed(list: readonly (string | RegExp)[], text: string): boolean {
  const origin = parseOrigin(text);
  return list.some((entry) => {
    if (entry === text) return true;
    if (origin === undefined) return false;
    return typeof entry === 'string'
      ? matchesOrigin(parsePattern(entry), origin)
      : matchesWhole(entry, formatOrigin(origin));
  });
}

function matchesOrigin(pattern: Pattern | undefined, { scheme, host, port }: Origin): boolean {
  if (pattern === undefined || !matchesHost(pattern, host)) return false;
  const defaultPort = DEFAULT_PORTS[scheme];
  const hasScheme =
    pattern.scheme === undefined ? defaultPort !== undefined : pattern.scheme === scheme;
  return hasScheme && (pattern.port === '*' || (pattern.port ?? defaultPort) === port);
}

function matchesHost(pattern: Pattern, host: string): boolean {
  return pattern.isWildcard ? host.endsWith(`.${pattern.host}`) : host === pattern.host;
}

/** An expression without anchors would accept `https://example.com.attacker.example`. */
function matchesWhole({ source, flags }: RegExp, text: string): boolean {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gmy]/g, '')).test(text);
}

function callPolicy<Request>(
  policy: (origin: string | undefined, request: Request) => boolean,
  origin: string | undefined,
  request: Request,
): boolean {
  const answer: unknown = policy(origin, request);
  if (typeof answer === 'boolean') return answer;
  // A Promise would count as true.
  throw new TypeError('The function origins must return true or false, and is not awaited');
}

/** RFC 9113 §8.3.1: over HTTP/2 the host is in the pseudo-header field `:authority`. */
function hostOf({ headers }: HandshakeRequest): string {
  return trim(fieldOf(headers, ':authority') ?? fieldOf(headers, 'host') ?? '');
}

/** RFC 6454 §7: `null` and a list of origins are no origin. */
function parseOrigin(text: string): Origin | undefined {
  const [, scheme = '', rest = ''] = ORIGIN.exec(text) ?? [];
  const authority = parseAuthority(rest);
  if (authority === undefined) return undefined;
  const lowerScheme = scheme.toLowerCase();
  const { host, port = DEFAULT_PORTS[lowerScheme] } = authority;
  return { scheme: lowerScheme, host, port };
}

/** RFC 6454 §6.2: in lower case, without the default port. */
function formatOrigin({ scheme, host, port }: Origin): string {
  const isDefault = port === undefined || port === DEFAULT_PORTS[scheme];
  return `${scheme}://${host}${isDefault ? '' : `:${port}`}`;
}

function parseAuthority(text: string): Authority | undefined {
  if (text.length > MAX_AUTHORITY_LENGTH) return undefined;
  return cached(authorities, text, readAuthority);
}

function readAuthority(text: string): Authority | undefined {
  const [, host, port = ''] = AUTHORITY.exec(text) ?? [];
  const normalized = host === undefined ? undefined : normalizeHost(host);
  if (normalized === undefined || Number(port) > 65_535) return undefined;
  return { host: normalized, port: port === '' ? undefined : String(Number(port)) };
}

/**
 * A host as browsers write it: lower case, Punycode, shortest form of IPv6. The dot at the end of an
 * absolute domain name is removed: both forms name the same host.
 */
function normalizeHost(host: string): string | undefined {
  try {
    return new URL(`http://${host}`).hostname.replace(/\.$/, '') || undefined;
  } catch {
    return undefined;
  }
}

function parsePattern(text: string): Pattern | undefined {
  return cached(patterns, text, readPattern);
}

function cached<T>(cache: Map<string, T>, text: string, parse: (text: string) => T): T {
  const known = cache.get(text);
  if (known !== undefined) return known;
  if (cache.size >= MAX_CACHED) cache.clear();
  const parsed = parse(text);
  cache.set(text, parsed);
  return parsed;
}

function readPattern(text: string): Pattern | undefined {
  const [, scheme, wildcard, rest = '', anyPort] = PATTERN.exec(text) ?? [];
  const authority = parseAuthority(rest);
  if (authority === undefined || (anyPort !== undefined && authority.port !== undefined)) {
    return undefined;
  }
  return {
    scheme: scheme?.toLowerCase(),
    host: authority.host,
    port: anyPort === undefined ? authority.port : '*',
    isWildcard: wildcard !== undefined,
  };
}
