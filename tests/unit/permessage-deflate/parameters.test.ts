/** RFC 7692 §5, §7.1: who offers what, who accepts it, and what is in force then. */

import { describe, expect, test } from '@jest/globals';
import { formatExtension, parseExtensions } from '../../../src/handshake/fields.js';
import {
  acceptOffer,
  acceptResponse,
  type DeflateOptions,
  makeOffer,
} from '../../../src/permessage-deflate/parameters.js';

const FREE = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

function parsed(field: string) {
  const extensions = parseExtensions(field);
  if (extensions === undefined) throw new Error(`not an extension field: ${field}`);
  return extensions;
}

/** An response without its extension's name; undefined if every offer was declined. */
function answerTo(offers: string, options: DeflateOptions): string | undefined {
  const negotiation = acceptOffer(parsed(offers), options);
  if (negotiation === undefined) return undefined;
  return formatExtension(negotiation.response).replace(/^permessage-deflate(; )?/, '');
}

describe('a client offers', () => {
  test.each<[DeflateOptions, string]>([
    [{}, 'permessage-deflate; client_max_window_bits'],
    [{ clientMaxWindowBits: true }, 'permessage-deflate; client_max_window_bits'],
    [{ clientMaxWindowBits: 10 }, 'permessage-deflate; client_max_window_bits=10'],
    [{ clientMaxWindowBits: false }, 'permessage-deflate'],
    [
      { serverMaxWindowBits: 9, clientMaxWindowBits: false },
      'permessage-deflate; server_max_window_bits=9',
    ],
    [
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; ' +
        'client_max_window_bits',
    ],
    [
      { serverNoContextTakeover: false, clientNoContextTakeover: false, serverMaxWindowBits: true },
      'permessage-deflate; client_max_window_bits',
    ],
  ])('%j: %s', (options, offer) => {
    expect(formatExtension(makeOffer(options))).toBe(offer);
  });
});

describe('a server answers', () => {
  test.each<[offers: string, options: DeflateOptions, response: string]>([
    ['permessage-deflate', {}, ''],
    ['permessage-deflate; client_max_window_bits', {}, ''],
    ['permessage-deflate; client_max_window_bits=9', {}, 'client_max_window_bits=9'],
    ['permessage-deflate; client_max_window_bits="9"', {}, 'client_max_window_bits=9'],
    ['permessage-deflate; server_no_context_takeover', {}, 'server_no_context_takeover'],
    ['permessage-deflate; client_no_context_takeover', {}, 'client_no_context_takeover'],
    ['permessage-deflate; server_max_window_bits=8', {}, 'server_max_window_bits=8'],
    ['permessage-deflate', { serverNoContextTakeover: true }, 'server_no_context_takeover'],
    ['permessage-deflate', { clientNoContextTakeover: true }, 'client_no_context_takeover'],
    ['permessage-deflate', { serverMaxWindowBits: 10 }, 'server_max_window_bits=10'],
    [
      'permessage-deflate; server_max_window_bits=12',
      { serverMaxWindowBits: 10 },
      'server_max_window_bits=10',
    ],
    [
      'permessage-deflate; client_max_window_bits',
      { clientMaxWindowBits: 11 },
      'client_max_window_bits=11',
    ],
    [
      'permessage-deflate; client_max_window_bits=12',
      { clientMaxWindowBits: 11 },
      'client_max_window_bits=11',
    ],
    ['permessage-deflate; client_max_window_bits=12', { clientMaxWindowBits: false }, ''],
    ['x-unknown, permessage-deflate', {}, ''],
    [
      'permessage-deflate; foo, permessage-deflate; server_max_window_bits=9',
      {},
      'server_max_window_bits=9',
    ],
    ['permessage-deflate; server_max_window_bits=16, permessage-deflate', {}, ''],
    [
      'permessage-deflate; server_no_context_takeover, permessage-deflate',
      { serverNoContextTakeover: false },
      '',
    ],
  ])('to %s with %j: %s', (offers, options, response) => {
    expect(answerTo(offers, options)).toBe(response);
  });
});

