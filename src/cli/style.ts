/** Colours of a terminal. */

import type { Arguments } from './arguments.js';
import type { Io, Output } from './command.js';

/** The SGR parameters of ECMA-48 that switch each style on and off. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  blue: [34, 39],
  cyan: [36, 39],
} as const;

/** Each function returns its text in a style, or as it is if there are no colours. */
export type Style = { readonly [name in keyof typeof STYLES]: (text: string) => string };

function createStyle(hasColors: boolean): Style {
  const entries = Object.entries(STYLES).map(([name, [on, off]]) => [
    name,
    hasColors ? (text: string) => `\x1b[${on}m${text}\x1b[${off}m` : (text: string) => text,
  ]);
  return Object.fromEntries(entries) as Style;
}

/**
 * Whether a stream gets colours: a terminal, or any stream with FORCE_COLOR. --no-color, NO_COLOR,
 * FORCE_COLOR=0 and TERM=dumb turn them off.
 */
function hasColors(given: Arguments, stream: Output, env: Io['env']): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (given.has('no-color') || NO_COLOR || FORCE_COLOR === '0' || FORCE_COLOR === 'false') {
    return false;
  }
  return FORCE_COLOR !== undefined || (stream.isTTY === true && TERM !== 'dumb');
}

/** The style for a stream. */
export function styleFor(given: Arguments, stream: Output, env: Io['env']): Style {
  return createStyle(hasColors(given, stream, env));
}
