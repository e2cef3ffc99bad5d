/** RFC 7692 §5.1, §7.1: which offers of permessage-deflate a server accepts. Nothing here comes from `src`. */
import { readExtensions } from './http-grammar.js';
import type { DeflateParameters } from './server-setups.js';

/** The values that a parameter may have. */
const VALUES = new Map([
  ['server_no_context_takeover', /^$/],
  ['client_no_context_takeover', /^$/],
  ['server_max_window_bits', /^(?:[89]|1[0-5])$/],
  ['client_max_window_bits', /^(?:[89]|1[0-5])?$/],
]);

/** The parameters of an offer by name; undefined if one of them is not valid. */
function readOffer(parts: string[]): Map<string, string> | undefined {
  const offer = new Map<string, string>();
  for (const part of parts) {
    const [name = '', value = ''] = part.split('=').map((one) => one.replace(/["\\\s]/g, ''));
    if (offer.has(name) || !VALUES.get(name)?.test(value)) return undefined;
    offer.set(name, value);
  }
  return offer;
}

/** Whether a size of the server fits a limit; '' is no limit. */
const fits = (own: number | boolean | undefined, limit: string | undefined): boolean =>
  !limit || (own !== false && !(typeof own === 'number' && own > Number(limit)));

function mayAccept(offer: Map<string, string>, options: DeflateParameters): boolean {
  const { serverNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = options;
  if (serverNoContextTakeover === false && offer.has('server_no_context_takeover')) return false;
  if (!fits(serverMaxWindowBits, offer.get('server_max_window_bits'))) return false;
  if (typeof clientMaxWindowBits !== 'number') return true;
  const limit = offer.get('client_max_window_bits');
  return limit !== undefined && fits(clientMaxWindowBits, limit);
}

/** Whether a server with these options uses permessage-deflate for a valid field. */
export function usesDeflate(field: string, options: boolean | DeflateParameters): boolean {
  if (options === false) return false;
  return (readExtensions(field) ?? []).some(([name, ...parts]) => {
    const offer = name === 'permessage-deflate' ? readOffer(parts) : undefined;
    return offer !== undefined && mayAccept(offer, options === true ? {} : options);
  });
}
