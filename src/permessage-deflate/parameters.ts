/** RFC 7692 §7.1: negotiates the parameters of permessage-deflate. */

import type { ExtensionOffer, Parameter } from '../protocol/extension.js';

/** RFC 6455 §9.1 MUST: an extension is used by its registered name. RFC 7692 §7. */
export const EXTENSION_NAME = 'permessage-deflate';

const SERVER_NO_CONTEXT_TAKEOVER = 'server_no_context_takeover';
const CLIENT_NO_CONTEXT_TAKEOVER = 'client_no_context_takeover';
const SERVER_MAX_WINDOW_BITS = 'server_max_window_bits';
const CLIENT_MAX_WINDOW_BITS = 'client_max_window_bits';

/** RFC 7692 §7.1.2: a window has 2^8 to 2^15 bytes. The default is 2^15. */
const MAX_WINDOW_BITS = 15;

/** What an application asks for; undefined leaves the choice to the peer. */
export interface DeflateOptions {
  readonly serverNoContextTakeover?: boolean | undefined;
  readonly clientNoContextTakeover?: boolean | undefined;
  readonly serverMaxWindowBits?: number | boolean | undefined;
  readonly clientMaxWindowBits?: number | boolean | undefined;
}

/** The parameters of one offer or response. */
interface ParameterValues {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  /** true: the client can limit its window, and the parameter has no value. */
  clientMaxWindowBits: number | true | undefined;
}

