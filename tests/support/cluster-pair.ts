/** A primary process and its workers of node:cluster, in one process: their channels are queues in memory. */

import { EventEmitter } from 'node:events';
import { deserialize, serialize } from 'node:v8';
import type { ClusterMessage, WorkerPort } from '../../src/topics/cluster-port.js';

type Callback = (error: Error | null) => void;

/** One end of a channel. */
class End extends EventEmitter implements WorkerPort {
  /** What was sent and is not written yet, because the other process does not read. */
  readonly blocked: [message: ClusterMessage, callback: Callback][] = [];
  readonly sent: ClusterMessage[] = [];
  isStopped = false;
  isOpen = true;
  private readonly isAdvanced: boolean;
  private readonly deliver: (message: unknown) => void;

  constructor(isAdvanced: boolean, deliver: (message: unknown) => void) {
    super();
    this.isAdvanced = isAdvanced;
    this.deliver = deliver;
  }

  isConnected(): boolean {
    return this.isOpen;
  }

  send(message: ClusterMessage, callback: Callback): void {
    // Both copy at once, as the channels of Node do.
    const copy = (
      this.isAdvanced ? deserialize(serialize(message)) : JSON.parse(JSON.stringify(message))
    ) as ClusterMessage;
    this.sent.push(copy);
    if (!this.isOpen) process.nextTick(callback, new Error('ERR_IPC_CHANNEL_CLOSED'));
    else if (this.isStopped) this.blocked.push([copy, callback]);
    else this.write(copy, callback);
  }

  /** The other process reads again. */
  resume(): void {
    this.isStopped = false;
    for (const [message, callback] of this.blocked.splice(0)) this.write(message, callback);
  }

  private write(message: ClusterMessage, callback: Callback): void {
    process.nextTick(callback, null);
    setImmediate(() => {
      if (this.isOpen) this.deliver(message);
    });
  }
}

export interface WorkerPair {
  /** What the worker has. */
  readonly worker: End;
  /** What the primary process has of it. */
  readonly child: End;
  disconnect(): void;
}

/** What node:cluster is in a primary process. */
export class PrimaryEmitter extends EventEmitter {
  fork({ isAdvanced = false } = {}): WorkerPair {
    const child: End = new End(isAdvanced, (message) => worker.emit('message', message));
    const worker: End = new End(isAdvanced, (message) => this.emit('message', child, message));
    const disconnect = (): void => {
      worker.isOpen = false;
      child.isOpen = false;
      worker.emit('disconnect');
      this.emit('disconnect', child);
    };
    return { worker, child, disconnect };
  }
}
