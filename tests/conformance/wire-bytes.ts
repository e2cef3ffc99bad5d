/** Fast helpers for large payloads: the XOR of RFC 6455 §5.3 by words, and short descriptions. */
import { createHash } from 'node:crypto';
import { type FrameOptions, frame, KEY } from '../support/frames.js';
import type { Role } from './subject.js';

const LARGE = 1024;

/** A copy of `bytes` masked or unmasked with `key`. RFC 6455 §5.3: both are the same operation. */
export function masked(bytes: Buffer, key: Buffer): Buffer {
  if (bytes.length < LARGE) return Buffer.from(bytes.map((byte, i) => byte ^ (key[i % 4] ?? 0)));
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  const whole = copy.length - (copy.length % 4);
  const words = new Uint32Array(copy.buffer, 0, whole / 4);
  const word = new Uint32Array(new Uint8Array(key).buffer)[0] ?? 0;
  for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? 0) ^ word;
  for (let i = whole; i < copy.length; i++) copy[i] = (copy[i] ?? 0) ^ (key[i % 4] ?? 0);
  return copy;
}

/** The bytes of one frame, quickly also when the payload is large. */
export function frameBytes(options: FrameOptions): Buffer {
  const payload = Buffer.from(options.payload ?? '');
  if (payload.length < LARGE) return frame(options);
  const head = frame({ ...options, payload: '', announce: options.announce ?? payload.length });
  return Buffer.concat([head, options.mask ? masked(payload, options.mask) : payload]);
}

/** The frame as the peer of a product in this role sends it. */
export function peerFrame(role: Role, options: FrameOptions): Buffer {
  return frameBytes(role === 'server' ? { mask: KEY, ...options } : options);
}

/** A payload as short text: hex, or its length and a digest. */
export function inShort(bytes: Buffer): string {
  if (bytes.length <= 64) return bytes.length === 0 ? 'empty' : bytes.toString('hex');
  return `${bytes.length} bytes, sha1 ${createHash('sha1').update(bytes).digest('hex')}`;
}
