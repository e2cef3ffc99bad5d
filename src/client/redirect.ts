/** RFC 6455 §4.1, RFC 9110 §15.4: the target of a redirect, and the header fields for it. */

import type { OutgoingHttpHeaders } from 'node:http';
import { REFUSALS } from '../handshake/errors.js';
import { type Address, readAddress } from './url.js';

/** The header fields that identify the user. They are sent to the initial host only. */
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * Reads the Location field of a redirect.
 * @returns the address; for an invalid one the error of `readAddress`, with the code of a redirect
 */
export function readLocation(location: string, from: Address, status: number): Address | Error {
  try {
    return readAddress(location, from.url);
  } catch (error) {
    const { code } = REFUSALS.INVALID_REDIRECT;
    return Object.assign(error as Error, { code, status });
  }
}

export function isSameHost(initial: Address, to: Address): boolean {
  return to.socketPath === initial.socketPath && to.url.host === initial.url.host;
}

// RFC 9110 §15.4: credentials are not sent to another host, nor without TLS after TLS.
export function mayReceiveCredentials(initial: Address, to: Address): boolean {
  return isSameHost(initial, to) && (to.secure || !initial.secure);
}

/** Removes the credentials from the header fields and the URL, and Host unless `keepHost`. */
export function removeCredentials(headers: OutgoingHttpHeaders, url: URL, keepHost: boolean): void {
  url.username = '';
  url.password = '';
  for (const name of Object.keys(headers)) {
    const lowerCaseName = name.toLowerCase();
    if (CREDENTIALS.includes(lowerCaseName) || (lowerCaseName === 'host' && !keepHost))
      delete headers[name];
  }
}
