/** JetStream behind a fake connection: the requests that the history of NATS makes. */

import type { NatsMessage, NatsRequestOptions } from '../../src/topics/index.js';
import { type FakeNats, fakeMessage } from './fake-nats.js';

interface FakeStream {
  readonly config: Record<string, unknown> & { name: string; subjects: string[] };
  created: string;
  firstSeq: number;
  readonly messages: Map<number, { id: string; data: string }>;
  lastSeq: number;
  lastTime: string;
}

/** The headers that the program's function `headers` makes. */
export class FakeHeaders {
  readonly all = new Map<string, string>();
  set(name: string, value: string): void {
    this.all.set(name, value);
  }
}

const NOT_FOUND = { err_code: 10_059, description: 'stream not found' };

export class FakeJetStream {
  readonly streams = new Map<string, FakeStream>();
  /** The requests, without those for single messages. */
  readonly requests: string[] = [];
  /** Whether a follower that has nothing answers direct requests. */
  isBehind = false;
  /** Whether a message that comes twice is recognized. */
  findsRepetitions = true;
  /** Called before each request. */
  onRequest: (subject: string) => unknown = () => {};

  constructor(fake: FakeNats) {
    fake.respond = async (subject, payload, options) => {
      await this.onRequest(subject);
      return this.answer(subject, payload, options);
    };
  }

  /** The only stream. */
  get stream(): FakeStream {
    const [stream] = this.streams.values();
    if (stream === undefined) throw new Error('There is no stream');
    return stream;
  }

  private answer(subject: string, payload: Buffer, options?: NatsRequestOptions): NatsMessage {
    const [, action = '', name = ''] =
      /^\$JS\.API\.((?:STREAM|DIRECT)\.(?:MSG\.)?[A-Z]+)(?:\.(.*))?$/.exec(subject) ?? [];
    if (!action.endsWith('GET')) this.requests.push(action || subject);
    if (action === '') return this.publish(subject, payload, options);
    const body = payload.length > 0 ? JSON.parse(payload.toString()) : {};
    if (action === 'STREAM.CREATE') return this.create(body);
    if (action === 'STREAM.LIST') {
      const all = [...this.streams.values()].map(infoOf);
      const streams = all.slice(body.offset, body.offset + 2);
      return fakeMessage({ total: all.length, streams });
    }
    const stream = this.streams.get(name);
    if (stream === undefined) return fakeMessage({ error: NOT_FOUND });
    if (action === 'STREAM.DELETE') this.streams.delete(name);
    if (action === 'STREAM.UPDATE') Object.assign(stream.config, body);
    if (!action.endsWith('GET')) return fakeMessage(infoOf(stream));
    return this.message(stream, body.seq, action === 'DIRECT.GET');
  }

  private create(config: FakeStream['config']): NatsMessage {
    if (this.streams.has(config.name)) {
      return fakeMessage({ error: { err_code: 10_058, description: 'name already in use' } });
    }
    const created = '2026-01-01T00:00:00Z';
    const messages = new Map();
    const times = { created, lastTime: '0001-01-01T00:00:00Z' };
    const stream = { config, messages, firstSeq: 1, lastSeq: 0, ...times };
    this.streams.set(config.name, stream);
    return fakeMessage(infoOf(stream));
  }

  private publish(subject: string, payload: Buffer, options?: NatsRequestOptions): NatsMessage {
    const all = [...this.streams.values()];
    const stream = all.find(({ config }) => config.subjects.includes(subject));
    if (stream === undefined) throw Object.assign(new Error('503'), { code: '503' });
    const { headers } = options ?? {};
    const id = (headers instanceof FakeHeaders && headers.all.get('Nats-Msg-Id')) || '';
    const [earlier] = [...stream.messages].find(([, message]) => message.id === id) ?? [];
    if (earlier !== undefined && this.findsRepetitions) {
      return fakeMessage({ stream: stream.config.name, seq: earlier, duplicate: true });
    }
    stream.messages.set(++stream.lastSeq, { id, data: payload.toString() });
    return fakeMessage({ stream: stream.config.name, seq: stream.lastSeq });
  }

  private message(stream: FakeStream, seq: number, isDirect: boolean): NatsMessage {
    const message = stream.messages.get(seq);
    if (isDirect) {
      if (message === undefined || this.isBehind) return fakeMessage('', {});
      const headers = { 'Nats-Sequence': `${seq}`, 'Nats-Msg-Id': message.id };
      return fakeMessage(message.data, headers);
    }
    if (message === undefined) {
      return fakeMessage({ error: { err_code: 10_037, description: 'no message found' } });
    }
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const hdrs = base64(`NATS/1.0\r\nNats-Msg-Id: ${message.id}\r\n\r\n`);
    return fakeMessage({ message: { seq, hdrs, data: base64(message.data) } });
  }
}

function infoOf({ config, created, messages, firstSeq, lastSeq, lastTime }: FakeStream) {
  const state = { messages: messages.size, first_seq: firstSeq, last_seq: lastSeq };
  return { config, created, state: { ...state, last_ts: lastTime } };
}
