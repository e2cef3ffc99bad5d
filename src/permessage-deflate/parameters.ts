/** RFC 7692 §7.1: the parameters of permessage-deflate: offered, accepted, agreed. */

import type { ExtensionOffer, Parameter } from '../protocol/extension.js';

/** RFC 7692 §7: the name under which the extension is registered. */
export const EXTENSION_NAME = 'permessage-deflate';

const SERVER_NO_CONTEXT_TAKEOVER = 'server_no_context_takeover';
const CLIENT_NO_CONTEXT_TAKEOVER = 'client_no_context_takeover';
const SERVER_MAX_WINDOW_BITS = 'server_max_window_bits';
const CLIENT_MAX_WINDOW_BITS = 'client_max_window_bits';

/** RFC 7692 §7.1.2: a window has 2^8 to 2^15 bytes; 2^15 where nothing else was agreed. */
export const MAX_WINDOW_BITS = 15;

/** What an application wants of the negotiation; undefined where it does not mind. */
export interface Wishes {
  readonly serverNoContextTakeover?: boolean | undefined;
  readonly clientNoContextTakeover?: boolean | undefined;
  readonly serverMaxWindowBits?: number | boolean | undefined;
  readonly clientMaxWindowBits?: number | boolean | undefined;
}

/** What one offer or answer says. */
interface Said {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  /** true: the client can limit its window, and says no number */
  clientMaxWindowBits: number | true | undefined;
}

