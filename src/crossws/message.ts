/** A received message, with the views that crossws has. */

import { Blob, Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { Delivered } from '../websocket/inbox.js';
import type { Message as MessageApi, Peer } from './interface.js';

export class Message implements MessageApi {
  readonly peer: Peer;
  readonly rawData: string | Delivered;
  private ownId: string | undefined;
  private ownText: string | undefined;
  private bytes: Uint8Array | undefined;

  constructor(data: Delivered, isBinary: boolean, peer: Peer) {
    this.peer = peer;
    const joined = Array.isArray(data) ? Buffer.concat(data) : data;
    this.rawData = isBinary ? joined : String(joined);
  }

  get id(): string {
    this.ownId ??= randomUUID();
    return this.ownId;
  }

  uint8Array(): Uint8Array {
    this.bytes ??= toBytes(this.rawData);
    return this.bytes;
  }

  arrayBuffer(): ArrayBuffer | SharedArrayBuffer {
    if (this.rawData instanceof ArrayBuffer) return this.rawData;
    const { buffer, byteOffset, byteLength } = this.uint8Array();
    // The memory of a small message has other messages in it, perhaps those of other peers.
    return byteLength === buffer.byteLength
      ? buffer
      : buffer.slice(byteOffset, byteOffset + byteLength);
  }

  blob(): Blob {
    if (this.rawData instanceof Blob) return this.rawData;
    return new Blob([this.uint8Array() as Uint8Array<ArrayBuffer>]);
  }

  text(): string {
    if (typeof this.rawData === 'string') return this.rawData;
    this.ownText ??= new TextDecoder().decode(this.uint8Array());
    return this.ownText;
  }

  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T;
  }

  get data(): unknown {
    const type: string = this.peer.websocket.binaryType;
    if (type === 'arraybuffer') return this.arrayBuffer();
    if (type === 'blob') return this.blob();
    if (type === 'nodebuffer') return Buffer.from(this.uint8Array());
    return this.rawData;
  }

  toString(): string {
    return this.text();
  }

  [Symbol.toPrimitive](): string {
    return this.text();
  }

  [inspect.custom](): unknown {
    const { id, peer, rawData } = this;
    if (rawData instanceof Blob) return { message: { id, peer, blob: rawData } };
    return { message: { id, peer, text: this.text() } };
  }
}

/** @throws TypeError for a Blob, which cannot be read at once */
function toBytes(data: string | Delivered): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError(
    "A message with the binaryType 'blob' has only the view blob(), which is read with await",
  );
}
