/** RFC 6455 §4: explains the head of an opening handshake line by line. */

import type { HandshakeLine } from '../inspect/messages.js';
import type { FrameTextOptions } from './frame-text.js';
import { escapeControls, wrap } from './text.js';

/** Prints each line, with its meaning beneath. */
export function explainHead(
  lines: readonly HandshakeLine[],
  { style, columns }: FrameTextOptions,
): string[] {
  return lines.flatMap(({ text, meaning, rfc, violation }) => [
    `  ${style.cyan(escapeControls(text))}`,
    ...wrap(escapeControls(`${meaning}. ${rfc}`), columns - 6).map((line) => `      ${line}`),
    ...(violation === undefined ? [] : [style.red(`      VIOLATION ${violation}`)]),
  ]);
}
