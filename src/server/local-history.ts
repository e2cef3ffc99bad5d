/** The history of the topics of a server without a broker. */

import { Buffer } from 'node:buffer';
import type { BufferLike } from '../websocket/payload.js';
import { PreparedMessage, toReadPayload } from '../websocket/prepared.js';
import type { TopicMessageOptions } from '../websocket/topics-api.js';
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
  publish(
    names: readonly string[],
    data: BufferLike | PreparedMessage,
    options: TopicMessageOptions,
  ): void {
    if (this.isClosed) return;
    let content: Content | undefined;
    for (const name of new Set(names)) {
      const limits = this.table.limitsOf(name);
      if (limits === undefined) continue;
      content ??= toContent(data, options);
      this.messages.append(name, content, limits);
    }
  }

  async position(topic: string): Promise<TopicPosition> {
    return this.messages.position(topic, limitsOf(this.table, topic));
  }

  async since(topic: string, position: unknown): Promise<TopicHistory<TopicMessage>> {
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
}

/** A copy: the program may change its bytes. */
function toContent(data: BufferLike | PreparedMessage, options: TopicMessageOptions): Content {
  if (data instanceof PreparedMessage) {
    return data.isBinary ? data.payload : data.payload.toString();
  }
  const payload = toReadPayload(data);
  const isBinary = options.binary ?? typeof payload !== 'string';
  return isBinary ? Buffer.from(payload as Buffer) : payload.toString(); // or a string
}
