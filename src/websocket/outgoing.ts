/** Messages and control frames that may have to wait: how a connection with a limit sends. */

import type { Blob } from 'node:buffer';
import { Buffer } from 'node:buffer';
import type { Sendable } from '../connection/backlog.js';
import type { SendLimit } from '../connection/send-limit.js';
import type { SendOutcome } from '../connection/send-limit-settings.js';
import type { Extension } from '../protocol/extension.js';
import type { Sender } from '../protocol/sender.js';
import { COPY_THRESHOLD, type SendCallback } from '../protocol/write-batch.js';
import type { SendOptions } from './api.js';
import { byteLengthOf, readBlob, toControlPayload, toPayload } from './payload.js';
import { PreparedMessage } from './prepared.js';
import type { Session } from './session.js';

/** A message, or a fragment of one. */
class OutgoingMessage implements Sendable {
  readonly byteLength: number;
  readonly kind = 'MESSAGE';
  private payload: Buffer | string | Blob;
  private readonly isBinary: boolean;
  readonly fin: boolean;
  private readonly compress: boolean;

  constructor(payload: Buffer | string | Blob, options: SendOptions | undefined) {
    this.payload = payload;
    this.byteLength = byteLengthOf(payload);
    this.isBinary = options?.binary ?? typeof payload !== 'string';
    this.fin = options?.fin ?? true;
    this.compress = options?.compress ?? true;
  }

  keep(): void {
    this.payload = keepSmall(this.payload);
  }

  sendOn(
    sender: Sender,
    _extension: Extension | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    const { payload, isBinary, fin, compress } = this;
    return typeof payload === 'string' || Buffer.isBuffer(payload)
      ? sender.sendMessage(payload, isBinary, fin, compress, callback)
      : sendBlob(sender, payload, isBinary, fin, compress, callback);
  }
}

/** A Ping or Pong. */
class OutgoingControl implements Sendable {
  readonly byteLength: number;
  readonly kind = 'CONTROL';
  readonly fin = true;
  private readonly opcode: number;
  private payload: Buffer | Blob;

  constructor(opcode: number, payload: Buffer | Blob) {
    this.opcode = opcode;
    this.payload = payload;
    this.byteLength = byteLengthOf(payload);
  }

  keep(): void {
    this.payload = keepSmall(this.payload);
  }

  sendOn(
    sender: Sender,
    _extension: Extension | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    if (sender.isClosed) return false;
    sendControlPayload(sender, this.opcode, this.payload, callback);
    return true;
  }
}

/** Frames that the program made. Whether they are whole messages is unknown, so none is dropped. */
class OutgoingFrames implements Sendable {
  readonly byteLength: number;
  readonly kind = 'FRAMES';
  readonly fin = true;
  private parts: readonly (Buffer | string)[];

  constructor(parts: readonly (Buffer | string)[]) {
    this.parts = parts;
    this.byteLength = parts.reduce((sum, part) => sum + byteLengthOf(part), 0);
  }

  keep(): void {
    this.parts = this.parts.map(keepSmall);
  }

  sendOn(
    sender: Sender,
    _extension: Extension | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    return sender.sendFramed(this.parts, callback);
  }
}

/** Payloads above this size go by reference anyway: the program must not change them. */
function keepSmall<Payload extends Buffer | string | Blob>(payload: Payload): Payload {
  if (!Buffer.isBuffer(payload) || payload.length > COPY_THRESHOLD) return payload;
  // Not from Node's pool: a few bytes that wait would keep 8 KiB.
  const copy = Buffer.allocUnsafeSlow(payload.length);
  payload.copy(copy);
  return copy as Buffer & Payload;
}

/** Sends a message whose bytes are read first. @returns false as `Sender.sendMessage` does */
export function sendBlob(
  sender: Sender,
  blob: Blob,
  isBinary: boolean,
  fin: boolean,
  compress: boolean,
  callback: SendCallback | undefined,
): boolean {
  const frame = sender.sendUnreadMessage(blob.size, isBinary, fin, compress, callback);
  if (frame !== undefined) readBlob(blob, (bytes) => sender.resolve(frame, bytes));
  return frame !== undefined;
}

/** `send` of a prepared message. */
export function sendPrepared(
  session: Session,
  prepared: PreparedMessage,
  callback: SendCallback | undefined,
): boolean {
  const endpoint = session.connection?.endpoint;
  if (!endpoint || !prepared.sendOn(endpoint.sender, session.extension, callback)) {
    session.reject(prepared.payload, callback);
    return false;
  }
  return endpoint.canSendMore();
}

/** @returns false if nothing is sent: see {@link Sender.sendMessage} */
export function sendPayload(
  sender: Sender,
  payload: Buffer | string | Blob,
  isBinary: boolean,
  fin: boolean,
  compress: boolean,
  callback: SendCallback | undefined,
): boolean {
  return typeof payload === 'string' || Buffer.isBuffer(payload)
    ? sender.sendMessage(payload, isBinary, fin, compress, callback)
    : sendBlob(sender, payload, isBinary, fin, compress, callback);
}

/** `ping` and `pong`. */
export function sendControl(
  session: Session,
  opcode: number,
  data: unknown,
  callback: SendCallback | undefined,
): void {
  session.checkConnected();
  const given = typeof data === 'function' ? undefined : data;
  const { connection } = session;
  if (connection === undefined || connection.endpoint.state !== 'OPEN') {
    session.reject(toPayload(given), callback);
    return;
  }
  const payload = toControlPayload(given);
  const { limit } = connection;
  if (limit !== undefined) limit.send(new OutgoingControl(opcode, payload), undefined, callback);
  else sendControlPayload(connection.endpoint.sender, opcode, payload, callback);
}

/** Sends a Ping or Pong. */
function sendControlPayload(
  sender: Sender,
  opcode: number,
  payload: Buffer | Blob,
  callback: SendCallback | undefined,
): void {
  if (Buffer.isBuffer(payload)) sender.sendControl(opcode, payload, callback);
  else {
    const frame = sender.sendUnreadControl(opcode, payload.size, callback);
    readBlob(payload, (bytes) => sender.resolve(frame, bytes));
  }
}

/** `send` of a connection with a limit. @returns whether more may be sent */
export function sendLimited(
  session: Session,
  limit: SendLimit,
  data: unknown,
  options: SendOptions | undefined,
  callback: SendCallback | undefined,
): boolean {
  const isPrepared = data instanceof PreparedMessage;
  const payload = isPrepared ? data.payload : toPayload(data);
  const message = isPrepared ? data : new OutgoingMessage(payload, options);
  const outcome = limit.send(message, options, callback);
  if (outcome === 'rejected') session.reject(payload, callback);
  return outcome === 'sent' && session.connection?.endpoint.canSendMore() === true;
}

/** Sends a message of which nothing but its payload is known, on a connection with a limit. */
export function sendMessageLimited(
  limit: SendLimit,
  payload: Buffer | string | Blob,
  callback: SendCallback | undefined,
): SendOutcome {
  return limit.send(new OutgoingMessage(payload, undefined), undefined, callback);
}

/** Sends frames that the program made, on a connection with a limit. */
export function sendFramesLimited(
  limit: SendLimit,
  parts: readonly (Buffer | string)[],
  callback: SendCallback | undefined,
): SendOutcome {
  return limit.send(new OutgoingFrames(parts), { droppable: false }, callback);
}
