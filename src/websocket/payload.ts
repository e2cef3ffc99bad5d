/** Converts the values that programs send to bytes, and received bytes to values. */

import { AsyncResource } from 'node:async_hooks';
import { Blob, Buffer } from 'node:buffer';
import { types } from 'node:util';
import { isThenable, toError } from '../connection/callbacks.js';
import { time } from '../connection/time.js';
import { isToken } from '../handshake/fields.js';
import { type Close, CloseCode, isCloseCode, MAX_CLOSE_REASON } from '../protocol/close.js';
import { MAX_CONTROL_PAYLOAD } from '../protocol/frame.js';
import type { MessageData } from '../protocol/receiver.js';
import type { SendCallback } from '../protocol/write-batch.js';

/** The form of binary messages. */
export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';

/** A message as the 'message' event delivers it. */
export type RawData = Buffer | ArrayBuffer | Buffer[];

/** A message as a 'message' event object has it. */
export type Data = string | RawData;

/** Data to send: all types that `Buffer.from` accepts, and numbers, which are sent as text. */
export type BufferLike =
  | string
  | Blob
  // If the types of browsers are loaded, their Blob is another type than Node's.
  | InstanceType<typeof globalThis.Blob>
  | Buffer
  | DataView
  | number
  | ArrayBufferView
  | Uint8Array
  | ArrayBuffer
  | SharedArrayBuffer
  // biome-ignore lint/suspicious/noExplicitAny: programs written for `ws` send arrays of anything
  | readonly any[]
  | { valueOf(): ArrayBuffer }
  | { valueOf(): SharedArrayBuffer }
  | { valueOf(): Uint8Array }
  | { valueOf(): readonly number[] }
  | { valueOf(): string }
  | { [Symbol.toPrimitive](hint: string): string };

const NOTHING = Buffer.alloc(0);

/** Whether a value is a BinaryType. */
export function isBinaryType(type: unknown): type is BinaryType {
  return type === 'nodebuffer' || type === 'arraybuffer' || type === 'fragments' || type === 'blob';
}

/**
 * Returns the bytes to send. Text is a string; a Blob is returned unread.
 * @throws TypeError with the code ERR_INVALID_ARG_TYPE if `Buffer.from` does not accept it
 */
export function toPayload(data: unknown): Buffer | string | Blob {
  if (typeof data === 'string') return data;
  if (typeof data === 'number') return String(data);
  if (!data) return NOTHING;
  if (Buffer.isBuffer(data)) return data;
  if (ArrayBuffer.isView(data)) {
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }
  return isBlob(data) ? data : toBuffer(data);
}

function toBuffer(data: unknown): Buffer {
  try {
    return Buffer.from(data as ArrayBuffer);
  } catch (error) {
    throw isArgumentError(error) ? cannotSendError(data) : error;
  }
}

/** Whether `Buffer.from` threw the error, and not a `valueOf` of the program. */
function isArgumentError(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ERR_INVALID_ARG_TYPE';
}

function cannotSendError(data: unknown): TypeError {
  const name = typeof data === 'object' ? (data?.constructor?.name ?? 'Object') : typeof data;
  const hint = isThenable(data)
    ? 'await it first'
    : 'a message is a string or bytes (Buffer, TypedArray, ArrayBuffer, Blob). For JSON, send JSON.stringify(data)';
  return argumentError(`Cannot send a value of type ${name}: ${hint}`);
}

function argumentError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Whether data is a Blob of any class. */
function isBlob(data: unknown): data is Blob {
  const kind = Object.prototype.toString.call(data);
  const { arrayBuffer } = data as Partial<Blob>;
  return /^\[object (Blob|File)\]$/.test(kind) && typeof arrayBuffer === 'function';
}

/** Returns the size of a payload in bytes; of a Blob too. */
export function byteLengthOf(payload: Buffer | string | Blob): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  return Buffer.isBuffer(payload) ? payload.length : payload.size;
}

/**
 * Returns the payload of a Ping or Pong. RFC 6455 §5.5.
 * @throws RangeError for more than 125 bytes
 */
