/** Recordings for tests: their bytes are written by hand, never by `src`. */

import { createHash } from 'node:crypto';
import { Recorder, type RecorderOptions } from '../../src/recording/recorder.js';
import type {
  BytesRecord,
  EndRecord,
  FrameRecord,
  HandshakeRecord,
  RecordingRecord,
  Sender,
} from '../../src/recording/records.js';
import { type FrameOptions, frame, KEY } from './frames.js';

/** When the recordings of tests begin. */
export const START = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

const WEBSOCKET_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The request of RFC 6455 §1.3, with more fields if asked for. */
export function requestHead(...fields: string[]): string {
  return [
    'GET /chat?room=1 HTTP/1.1',
    'Host: server.example.com',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${WEBSOCKET_KEY}`,
    'Sec-WebSocket-Version: 13',
    ...fields,
    '\r\n',
  ].join('\r\n');
}

/** Its response. */
export function responseHead(...fields: string[]): string {
  const accept = createHash('sha1')
    .update(WEBSOCKET_KEY + GUID)
    .digest('base64');
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...fields,
    '\r\n',
  ].join('\r\n');
}

export const DEFLATE = 'Sec-WebSocket-Extensions: permessage-deflate';

export type ConnectionEvent = HandshakeRecord | FrameRecord | BytesRecord | EndRecord;

/** Records one connection after the other; `time` is what the clock shows. */
export class RecordedScene {
  readonly records: RecordingRecord[] = [];
  time = 0;
  readonly recorder: Recorder;
  private current: ReturnType<Recorder['connect']> | undefined;

  constructor(options: RecorderOptions = {}) {
    this.recorder = new Recorder((record) => this.records.push(record), {
      software: 'test/1.2.3',
      now: () => this.time,
      startedAt: START,
      ...options,
    });
  }

  get connection() {
    this.current ??= this.connect();
    return this.current;
  }

  connect(details: Partial<Parameters<Recorder['connect']>[0]> = {}) {
    this.current = this.recorder.connect({
      url: 'ws://server.example.com/chat?room=1',
      client: '127.0.0.1:50312',
      server: '127.0.0.1:8080',
      ...details,
    });
    return this.current;
  }

  /** Bytes, or text of Latin-1, one millisecond later. */
  send(from: Sender, bytes: Buffer | string): this {
    const { connection } = this;
    this.time++;
    connection.receive(from, typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Both heads of a handshake. */
  open(...responseFields: string[]): this {
    return this.send('client', requestHead(...responseFields)).send(
      'server',
      responseHead(...responseFields),
    );
  }

  client(options: FrameOptions = {}): this {
    return this.send('client', frame({ mask: KEY, ...options }));
  }

  server(options: FrameOptions = {}): this {
    return this.send('server', frame(options));
  }

  end(from: Sender, error?: Error): this {
    const { connection } = this;
    this.time++;
    connection.end(from, error);
    return this;
  }

  /** The records behind those that begin the recording and the connection. */
  get events(): ConnectionEvent[] {
    return this.records.filter(
      (record): record is ConnectionEvent =>
        record.type !== 'recording' && record.type !== 'connection',
    );
  }

  get frames(): FrameRecord[] {
    return this.events.filter((record): record is FrameRecord => record.type === 'frame');
  }
}

/** Each record in a few words. */
export function inShort(records: readonly ConnectionEvent[]): string[] {
  return records.map((record) => {
    const from = record.from === 'client' ? '>' : '<';
    switch (record.type) {
      case 'handshake':
        return `${from} ${record.head.split('\r\n')[0]}`;
      case 'frame': {
        const { opcodeName, text, close, violation } = record;
        const said = close === undefined ? text : `${close.code} ${close.reason}`;
        return [from, opcodeName, said, violation?.code].filter(Boolean).join(' ');
      }
      case 'bytes':
        return `${from} bytes ${Buffer.from(record.bytes, 'hex').toString('latin1')}`;
      default:
        return [from, record.how, record.error].filter(Boolean).join(' ');
    }
  });
}
