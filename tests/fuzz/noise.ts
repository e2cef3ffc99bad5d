/** Random payloads from pools that are filled once: drawing every byte anew would take longest. */
import { SeededRandom } from '../support/random.js';

const POOL_SIZE = 65_536;
const BYTES = new SeededRandom(1).bytes(POOL_SIZE);

/** One character for every length in UTF-8, and the edges of each. */
const LETTERS = ['a', 'Z', ' ', '\u007f', '\u0080', 'é', '߿', 'ࠀ', '€', '\ud7ff', '�', '𐀀', '😀'];
const LETTER_POOL = Array.from(
  { length: 4096 },
  (_, i) => LETTERS[(BYTES[i] ?? 0) % LETTERS.length],
);

export function noise(random: SeededRandom, size: number): Buffer {
  const from = random.integer(0, POOL_SIZE - 1);
  const payload = Buffer.allocUnsafeSlow(size);
  for (let i = 0; i < size; ) i += BYTES.copy(payload, i, i === 0 ? from : 0);
  return payload;
}

/** Valid UTF-8 of at least `size` bytes; empty for 0. */
export function text(random: SeededRandom, size: number): Buffer {
  const from = random.integer(0, LETTER_POOL.length - 1);
  const parts: Buffer[] = [];
  for (let have = 0; have < size; ) {
    const letters = LETTER_POOL.slice(have === 0 ? from : 0, (have === 0 ? from : 0) + size - have);
    const part = Buffer.from(letters.join(''));
    parts.push(part);
    have += part.length;
  }
  return Buffer.concat(parts);
}
