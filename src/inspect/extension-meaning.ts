/** RFC 7692 §7.1: what the parameters of permessage-deflate mean. */

import { parseExtensions } from '../handshake/fields.js';
import { EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { ExtensionOffer, Parameter } from '../protocol/extension.js';

/** Explains a Sec-WebSocket-Extensions field. RFC 6455 §9.1. */
export function explainExtensions(field: string): string {
  const extensions = parseExtensions(field);
  if (extensions === undefined) return 'a list that breaks the grammar';
  return extensions.map(explainExtension).join('; or ');
}

function explainExtension({ name, parameters }: ExtensionOffer): string {
  if (name !== EXTENSION_NAME) return `${name}, an extension that is not known here`;
  const explained = parameters.map(explainParameter);
  return ['permessage-deflate: messages may be compressed with DEFLATE', ...explained].join('. ');
}

function explainParameter([name, value]: Parameter): string {
  switch (name) {
    case 'server_no_context_takeover':
      return `${name}: the server compresses each message on its own`;
    case 'client_no_context_takeover':
      return `${name}: the client compresses each message on its own`;
    case 'server_max_window_bits':
      return `${name}: the server looks back at most ${windowOf(value)}`;
    case 'client_max_window_bits':
      return value === true
        ? `${name}: the client can limit how far back it looks`
        : `${name}: the client looks back at most ${windowOf(value)}`;
    default:
      return `${name}: no parameter of permessage-deflate`;
  }
}

function windowOf(value: string | true): string {
  return value === true ? 'the bytes that a value would say' : `${2 ** Number(value)} bytes`;
}
