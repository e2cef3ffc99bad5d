/** RFC 6455 §9.1: which extensions of a request a server uses. */

import { zlibPool } from '../connection/zlib.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import { deflateOptions } from '../permessage-deflate/options.js';
import { acceptOffer, EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { ExtensionOffer } from '../protocol/extension.js';
import type { AnySocketClass, ServerOptions } from './options.js';
import type { NegotiatedExtensions } from './upgrade-server.js';

/**
 * RFC 6455 §4.2.2 MUST: only extensions of the request are chosen. Unknown ones are ignored.
 * RFC 7692 §5 MUST NOT: no other extension is accepted with it, and a declined one is not named.
 */
export function negotiateExtensions(
  offers: readonly ExtensionOffer[],
  { perMessageDeflate }: ServerOptions<AnySocketClass>,
): NegotiatedExtensions {
  const options = deflateOptions(perMessageDeflate, false);
  const negotiation = options && acceptOffer(offers, options);
  if (!negotiation) return {};
  return { [EXTENSION_NAME]: new PerMessageDeflate('server', negotiation, options, zlibPool) };
}
