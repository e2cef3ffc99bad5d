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

/**
 * Reads an address. RFC 6455 §3.
 * @throws SyntaxError if it is no URL a WebSocket can have
 */
export function readAddress(address: string | URL, base?: URL): Address {
  const url = readUrl(address, base);
  const scheme = SCHEMES.get(url.protocol);
  if (scheme === undefined) {
    throw new SyntaxError(
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    );
  }
  url.protocol = scheme;
  // RFC 6455 §3: fragment identifiers are meaningless here and MUST NOT be used.
  if (url.hash !== '') throw new SyntaxError('The URL contains a fragment identifier');
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

function readUrl(address: string | URL, base: URL | undefined): URL {
  try {
    return new URL(address instanceof URL ? address.href : address, base);
  } catch {
    throw new SyntaxError(`Invalid URL: ${String(address)}`);
  }
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
