/** RFC 6455 §3: the URLs of WebSockets, and what a connection needs of them. */

/** Where to connect to. */
export interface Address {
  readonly url: URL;
  readonly secure: boolean;
  /** The path of a local socket; undefined for TCP. */
  readonly socketPath: string | undefined;
  readonly path: string;
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
 * Reads an address. RFC 6455 §3.
 * @param base what a redirect's address is relative to; a program's is absolute
 * @throws SyntaxError if it is no URL a WebSocket can have
 */
export function readAddress(address: string | URL, base?: URL): Address {
  const url = readUrl(address, base);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) {
    const hint = base === undefined ? hintOfScheme(address) : '';
    throw new SyntaxError(
      `The URL's protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"${hint}`,
    );
  }
  url.protocol = scheme;
  // RFC 6455 §3 MUST NOT: no fragment identifier, not even an empty one, which `url.hash` hides.
  if (url.href.includes('#')) throw new SyntaxError('The URL contains a fragment identifier');
  const target = url.pathname + url.search;
  if (scheme !== 'ws+unix:') {
    return { url, secure: scheme === 'wss:', socketPath: undefined, path: target };
  }
  if (url.pathname === '') throw new SyntaxError("The URL's pathname is empty");
  const colon = target.indexOf(':');
  return {
    url,
    secure: false,
    socketPath: colon === -1 ? target : target.slice(0, colon),
    path: colon === -1 ? '/' : target.slice(colon + 1) || '/',
  };
}

function readUrl(address: unknown, base: URL | undefined): URL {
  try {
    return new URL(address instanceof URL ? address.href : String(address), base);
  } catch {
    const hint = base === undefined ? hintOfUrl(address) : '';
    throw new SyntaxError(`Invalid URL: ${String(address)}${hint}`);
  }
}

/** `localhost:3000` has the scheme `localhost:`. */
function hintOfScheme(address: unknown): string {
  const text = String(address).trim();
  return /^[^/?#:]+:\d+(?![^/?#])/.test(text) ? didYouMean(`ws://${text}`) : '';
}

/** What a program most likely did wrong with an address that is no URL. */
function hintOfUrl(address: unknown): string {
  if (typeof address !== 'string') return `; an address is a string or a URL, such as ${SAMPLE}`;
  const text = address.trim();
  if (text === '') return `; the address is empty, where ${SAMPLE} would be one`;
  if (/^(wss?|https?):/i.test(text)) return hintOfAuthority(text);
  const [, scheme = 'ws', rest = text] = /^(?:(wss?|https?)(?=\/))?\/\/(.*)/i.exec(text) ?? [];
  return rest.startsWith('/')
    ? `; an address is absolute, such as ${SAMPLE}`
    : didYouMean(`${scheme}://${rest}`);
}

/** What is wrong between the scheme and the path. */
function hintOfAuthority(text: string): string {
  const [, authority = ''] = /^\w+:[\\/]*([^\\/?#]*)/.exec(text) ?? [];
  if (authority === '') return '; it names no host';
  const [, port] = /:([^:\]]*)$/.exec(authority) ?? [];
  if (port === undefined || Number(port) <= 65_535) return '';
  return '; the port is a whole number from 0 to 65535';
}

function didYouMean(guess: string): string {
  return URL.canParse(guess) ? `; did you mean "${guess}"?` : '';
}

/** `user:password` of a URL; undefined if it has none. */
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
