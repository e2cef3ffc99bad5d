/** RFC 6455 §8.1: UTF-8 checked while it arrives, however it is cut. */

import { isUtf8 } from 'node:buffer';

/**
 * Checks a text that arrives in pieces and fails at the first byte that can no longer belong to
 * valid UTF-8 (RFC 3629 §4), even in the middle of a character.
 */
export class Utf8Check {
  /** Continuation bytes still awaited by the character that the last piece cut. */
  private awaited = 0;
  /** The bounds of the next continuation byte. */
  private low = 0x80;
  private high = 0xbf;

  /** Whether the text so far ends with a whole character. */
  get complete(): boolean {
    return this.awaited === 0;
  }

  /** Makes ready for another text. */
  reset(): void {
    this.awaited = 0;
  }

  /** Takes the next piece of the text. @returns false as soon as it can't be UTF-8 any more */
  push(piece: Buffer): boolean {
    let start = 0;
    while (this.awaited > 0 && start < piece.length) {
      if (!this.step(piece[start++] as number)) return false; // start < length
    }
    const end = Math.max(start, startOfCutCharacter(piece));
    if (!isUtf8(start === 0 && end === piece.length ? piece : piece.subarray(start, end))) {
      return false;
    }
    for (let i = end; i < piece.length; i++) {
      if (!this.step(piece[i] as number)) return false; // i < length
    }
    return true;
  }

  private step(byte: number): boolean {
    if (this.awaited === 0) return this.lead(byte);
    if (byte < this.low || byte > this.high) return false;
    this.awaited--;
    this.low = 0x80;
    this.high = 0xbf;
    return true;
  }

  // RFC 3629 §4: E0, ED, F0 and F4 narrow the byte behind them, which keeps out overlong forms,
  // surrogates and everything above U+10FFFF.
  private lead(byte: number): boolean {
    this.awaited = continuationsAfter(byte);
    this.low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    return this.awaited > 0 || byte < 0x80;
  }
}

/** How many bytes belong behind this lead byte; 0 for ASCII and for what is no lead byte. */
function continuationsAfter(byte: number): number {
  if (byte < 0xc2 || byte > 0xf4) return 0;
  if (byte < 0xe0) return 1;
  return byte < 0xf0 ? 2 : 3;
}

/** Where the character begins that the end of the piece cuts; the piece's length if none is. */
function startOfCutCharacter(piece: Buffer): number {
  const farthest = Math.max(0, piece.length - 3);
  for (let i = piece.length - 1; i >= farthest; i--) {
    const byte = piece[i] as number; // 0 <= i < length
    if (byte < 0x80) return piece.length;
    if (byte >= 0xc0) return continuationsAfter(byte) >= piece.length - i ? i : piece.length;
  }
  return piece.length;
}
