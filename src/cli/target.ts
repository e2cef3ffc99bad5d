/** The URL of a server as people type it. */

import { readAddress } from '../client/url.js';
import { UsageError } from './exit.js';
import { explain } from './explain.js';

/**
 * Completes a URL: `:8080` and `localhost:8080/chat` are ws: URLs, and wss: ones on port 443; http: and
 * https: mean ws: and wss:.
 * @throws UsageError if it is no URL
 */
export function readTarget(given: string): string {
  const text = given.startsWith(':') || given.startsWith('/') ? `localhost${given}` : given;
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^ws\+unix:/i.test(text);
  const scheme = /^[^/?#]*:443(?:[/?#]|$)/.test(text) ? 'wss' : 'ws';
  try {
    return readAddress(hasScheme ? text : `${scheme}://${text}`).url.href;
  } catch (error) {
    throw new UsageError(explain(error));
  }
}