describe('RFC 7692 §7.1: an offer is declined', () => {
  test.each<[offer: string, options: DeflateOptions]>([
    ['x-webkit-deflate-frame', {}],
    ['permessage-deflate; foo', {}],
    ['permessage-deflate; server_no_context_takeover=1', {}],
    ['permessage-deflate; client_no_context_takeover=true', {}],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', {}],
    ['permessage-deflate; server_max_window_bits', {}],
    ['permessage-deflate; server_max_window_bits=7', {}],
    ['permessage-deflate; server_max_window_bits=16', {}],
    ['permessage-deflate; client_max_window_bits=0', {}],
    ['permessage-deflate; client_max_window_bits=010', {}],
    ['permessage-deflate; client_max_window_bits=08', {}],
    ['permessage-deflate; client_max_window_bits=9.0', {}],
    ['permessage-deflate; client_max_window_bits=1e1', {}],
    ['permessage-deflate; client_max_window_bits=+10', {}],
    ['permessage-deflate; client_max_window_bits=0xA', {}],
    ['permessage-deflate; server_no_context_takeover', { serverNoContextTakeover: false }],
    ['permessage-deflate; server_max_window_bits=10', { serverMaxWindowBits: false }],
    ['permessage-deflate; server_max_window_bits=10', { serverMaxWindowBits: 11 }],
    ['permessage-deflate', { clientMaxWindowBits: 10 }],
    ['permessage-deflate; client_max_window_bits=9', { clientMaxWindowBits: 10 }],
  ])('%s with %j', (offer, options) => {
    expect(answerTo(offer, options)).toBeUndefined();
  });
});

test('what a server accepted is in force', () => {
  const offer = 'permessage-deflate; server_no_context_takeover; client_max_window_bits=12';
  expect(acceptOffer(parsed(offer), { serverMaxWindowBits: 9 })?.agreed).toEqual({
    serverNoContextTakeover: true,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 9,
    clientMaxWindowBits: 12,
  });
});

describe('a client takes the response', () => {
  test.each<[response: string, options: DeflateOptions, agreed: object]>([
    ['permessage-deflate', {}, FREE],
    [
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      {},
      { ...FREE, serverNoContextTakeover: true, clientNoContextTakeover: true },
    ],
    [
      'permessage-deflate; client_max_window_bits=9; server_max_window_bits=10',
      {},
      { ...FREE, clientMaxWindowBits: 9, serverMaxWindowBits: 10 },
    ],
    ['permessage-deflate', { clientMaxWindowBits: 11 }, { ...FREE, clientMaxWindowBits: 11 }],
    [
      'permessage-deflate; client_max_window_bits=10',
      { clientMaxWindowBits: 11 },
      { ...FREE, clientMaxWindowBits: 10 },
    ],
    // A server that does not do what was asked of it: we can read it all the same.
    ['permessage-deflate', { serverNoContextTakeover: true, serverMaxWindowBits: 9 }, FREE],
  ])('%s with %j', (response, options, agreed) => {
    const [only] = parsed(response);
    expect(only && acceptResponse(only, options)?.agreed).toEqual(agreed);
  });
});

// RFC 7692 §7.2.1: the parameter of an offer is a hint; the response decides.
test('an offer without context takeover binds nobody if the response leaves it out', () => {
  const [response] = parsed('permessage-deflate');
  const options = { clientNoContextTakeover: true };
  expect(response && acceptResponse(response, options)?.agreed).toEqual(FREE);
});

describe('a client refuses the response', () => {
  test.each<[response: string, options: DeflateOptions]>([
    ['permessage-deflate; foo', {}],
    ['permessage-deflate; client_max_window_bits', {}],
    ['permessage-deflate; server_max_window_bits', {}],
    ['permessage-deflate; server_max_window_bits=1000', {}],
    ['permessage-deflate; server_max_window_bits=7', {}],
    ['permessage-deflate; server_max_window_bits=010', {}],
    ['permessage-deflate; server_no_context_takeover=1', {}],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', {}],
    ['permessage-deflate; client_no_context_takeover', { clientNoContextTakeover: false }],
    ['permessage-deflate; client_max_window_bits=10', { clientMaxWindowBits: false }],
    ['permessage-deflate; client_max_window_bits=12', { clientMaxWindowBits: 11 }],
    ['permessage-deflate; server_max_window_bits=12', { serverMaxWindowBits: 11 }],
  ])('%s with %j', (response, options) => {
    const [only] = parsed(response);
    expect(only && acceptResponse(only, options)).toBeUndefined();
  });
});