export function toControlPayload(data: unknown): Buffer | Blob {
  const payload = toPayload(data);
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (byteLengthOf(bytes) > MAX_CONTROL_PAYLOAD) {
    throw new RangeError('The data size must not be greater than 125 bytes');
  }
  return bytes;
}

/**
 * Returns the Close for the arguments of `close`. Without a code the reason is not sent, as in `ws`.
 * @throws TypeError for a code that must not be sent, or a reason that is not text or bytes;
 * RangeError for a reason of more than 123 bytes
 */
export function toClose(code: unknown, reason: unknown): Close {
  if (code === undefined) {
    if (reason) warnOfLostReason();
    return { code: CloseCode.NO_STATUS, reason: NOTHING };
  }
  if (typeof code !== 'number' || !isCloseCode(code)) {
    throw new TypeError('First argument must be a valid error code number');
  }
  return { code, reason: toReason(reason) };
}

let warnedOfLostReason = false;

/** RFC 6455 §5.5.1: a reason comes after a code. */
function warnOfLostReason(): void {
  if (warnedOfLostReason) return;
  warnedOfLostReason = true;
  const message =
    'close() was called with a reason and without a code: the reason is not sent. Pass a code, such as 1000';
  process.emitWarning(message, { code: 'WS6455_REASON_NOT_SENT' });
}

function toReason(reason: unknown): Buffer {
  if (!(reason as ArrayLike<unknown> | null | undefined)?.length) return NOTHING;
  if (typeof reason !== 'string' && !types.isUint8Array(reason)) {
    throw argumentError('Second argument must be a string or a Uint8Array');
  }
  const bytes = Buffer.from(reason as Uint8Array);
  if (bytes.length > MAX_CLOSE_REASON) {
    throw new RangeError('The message must not be greater than 123 bytes');
  }
  return bytes;
}

/** Returns a binary message in the form of `type`. */
export function toBinary(data: MessageData, type: BinaryType): RawData | Blob {
  if (type === 'fragments') return Array.isArray(data) ? data : fragmentsOf(data);
  const whole = Array.isArray(data) ? Buffer.concat(data) : data;
  if (type === 'arraybuffer') return toArrayBuffer(whole);
  return type === 'blob' ? new Blob([whole]) : whole;
}

/** An empty message has no fragments. */
function fragmentsOf(whole: Buffer): Buffer[] {
  return whole.length === 0 ? [] : [whole];
}

/** Returns the memory of a Buffer that has it alone, as joined messages have; else a copy. */
function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/**
 * Returns the subprotocols to ask for. RFC 6455 §4.1 MUST: they are tokens and unique.
 * @throws SyntaxError if one is not
 */
export function toSubprotocols(requested: string | string[] | null | undefined): string[] {
  if (requested === undefined) return [];
  const list = Array.isArray(requested) ? requested : [requested];
  for (const [i, one] of list.entries()) {
    if (typeof one !== 'string' || !isToken(one) || list.indexOf(one) !== i) {
      throw new SyntaxError('An invalid or duplicated subprotocol was specified');
    }
  }
  return list as string[];
}

/**
 * Returns the first function among the arguments: programs leave out arguments before it. It will run
 * in the asynchronous context of its `send`, although one write may have messages of several contexts.
 */
export function pickCallback(
  first: unknown,
  second: unknown,
  third?: unknown,
): SendCallback | undefined {
  if (typeof first === 'function') return bindAsyncContext(first as SendCallback);
  if (typeof second === 'function') return bindAsyncContext(second as SendCallback);
  return typeof third === 'function' ? bindAsyncContext(third as SendCallback) : undefined;
}

function bindAsyncContext(callback: SendCallback): SendCallback {
  const context = new AsyncResource('ws6455.send');
  return (error) => context.runInAsyncScope(callback, undefined, error);
}

/** Reads a Blob. @param onRead receives its bytes, or the error, in the next tick */
export function readBlob(blob: Blob, onRead: (read: Buffer | Error) => void): void {
  // Outside the promise chain an exception of a listener is no rejection.
  const finish = (read: Buffer | Error): void => time.nextTick(onRead, read);
  Promise.resolve()
    .then(() => blob.arrayBuffer())
    .then((bytes) => finish(Buffer.from(bytes)))
    .catch((error: unknown) => finish(toError(error)));
}
