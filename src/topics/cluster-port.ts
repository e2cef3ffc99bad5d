/** What the processes of node:cluster say to each other, and what of node:cluster that needs. */

import { Buffer } from 'node:buffer';
import type { HistoryLimits, HistoryPublishOptions, TopicPosition } from '../server/broker.js';

/** A primary process and its workers must have the same one. */
export const VERSION = 1;

/** Bytes as they travel: base64 in JSON, bytes with `serialization: 'advanced'`. */
export type WireData = string | Uint8Array;

/** What a worker says to its primary process. */
export type WorkerRecord =
  | readonly ['publish', topic: string, data: WireData]
  | readonly ['subscribe', request: number, topics: readonly string[]]
  | readonly ['unsubscribe', topics: readonly string[]]
  | readonly [
      'append',
      request: number,
      topic: string,
      data: WireData,
      options: HistoryPublishOptions,
    ]
  | readonly ['position', request: number, topic: string, limits: HistoryLimits | null]
  | readonly [
      'since',
      request: number,
      topic: string,
      position: TopicPosition,
      limits: HistoryLimits | null,
    ]
  | readonly ['leave'];

/** What a primary process says to a worker. */
export type PrimaryRecord =
  | readonly ['message', topic: string, data: WireData]
  | readonly ['message', topic: string, data: WireData, position: TopicPosition]
  | readonly ['answer', request: number, value: Answer]
  /** The worker is forgotten, and must begin again. */
  | readonly ['reset', reason: string];

/** The answer to 'subscribe'; to 'append' and 'position'; to 'since'. */
export type Answer = null | TopicPosition | WireHistory;

export interface WireHistory {
  readonly complete: boolean;
  readonly messages: readonly (readonly [offset: number, data: WireData])[];
  readonly position: TopicPosition;
}

/**
 * A message between the processes. Its member `ws6455`, the name of a broker, tells it from those of
 * other programs.
 */
export interface ClusterMessage {
  readonly ws6455: string;
  /** The first message of each side: bytes, to see what becomes of them. */
  readonly hello?: unknown;
  readonly version?: number | undefined;
  /** The records of a turn of the event loop. */
  readonly list?: readonly unknown[] | undefined;
}

/** The listener of a message from the other process. */
type MessageListener = (message: unknown) => void;

/** What is used of `cluster.Worker`, in both processes. */
export interface WorkerPort {
  send(message: ClusterMessage, callback: (error: Error | null) => void): unknown;
  isConnected(): boolean;
  on(event: 'message', listener: MessageListener): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
  off(event: 'message', listener: MessageListener): unknown;
  off(event: 'disconnect', listener: () => void): unknown;
}

/** What is used of node:cluster in a primary process. */
export interface PrimaryPort {
  on(event: 'message', listener: (worker: WorkerPort, message: unknown) => void): unknown;
  on(event: 'disconnect' | 'exit', listener: (worker: WorkerPort) => void): unknown;
  off(event: 'message', listener: (worker: WorkerPort, message: unknown) => void): unknown;
  off(event: 'disconnect' | 'exit', listener: (worker: WorkerPort) => void): unknown;
}

/** The first message of a side. */
export function helloOf(id: string): ClusterMessage {
  return { ws6455: id, version: VERSION, hello: new Uint8Array(1) };
}

/** Whether bytes arrive as bytes, as a first message shows. */
export function isAdvanced({ hello }: ClusterMessage): boolean {
  return ArrayBuffer.isView(hello);
}

/** @returns undefined for a message of another program */
export function toClusterMessage(message: unknown): ClusterMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { ws6455, list = [] } = message as { readonly [name: string]: unknown };
  if (typeof ws6455 !== 'string' || !Array.isArray(list)) return undefined;
  return message as ClusterMessage;
}

/** @param isAdvanced how the other process gets it */
export function toWire(data: WireData, isAdvanced: boolean): WireData {
  if (isAdvanced === (typeof data !== 'string')) return data;
  return typeof data === 'string' ? Buffer.from(data, 'base64') : toBuffer(data).toString('base64');
}

export function fromWire(data: WireData): Buffer {
  return typeof data === 'string' ? Buffer.from(data, 'base64') : toBuffer(data);
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
