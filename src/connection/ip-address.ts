/** The forms of an IP address. */

import { isIP } from 'node:net';

/** Returns an address as it stands in a URL: IPv6 in brackets. RFC 3986 §3.2.2. */
export function formatHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** Returns `127.0.0.1:8080` or `[::1]:8080`; undefined for a socket that is not TCP. */
export function formatEndpoint(
  address: string | undefined,
  port: number | undefined,
): string | undefined {
  return address === undefined || port === undefined ? undefined : `${formatHost(address)}:${port}`;
}

/** Returns an IPv4-mapped IPv6 address as IPv4, and any other one as it is. RFC 4291 §2.5.5.2. */
export function unmapAddress(address: string): string {
  if (!address.includes(':') || isIP(address) !== 6) return address;
  const groups = groupsOf(address);
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return address;
  const bytes = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return bytes.flatMap((pair) => [pair >> 8, pair & 0xff]).join('.');
}

/** The eight groups of a valid IPv6 address, in lower case without leading zeros. */
export function groupsOf(address: string): string[] {
  const [withoutZone = ''] = address.split('%', 1);
  const hexadecimal = withoutZone.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [before = [], after = []] = hexadecimal
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const all = hexadecimal.includes('::') ? [...before, ...zeros, ...after] : before;
  return all.map((group) => Number.parseInt(group, 16).toString(16));
}
