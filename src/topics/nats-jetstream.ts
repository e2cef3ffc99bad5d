/** The requests of JetStream that the history needs: its documented API in JSON, without a package. */

import { Buffer } from 'node:buffer';
import type { NatsMessage } from './nats-client.js';
import type { NatsLink } from './nats-link.js';

/** The error codes of JetStream that mean something here. */
export const JetStreamCode = {
  STREAM_NOT_FOUND: 10_059,
  NAME_IN_USE: 10_058,
  NO_MESSAGE: 10_037,
} as const;

/** JetStream has refused a request. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError';
  readonly code: number;

  constructor(request: string, { err_code: code = 0, description = 'unknown' }: ApiError) {
    super(`JetStream refuses ${request}: ${description} (${code})`);
    this.code = code;
  }
}

/** The configuration of a stream; durations in nanoseconds. */
export interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly max_msgs: number;
  readonly max_age: number;
  readonly duplicate_window: number;
}

/** What JetStream says of a stream. */
export interface StreamInfo {
  readonly config: StreamConfig;
  /** The time in RFC 3339. */
  readonly created: string;
  readonly state: {
    readonly messages: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly last_ts: string;
  };
}

/** What JetStream answers to a message that it has stored. */
export interface PublishAnswer {
  readonly stream: string;
  readonly seq: number;
}

interface ApiError {
  readonly err_code?: number;
  readonly description?: string;
}

/** A message of a stream. */
export interface StreamMessage {
  readonly data: Uint8Array;
  readonly id: string;
}

/** JetStream behind a connection. */
export class JetStream {
  private readonly link: NatsLink;

  constructor(link: NatsLink) {
    this.link = link;
  }

  /** Stores a message in the stream that has this subject. */
  async publish(subject: string, data: Uint8Array, headers: object): Promise<PublishAnswer> {
    const answer = await this.link.request(subject, data, headers);
    return parse<PublishAnswer>(`a message for ${subject}`, answer);
  }

  create(config: StreamConfig & Record<string, unknown>): Promise<StreamInfo> {
    return this.call(`STREAM.CREATE.${config.name}`, config);
  }

  update(config: StreamConfig): Promise<StreamInfo> {
    return this.call(`STREAM.UPDATE.${config.name}`, config);
  }

  info(name: string): Promise<StreamInfo> {
    return this.call(`STREAM.INFO.${name}`);
  }

  async delete(name: string): Promise<void> {
    await this.call(`STREAM.DELETE.${name}`);
  }

  /** @returns some streams whose subjects match, and how many there are */
  async list(subject: string, offset: number): Promise<{ streams: StreamInfo[]; total: number }> {
    const page = await this.call<{ streams: StreamInfo[] | null; total: number }>('STREAM.LIST', {
      subject,
      offset,
    });
    return { streams: page.streams ?? [], total: page.total };
  }

  /** @returns undefined for a message that is not there */
  async message(name: string, seq: number): Promise<StreamMessage | undefined> {
    const body = Buffer.from(JSON.stringify({ seq }));
    try {
      const { data, headers } = await this.link.request(`$JS.API.DIRECT.GET.${name}`, body);
      if (headers !== undefined && headers.get('Nats-Sequence') === `${seq}`) {
        return { data, id: headers.get('Nats-Msg-Id') };
      }
    } catch (error) {
      if (!isNoResponders(error)) throw error;
    }
    // In a cluster a server that is behind may have answered, or none: the leader knows.
    return this.messageOfLeader(name, seq);
  }

  private async messageOfLeader(name: string, seq: number): Promise<StreamMessage | undefined> {
    try {
      const { message } = await this.call<{ message: { data?: string; hdrs?: string } }>(
        `STREAM.MSG.GET.${name}`,
        { seq },
      );
      const headers = Buffer.from(message.hdrs ?? '', 'base64').toString();
      const id = /^Nats-Msg-Id: *(.*?)\r$/im.exec(headers)?.[1] ?? '';
      return { data: Buffer.from(message.data ?? '', 'base64'), id };
    } catch (error) {
      if (error instanceof JetStreamError && error.code === JetStreamCode.NO_MESSAGE)
        return undefined;
      throw error;
    }
  }

  private async call<Answer>(request: string, body?: object): Promise<Answer> {
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
    try {
      return parse(request, await this.link.request(`$JS.API.${request}`, bytes));
    } catch (error) {
      if (!isNoResponders(error)) throw error;
      const sentence =
        'JetStream does not answer: start nats-server with -js, and allow it for the account';
      throw new Error(sentence, { cause: error });
    }
  }
}

function parse<Answer>(request: string, { data }: NatsMessage): Answer {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString();
  const answer = JSON.parse(text) as Answer & { error?: ApiError };
  if (answer.error !== undefined) throw new JetStreamError(request, answer.error);
  return answer;
}

/** Whether nothing has the subject of a request. */
export function isNoResponders(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    // Version 3 has the name, version 2 the code.
    if (/^NoResponders/.test(at.name) || Reflect.get(at, 'code') === '503') return true;
  }
  return false;
}
