/** The variable `no_proxy`: the servers to which a client connects without its proxy. */

import { BlockList, isIP } from 'node:net';
import type { Target } from './dialogue.js';

/**
 * Whether a list excludes a server, as curl reads it: names match themselves and their subdomains, and
 * addresses match addresses, prefixes (CIDR) included. Four forms are understood that curl ignores: a
 * port, brackets around IPv6, a `*` beside other entries, and `*.` before a name.
 */
export function isExcluded({ host, port }: Target, list: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && matches(entry, name, port));
}

function matches(text: string, name: string, port: number): boolean {
  if (text === '*') return true;
  const [entry, ownPort] = splitPort(text);
  if (ownPort !== undefined && Number(ownPort) !== port) return false;
  return isIP(name) === 0 ? matchesName(entry, name) : matchesAddress(entry, name);
}

/** Splits `name:8080`, `[::1]:8080` and `[::1]`. IPv6 without brackets has no port. */
function splitPort(entry: string): [entry: string, port: string | undefined] {
  const [, inBrackets, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  return [inBrackets ?? plain ?? entry, port];
}

function matchesName(entry: string, name: string): boolean {
  const domain = entry.replace(/^\*?\./, '').replace(/\.$/, '');
  return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
}

function matchesAddress(entry: string, address: string): boolean {
  const [network = '', prefix, ...others] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(address) || others.length > 0) return false;
  const bits = family === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (prefix === '' || !Number.isInteger(length) || length < 0 || length > bits) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, length, type);
  return list.check(address, type);
}