/** RFC 7692 §7.1: the parameters that both ends agreed on. */
export interface AgreedParameters {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** The agreed parameters, and the response that the server sends for them. */
export interface Negotiation {
  readonly agreed: AgreedParameters;
  readonly response: ExtensionOffer;
}

/**
 * Returns the offer of a client. RFC 7692 §5 MUST: it has the name of the extension, and limits the
 * window of the server if the client has no window of 2^15 bytes.
 */
export function makeOffer(options: DeflateOptions): ExtensionOffer {
  const { clientMaxWindowBits = true } = options;
  return describe({
    serverNoContextTakeover: options.serverNoContextTakeover === true,
    clientNoContextTakeover: options.clientNoContextTakeover === true,
    serverMaxWindowBits: asNumber(options.serverMaxWindowBits),
    clientMaxWindowBits: clientMaxWindowBits === false ? undefined : clientMaxWindowBits,
  });
}

/**
 * Accepts the first acceptable offer. RFC 6455 §9 MUST NOT: a server responds with no extension that
 * was not requested. RFC 7692 §5.1: the other offers are declined.
 * @returns undefined if no offer is acceptable: the extension is not used
 */
export function acceptOffer(
  offers: readonly ExtensionOffer[],
  options: DeflateOptions,
): Negotiation | undefined {
  for (const { name, parameters } of offers) {
    const offered = name === EXTENSION_NAME ? read(parameters) : undefined;
    if (offered !== undefined && mayAccept(offered, options)) return accept(offered, options);
  }
  return undefined;
}

/**
 * Checks the response of a server to the offer of {@link makeOffer}. RFC 7692 §7.1.1.2 MUST: a client
 * supports client_no_context_takeover in a response.
 * @returns undefined if the offer does not allow the response
 */
export function acceptResponse(
  response: ExtensionOffer,
  options: DeflateOptions,
): Negotiation | undefined {
  const values = read(response.parameters);
  if (values === undefined || !isAllowed(values, options)) return undefined;
  const clientBits = values.clientMaxWindowBits ?? asNumber(options.clientMaxWindowBits);
  return { agreed: agree({ ...values, clientMaxWindowBits: clientBits }), response };
}

// RFC 6455 §9, §9.1 MUST: parameters are those that the specification of the extension defines.
// RFC 7692 §7 MUST: an unknown or repeated parameter, or a wrong value, is refused.
function read(parameters: readonly Parameter[]): ParameterValues | undefined {
  const names = new Set(parameters.map(([name]) => name));
  if (names.size < parameters.length) return undefined;
  const values = noParameters();
  return parameters.every(([name, value]) => readOne(values, name, value)) ? values : undefined;
}

function noParameters(): ParameterValues {
  return {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
}

function readOne(values: ParameterValues, name: string, value: string | true): boolean {
  switch (name) {
    case SERVER_NO_CONTEXT_TAKEOVER:
      values.serverNoContextTakeover = true;
      return value === true;
    case CLIENT_NO_CONTEXT_TAKEOVER:
      values.clientNoContextTakeover = true;
      return value === true;
    case SERVER_MAX_WINDOW_BITS:
      values.serverMaxWindowBits = readBits(value);
      return values.serverMaxWindowBits !== undefined;
    case CLIENT_MAX_WINDOW_BITS:
      values.clientMaxWindowBits = value === true ? true : readBits(value);
      return values.clientMaxWindowBits !== undefined;
    default:
      return false;
  }
}

// RFC 7692 §7.1.2.1, §7.1.2.2 MUST: a decimal number from 8 to 15 without leading zeros.
function readBits(value: string | true): number | undefined {
  return value !== true && /^([89]|1[0-5])$/.test(value) ? Number(value) : undefined;
}

function asNumber(bits: number | boolean | undefined): number | undefined {
  return typeof bits === 'number' ? bits : undefined;
}

// RFC 7692 §7 MUST: an offer that we do not support is declined.
function mayAccept(offered: ParameterValues, options: DeflateOptions): boolean {
  if (offered.serverNoContextTakeover && options.serverNoContextTakeover === false) return false;
  if (exceeds(options.serverMaxWindowBits, offered.serverMaxWindowBits)) return false;
  // RFC 7692 §7.1.2.2 MUST NOT: without the parameter in the offer, no response limits the client.
  if (typeof options.clientMaxWindowBits !== 'number') return true;
  const { clientMaxWindowBits } = offered;
  return (
    clientMaxWindowBits !== undefined && !exceeds(options.clientMaxWindowBits, clientMaxWindowBits)
  );
}

/** Whether our own size, or no limit (false), conflicts with the limit that the peer asks for. */
function exceeds(own: number | boolean | undefined, asked: number | true | undefined): boolean {
  if (typeof asked !== 'number') return false;
  return own === false || (typeof own === 'number' && own > asked);
}

// RFC 7692 §5 MUST: the response has the name of the extension, and only what we support.
function accept(offered: ParameterValues, options: DeflateOptions): Negotiation {
  const { serverMaxWindowBits } = offered;
  const values: ParameterValues = {
    serverNoContextTakeover:
      offered.serverNoContextTakeover || options.serverNoContextTakeover === true,
    clientNoContextTakeover:
      offered.clientNoContextTakeover || options.clientNoContextTakeover === true,
    serverMaxWindowBits: asNumber(options.serverMaxWindowBits) ?? serverMaxWindowBits,
    clientMaxWindowBits: clientBits(offered, options),
  };
  return { agreed: agree(values), response: describe(values) };
}

/** Returns the client's window for the response: our size, else the size that the client offers. */
function clientBits(offered: ParameterValues, options: DeflateOptions): number | undefined {
  if (typeof options.clientMaxWindowBits === 'number') return options.clientMaxWindowBits;
  const { clientMaxWindowBits } = offered;
  const isOwn = typeof clientMaxWindowBits === 'number' && options.clientMaxWindowBits !== false;
  return isOwn ? clientMaxWindowBits : undefined;
}

// RFC 7692 §7 MUST: a response that the client does not support fails the connection.
function isAllowed(values: ParameterValues, options: DeflateOptions): boolean {
  if (values.clientNoContextTakeover && options.clientNoContextTakeover === false) return false;
  const { clientMaxWindowBits, serverMaxWindowBits } = values;
  // RFC 7692 §7.1.2.2 MUST: a response has a number, and only if the offer had the parameter.
  if (clientMaxWindowBits === true) return false;
  if (clientMaxWindowBits !== undefined && options.clientMaxWindowBits === false) return false;
  if (isLarger(clientMaxWindowBits, options.clientMaxWindowBits)) return false;
  // RFC 7692 §7.1.2.1: the server's window is at most what the client asked for.
  return !isLarger(serverMaxWindowBits, options.serverMaxWindowBits);
}

function isLarger(bits: number | undefined, limit: number | boolean | undefined): boolean {
  return bits !== undefined && typeof limit === 'number' && bits > limit;
}

function agree(values: ParameterValues): AgreedParameters {
  const { serverMaxWindowBits = MAX_WINDOW_BITS, clientMaxWindowBits } = values;
  const isNumber = typeof clientMaxWindowBits === 'number';
  return {
    serverNoContextTakeover: values.serverNoContextTakeover,
    clientNoContextTakeover: values.clientNoContextTakeover,
    serverMaxWindowBits,
    clientMaxWindowBits: isNumber ? clientMaxWindowBits : MAX_WINDOW_BITS,
  };
}

function describe(values: ParameterValues): ExtensionOffer {
  const parameters: Parameter[] = [];
  if (values.serverNoContextTakeover) parameters.push([SERVER_NO_CONTEXT_TAKEOVER, true]);
  if (values.clientNoContextTakeover) parameters.push([CLIENT_NO_CONTEXT_TAKEOVER, true]);
  const { serverMaxWindowBits, clientMaxWindowBits } = values;
  if (serverMaxWindowBits !== undefined) {
    parameters.push([SERVER_MAX_WINDOW_BITS, String(serverMaxWindowBits)]);
  }
  if (clientMaxWindowBits !== undefined) {
    const value = clientMaxWindowBits === true ? true : String(clientMaxWindowBits);
    parameters.push([CLIENT_MAX_WINDOW_BITS, value]);
  }
  return { name: EXTENSION_NAME, parameters };
}
