/** Connections with permessage-deflate, and compressed messages for them. */

import { deflateRawSync } from 'node:zlib';
import { CompressedScene, type CompressedSettings } from '../../conformance/compressed-scene.js';
import type { Role } from '../../conformance/subject.js';
import { SeededRandom } from '../../support/random.js';
import type { Scope } from '../../support/scope.js';

/** @returns what opens a scene that is dropped when the test is over */
export function useCompressed(
  scope: () => Scope,
): (role: Role, settings?: CompressedSettings) => Promise<CompressedScene> {
  return async (role, settings = {}) => {
    const scene = await CompressedScene.open(role, settings);
    scope().later(async () => {
      scene.product.terminate();
      await scene.until(() => scene.closed);
      scene.release();
    });
    return scene;
  };
}

/** A message of its own, compressed. */
export const deflated = (payload: Buffer | string): Buffer =>
  deflateRawSync(payload, { finishFlush: 2 }).subarray(0, -4);

/** `count` bytes of which zlib makes a thousandth. */
const ZEROS = new Map<number, Buffer>();
export function zeros(count: number): Buffer {
  const made = ZEROS.get(count) ?? deflated(Buffer.alloc(count));
  ZEROS.set(count, made);
  return made;
}

/** Bytes of which zlib makes about a half. */
export function letters(seed: number, size: number): Buffer {
  const pool = new SeededRandom(seed).bytes(5003);
  for (let i = 0; i < pool.length; i++) pool[i] = 0x61 + ((pool[i] ?? 0) & 15);
  const bytes = Buffer.alloc(size, pool);
  for (let i = 0; i < size; i += 97) bytes[i] = 0x41 + ((i * seed) % 26);
  return bytes;
}

/** A message of 900,000 bytes. */
export const LARGE = deflated(letters(1, 900_000));

/** The code of the Close that the product sent. */
export const codeOf = ({ peer }: CompressedScene): number | undefined => peer.closing?.code;
