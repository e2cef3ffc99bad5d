/** RFC 6455 §8.1: checks UTF-8 that arrives in pieces. */

import { isUtf8 } from 'node:buffer';

/**
 * Checks a text piece by piece. It fails at the first byte that is not valid in UTF-8 (RFC 3629 §4),
 * also inside a character.
 */
export class Utf8Check {
  /** The number of continuation bytes that the last character still needs. */
  private missing = 0;
  /** The minimum and maximum of the next continuation byte. */
  private low = 0x80;
  private high = 0xbf;

  /** Whether the text so far ends with a whole character. */
  get complete(): boolean {
    return this.missing === 0;
  }

  /** Prepares for another text. */
  reset(): void {
    this.missing = 0;
  }

  /** Checks the next piece of the text. @returns false if the text cannot be valid */
  push(piece: Buffer): boolean {
    let start = 0;
    while (this.missing > 0 && start < piece.length) {
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
    if (this.missing === 0) return this.lead(byte);
    if (byte < this.low || byte > this.high) return false;
    this.missing--;
    this.low = 0x80;
    this.high = 0xbf;
    return true;
  }

  // RFC 3629 §4: after E0, ED, F0 and F4 fewer values are valid. That excludes overlong forms,
  // surrogates and everything above U+10FFFF.
  private lead(byte: number): boolean {
    this.missing = continuationsAfter(byte);
    this.low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    return this.missing > 0;
  }
}

/** Returns how many continuation bytes follow a lead byte; 0 for other bytes. */
function continuationsAfter(byte: number): number {
  if (byte < 0xc2 || byte > 0xf4) return 0;
  if (byte < 0xe0) return 1;
  return byte < 0xf0 ? 2 : 3;
}

/** Returns the offset of an incomplete last character; the length of the piece if there is none. */
function startOfCutCharacter(piece: Buffer): number {
  const farthest = Math.max(0, piece.length - 3);
  for (let i = piece.length - 1; i >= farthest; i--) {
    const byte = piece[i] as number; // 0 <= i < length
    if (byte < 0x80) return piece.length;
    if (byte >= 0xc0) return continuationsAfter(byte) >= piece.length - i ? i : piece.length;
  }
  return piece.length;
}
