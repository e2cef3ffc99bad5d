/** The chunks of the web streams of a WebSocket, and their messages. */

import { Blob, Buffer } from 'node:buffer';
import { types } from 'node:util';
import type { Waiting } from './inbox.js';
import type { ReadChunk } from './iteration-api.js';
import type { Session } from './session.js';

/**
 * Text is a string; binary data has memory of its own.
 * @throws TypeError for a Blob, whose bytes cannot be had at once
 */
export function toChunk({ data, isBinary }: Waiting): ReadChunk {
  if (!isBinary) return String(data);
  if (types.isArrayBuffer(data)) return new Uint8Array(data);
  if (data instanceof Blob) throw blobError();
  const bytes = Array.isArray(data) ? Buffer.concat(data) : data;
  const { buffer, byteLength, byteOffset } = bytes;
  if (byteLength === buffer.byteLength) return new Uint8Array(buffer as ArrayBuffer);
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice();
}

/** A stream does not give Blobs. */
export function blobError(): TypeError {
  return new TypeError(
    "toStream() gives binary messages as Uint8Array, not as binaryType 'blob': leave binaryType as it is",
  );
}

/**
 * Converts a chunk to write: `(BufferSource or USVString)`.
 * @throws TypeError for memory that is shared or can be resized, and what `toString` throws
 */
export function toPayload(chunk: unknown): Buffer | string {
  if (typeof chunk === 'string') return chunk;
  if (ArrayBuffer.isView(chunk)) return bytesOf(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (types.isArrayBuffer(chunk)) return bytesOf(chunk, 0, chunk.byteLength);
  // String() accepts symbols, a template does not.
  return `${chunk as string}`;
}

function bytesOf(memory: ArrayBufferLike, offset: number, length: number): Buffer {
  if (types.isSharedArrayBuffer(memory) || (memory as { resizable?: boolean }).resizable) {
    throw new TypeError(
      'The memory of a chunk must not be shared or resizable: write a copy of it',
    );
  }
  return Buffer.from(memory, offset, length);
}

/** Whether the bytes must be copied. A client masks the frame at once if nothing waits before it. */
export function mustCopy({ connection, extension, role }: Session): boolean {
  if (role === 'server' || extension !== undefined || connection?.limit !== undefined) return true;
  return connection?.endpoint.sender.isIdle !== true;
}
