/** The address of a client, and the group of addresses that its limits count. */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { describeValue } from '../connection/check-options.js';
import { groupsOf, unmapAddress } from '../connection/ip-address.js';
import { trim } from '../handshake/fields.js';
import { handshakeStateOf, setHandshakeState } from './handshake-state.js';

/** The options that say whose address a request has. */
export interface AddressOptions {
  readonly address?: ((request: never) => string | null | undefined) | null | undefined;
  readonly trustProxy?: number | null | undefined;
}

/**
 * Returns the address of the client. An IPv4-mapped IPv6 address is returned as IPv4. RFC 4291
 * §2.5.5.2.
 * @returns undefined if there is none, as for a Unix socket
 * @throws what the option `address` throws, and TypeError if it returns no string
 */
export function addressOf(request: IncomingMessage, options: AddressOptions): string | undefined {
  if (options.address) {
    const given: unknown = Reflect.apply(options.address, options, [request]);
    if (given === null || given === undefined) return undefined;
    if (typeof given === 'string') return unmapAddress(given);
    throw new TypeError(`The function address must return a string: ${describeValue(given)}`);
  }
  const { trustProxy } = options;
  const forwarded = trustProxy ? forwardedAddress(request, trustProxy) : undefined;
  // A request that a program made may have no socket, and a Unix socket has no address.
  const socket = request.socket as { readonly remoteAddress?: string } | undefined;
  const address = forwarded ?? socket?.remoteAddress;
  return address === undefined ? undefined : unmapAddress(address);
}

/** As `addressOf`, but what the options `address` and `trustProxy` find is asked for once per request. */
export function addressOnce(request: IncomingMessage, options: AddressOptions): string | undefined {
  if (!options.address && !options.trustProxy) return addressOf(request, options);
  const state = handshakeStateOf(request);
  if (state !== undefined && 'address' in state) return state.address;
  const address = addressOf(request, options);
  setHandshakeState(request, { address });
  return address;
}

/**
 * The addresses that share their limits. One IPv6 customer has at least a /64, so that one counts as
 * one; link-local addresses all have the same /64, and count singly. RFC 6177, RFC 4291 §2.5.6.
 * @param address as `addressOf` returns it
 */
export function addressGroup(address: string): string {
  if (isIP(address) !== 6) return address;
  const groups = groupsOf(address);
  return /^fe[89ab]/.test(groups[0] ?? '') ? address : `${groups.slice(0, 4).join(':')}::/64`;
}

/**
 * The n-th address from the right of X-Forwarded-For, which the outermost trusted proxy has added.
 * What is further left may come from the client.
 * @returns undefined if there are fewer addresses, or if it is not an IP address
 */
function forwardedAddress({ headers }: IncomingMessage, proxies: number): string | undefined {
  const field = headers['x-forwarded-for'];
  if (field === undefined) return undefined;
  const entry = trim(String(field).split(',').at(-proxies) ?? '');
  // Some proxies add the port of the client.
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? [];
  const address = bracketed ?? plain ?? entry;
  return isIP(address) === 0 ? undefined : address;
}
