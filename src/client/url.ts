/** RFC 6455 §3: WebSocket URLs. */

/** The parts of a URL, named as in RFC 6455 §3. */
export interface Address {
  readonly url: URL;
  /** Whether TLS is used. */
  readonly secure: boolean;
  /** The path of a local socket; undefined for TCP. */
  readonly socketPath: string | undefined;
  /** The path and query of the request line. */
  readonly resourceName: string;
}

const SCHEMES = new Map([
  ['ws:', 'ws:'],
  ['wss:', 'wss:'],
  ['http:', 'ws:'],
  ['https:', 'wss:'],
  ['ws+unix:', 'ws+unix:'],
]);

const SAMPLE = '"ws://localhost:8080/"';

/**
 * Reads an address. RFC 6455 §4.1 MUST: an address that is not valid fails the connection.
 * @param base the base URL of a redirect; undefined for the absolute URL of a program
 * @throws SyntaxError if it is not a valid WebSocket URL
 */
export function readAddress(address: string | URL, base?: URL): Address {
  const url = readUrl(address, base);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) {
    const hint = base === undefined ? schemeHint(address) : '';
    throw new SyntaxError(
      `The URL's protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"${hint}`,
    );
  }
  url.protocol = scheme;
  // RFC 6455 §3 MUST NOT: no fragment identifier, not even an empty one, which `url.hash` hides.
  // RFC 6455 §3 MUST: a `#` that begins no fragment is written as %23; `URL` leaves %23 as it is.
  if (url.href.includes('#')) throw new SyntaxError('The URL contains a fragment identifier');
  const resource = url.pathname + url.search;
  if (scheme !== 'ws+unix:') {
    return { url, secure: scheme === 'wss:', socketPath: undefined, resourceName: resource };
  }
  if (url.pathname === '') throw new SyntaxError("The URL's pathname is empty");
  const colon = resource.indexOf(':');
  return {
    url,
    secure: false,
    socketPath: colon === -1 ? resource : resource.slice(0, colon),
    resourceName: colon === -1 ? '/' : resource.slice(colon + 1) || '/',
  };
}

// RFC 6455 §11.1.1, §11.1.2 MUST: `URL` converts the host to ASCII and percent-encodes the rest.
function readUrl(address: unknown, base: URL | undefined): URL {
  try {
    return new URL(address instanceof URL ? address.href : String(address), base);
  } catch {
    const hint = base === undefined ? urlHint(address) : '';
    throw new SyntaxError(`Invalid URL: ${String(address)}${hint}`);
  }
}

/** The hint for `localhost:3000`, which `URL` parses as the scheme `localhost:`. */
function schemeHint(address: unknown): string {
  const text = String(address).trim();
  return /^[^/?#:]+:\d+(?![^/?#])/.test(text) ? didYouMean(`ws://${text}`) : '';
}

/** Names the probable mistake in an address that is not a URL. */
function urlHint(address: unknown): string {
  if (typeof address !== 'string') return `; an address is a string or a URL, such as ${SAMPLE}`;
  const text = address.trim();
  if (text === '') return `; the address is empty, where ${SAMPLE} would be one`;
  if (/^(wss?|https?):/i.test(text)) return authorityHint(text);
  const [, scheme = 'ws', rest = text] = /^(?:(wss?|https?)(?=\/))?\/\/(.*)/i.exec(text) ?? [];
  return rest.startsWith('/')
    ? `; an address is absolute, such as ${SAMPLE}`
    : didYouMean(`${scheme}://${rest}`);
}

/** Names the mistake between the scheme and the path. */
function authorityHint(text: string): string {
  const [, authority = ''] = /^\w+:[\\/]*([^\\/?#]*)/.exec(text) ?? [];
  if (authority === '') return '; it names no host';
  const [, port] = /:([^:\]]*)$/.exec(authority) ?? [];
  if (port === undefined || Number(port) <= 65_535) return '';
  return '; the port is a whole number from 0 to 65535';
}

function didYouMean(guess: string): string {
  return URL.canParse(guess) ? `; did you mean "${guess}"?` : '';
}

/** The host of a URL; an IPv6 address without its brackets. */
export function hostnameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** RFC 6455 §3: the port of a URL; without one 443 for wss: and 80 for ws:. */
export function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'wss:' ? 443 : 80;
}

/** Returns the `user:password` of a URL; undefined if it has none. */
export function credentialsOf(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  return `${decode(url.username)}:${decode(url.password)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