/** RFC 7692 §7.1: the parameters that both ends agreed on. */
export interface Agreed {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** An offer that was accepted: what is in force, and the answer that says so. */
export interface Acceptance {
  readonly agreed: Agreed;
  readonly answer: ExtensionOffer;
}

/** The offer that a client makes. RFC 7692 §7.1. */
export function makeOffer(wishes: Wishes): ExtensionOffer {
  const { clientMaxWindowBits = true } = wishes;
  return describe({
    serverNoContextTakeover: wishes.serverNoContextTakeover === true,
    clientNoContextTakeover: wishes.clientNoContextTakeover === true,
    serverMaxWindowBits: numberAmong(wishes.serverMaxWindowBits),
    clientMaxWindowBits: clientMaxWindowBits === false ? undefined : clientMaxWindowBits,
  });
}

/**
 * Accepts the first offer that can be accepted. RFC 7692 §5.1: one that cannot is declined, and
 * the next one is tried.
 * @returns undefined if there is none: the connection goes without the extension
 */
export function acceptOffer(
  offers: readonly ExtensionOffer[],
  wishes: Wishes,
): Acceptance | undefined {
  for (const { name, parameters } of offers) {
    const offered = name === EXTENSION_NAME ? read(parameters) : undefined;
    if (offered !== undefined && isAcceptable(offered, wishes)) return accept(offered, wishes);
  }
  return undefined;
}

/**
 * Judges what a server answered to the offer that these wishes made.
 * @returns undefined if the answer is none that the offer allows
 */
export function judgeAnswer(answer: ExtensionOffer, wishes: Wishes): Acceptance | undefined {
  const answered = read(answer.parameters);
  if (answered === undefined || !isAllowed(answered, wishes)) return undefined;
  const clientBits = answered.clientMaxWindowBits ?? numberAmong(wishes.clientMaxWindowBits);
  return { agreed: agree({ ...answered, clientMaxWindowBits: clientBits }), answer };
}

// RFC 7692 §7.1: a parameter that is unknown, repeated or has a bad value makes an offer invalid.
function read(parameters: readonly Parameter[]): Said | undefined {
  const names = new Set(parameters.map(([name]) => name));
  if (names.size < parameters.length) return undefined;
  const said = agreedOnNothing();
  return parameters.every(([name, value]) => readOne(said, name, value)) ? said : undefined;
}

function agreedOnNothing(): Said {
  return {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
}

function readOne(said: Said, name: string, value: string | true): boolean {
  switch (name) {
    case SERVER_NO_CONTEXT_TAKEOVER:
      said.serverNoContextTakeover = true;
      return value === true;
    case CLIENT_NO_CONTEXT_TAKEOVER:
      said.clientNoContextTakeover = true;
      return value === true;
    case SERVER_MAX_WINDOW_BITS:
      said.serverMaxWindowBits = readBits(value);
      return said.serverMaxWindowBits !== undefined;
    case CLIENT_MAX_WINDOW_BITS:
      said.clientMaxWindowBits = value === true ? true : readBits(value);
      return said.clientMaxWindowBits !== undefined;
    default:
      return false;
  }
}

// RFC 7692 §7.1.2: a decimal number from 8 to 15 without leading zeros.
function readBits(value: string | true): number | undefined {
  return value !== true && /^([89]|1[0-5])$/.test(value) ? Number(value) : undefined;
}

function numberAmong(wish: number | boolean | undefined): number | undefined {
  return typeof wish === 'number' ? wish : undefined;
}

function isAcceptable(offered: Said, wishes: Wishes): boolean {
  if (offered.serverNoContextTakeover && wishes.serverNoContextTakeover === false) return false;
  if (exceeds(wishes.serverMaxWindowBits, offered.serverMaxWindowBits)) return false;
  // RFC 7692 §7.1.2.2: without the parameter in the offer, the answer must not limit the client.
  if (typeof wishes.clientMaxWindowBits !== 'number') return true;
  const { clientMaxWindowBits } = offered;
  return (
    clientMaxWindowBits !== undefined && !exceeds(wishes.clientMaxWindowBits, clientMaxWindowBits)
  );
}

/** Whether a wish, of a number or of none (false), does not fit under what the peer asks for. */
function exceeds(wish: number | boolean | undefined, asked: number | true | undefined): boolean {
  if (typeof asked !== 'number') return false;
  return wish === false || (typeof wish === 'number' && wish > asked);
}

function accept(offered: Said, wishes: Wishes): Acceptance {
  const { serverMaxWindowBits } = offered;
  const said: Said = {
    serverNoContextTakeover:
      offered.serverNoContextTakeover || wishes.serverNoContextTakeover === true,
    clientNoContextTakeover:
      offered.clientNoContextTakeover || wishes.clientNoContextTakeover === true,
    serverMaxWindowBits: numberAmong(wishes.serverMaxWindowBits) ?? serverMaxWindowBits,
    clientMaxWindowBits: clientBits(offered, wishes),
  };
  return { agreed: agree(said), answer: describe(said) };
}

/** What the answer says of the client's window: our number, else the client's own. */
function clientBits(offered: Said, wishes: Wishes): number | undefined {
  if (typeof wishes.clientMaxWindowBits === 'number') return wishes.clientMaxWindowBits;
  const { clientMaxWindowBits } = offered;
  const isOwn = typeof clientMaxWindowBits === 'number' && wishes.clientMaxWindowBits !== false;
  return isOwn ? clientMaxWindowBits : undefined;
}

function isAllowed(answered: Said, wishes: Wishes): boolean {
  if (answered.clientNoContextTakeover && wishes.clientNoContextTakeover === false) return false;
  const { clientMaxWindowBits, serverMaxWindowBits } = answered;
  // RFC 7692 §7.1.2.2: an answer has a number, and only if the offer had the parameter.
  if (clientMaxWindowBits === true) return false;
  if (clientMaxWindowBits !== undefined && wishes.clientMaxWindowBits === false) return false;
  if (isLarger(clientMaxWindowBits, wishes.clientMaxWindowBits)) return false;
  // RFC 7692 §7.1.2.1: the server's window is at most what was asked for.
  return !isLarger(serverMaxWindowBits, wishes.serverMaxWindowBits);
}

function isLarger(answered: number | undefined, wish: number | boolean | undefined): boolean {
  return answered !== undefined && typeof wish === 'number' && answered > wish;
}

function agree(said: Said): Agreed {
  const { serverMaxWindowBits = MAX_WINDOW_BITS, clientMaxWindowBits } = said;
  const isNumber = typeof clientMaxWindowBits === 'number';
  return {
    serverNoContextTakeover: said.serverNoContextTakeover,
    clientNoContextTakeover: said.clientNoContextTakeover,
    serverMaxWindowBits,
    clientMaxWindowBits: isNumber ? clientMaxWindowBits : MAX_WINDOW_BITS,
  };
}

function describe(said: Said): ExtensionOffer {
  const parameters: Parameter[] = [];
  if (said.serverNoContextTakeover) parameters.push([SERVER_NO_CONTEXT_TAKEOVER, true]);
  if (said.clientNoContextTakeover) parameters.push([CLIENT_NO_CONTEXT_TAKEOVER, true]);
  const { serverMaxWindowBits, clientMaxWindowBits } = said;
  if (serverMaxWindowBits !== undefined) {
    parameters.push([SERVER_MAX_WINDOW_BITS, String(serverMaxWindowBits)]);
  }
  if (clientMaxWindowBits !== undefined) {
    const value = clientMaxWindowBits === true ? true : String(clientMaxWindowBits);
    parameters.push([CLIENT_MAX_WINDOW_BITS, value]);
  }
  return { name: EXTENSION_NAME, parameters };
}
