/** The history of the topics of a server without a broker. */

import { Buffer } from 'node:buffer';
import type { PreparedMessage } from '../websocket/prepared.js';
import type { TopicHistory, TopicPosition } from './broker.js';
import { MemoryHistory } from './memory-history.js';
import { limitsOf, type ServerHistory, toPosition } from './server-history.js';
import type { TopicTable } from './topic-options.js';
import type { TopicMessage } from './topics-api.js';

/** A message as a receiver sees it. */
type Content = TopicMessage['data'];

export class LocalHistory implements ServerHistory {
  private readonly table: TopicTable;
  private isClosed = false;
  private readonly messages = new MemoryHistory<Content>();

  constructor(table: TopicTable) {
    this.table = table;
  }

  /** Keeps a message that was delivered. */
  publish(names: readonly string[], message: PreparedMessage): void {
    if (this.isClosed) return;
    let content: Content | undefined;
    for (const name of new Set(names)) {
      const limits = this.table.limitsOf(name);
      if (limits === undefined) continue;
      content ??= toContent(message);
      this.messages.append(name, content, limits);
    }
  }

  async position(topic: string): Promise<TopicPosition> {
    this.checkIsOpen();
    return this.messages.position(topic, limitsOf(this.table, topic));
  }

  async since(topic: string, position: unknown): Promise<TopicHistory<TopicMessage>> {
    this.checkIsOpen();
    const limits = limitsOf(this.table, topic);
    const found = this.messages.since(topic, toPosition(position), limits);
    const messages = found.messages.map(({ data, offset }) => ({
      data,
      isBinary: typeof data !== 'string',
      offset,
    }));
    return { ...found, messages };
  }

  close(): void {
    this.isClosed = true;
    this.messages.close();
  }

  /** @throws Error when the server is closed */
  private checkIsOpen(): void {
    if (this.isClosed) {
      throw new Error('The history of topics is not reachable: the server is closed');
    }
  }
}

/** Bytes are copied: `Buffer.from` would keep 8 KiB for a small message, which it shares with others. */
function toContent({ isBinary, payload }: PreparedMessage): Content {
  if (!isBinary) return payload.toString();
  const copy = Buffer.allocUnsafeSlow(payload.length);
  payload.copy(copy);
  return copy;
}
