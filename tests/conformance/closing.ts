/** What the tests of the closing handshake share. */
import { closePayload, type FrameOptions, OPCODE } from '../support/frames.js';
import { peerBytes } from './rows.js';
import type { Scene } from './subject.js';

export const CLOSE_TIMEOUT = 30_000;

/** The text `ab`, as a scene writes it down. */
export const TEXT_AB = 'text 6162';

/** A Close frame; without a code its payload is empty. */
export const close = (code?: number, reason: Buffer | string = ''): FrameOptions => ({
  opcode: OPCODE.CLOSE,
  payload: closePayload(code, reason),
});

/** The peer sends `frames` in one chunk; waits until nothing moves any more. */
export function send(scene: Scene, ...frames: FrameOptions[]): Promise<void> {
  return scene.feed([peerBytes(scene.role, frames)]);
}
