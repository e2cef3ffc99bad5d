/** RFC 6455 §4.1, RFC 9110 §15.4: where a redirect leads, and what may go there. */

import type { OutgoingHttpHeaders } from 'node:http';
import { REFUSALS } from '../handshake/errors.js';
import { type Address, readAddress } from './url.js';

/** Header fields that identify the user: they are for the host that they were given for. */
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * Reads the Location field of a redirect.
 * @returns the address, or the error that the constructor throws for such an address: here it is the
 * server's fault
 */
export function readLocation(location: string, from: Address, status: number): Address | Error {
  try {
    return readAddress(location, from.url);
  } catch (error) {
    const { code } = REFUSALS.INVALID_REDIRECT;
    return Object.assign(error as Error, { code, status });
  }
}

export function isSameHost(first: Address, to: Address): boolean {
  return to.socketPath === first.socketPath && to.url.host === first.url.host;
}

// RFC 9110 §15.4: credentials for one host are not sent to another one, nor without TLS.
export function mayReceiveCredentials(first: Address, to: Address): boolean {
  return isSameHost(first, to) && (to.secure || !first.secure);
}

/** Removes the credentials from the header fields and the URL; `Host` too, if it is for another host. */
export function removeCredentials(
  headers: OutgoingHttpHeaders,
  url: URL,
  keepsHost: boolean,
): void {
  url.username = '';
  url.password = '';
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (CREDENTIALS.includes(lower) || (lower === 'host' && !keepsHost)) delete headers[name];
  }
}
