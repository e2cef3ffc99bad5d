/** The inspector: a proxy that records what it forwards, and a page that shows it. */

import type { AddressInfo, Socket } from 'node:net';
import { formatEndpoint } from '../connection/ip-address.js';
import { time } from '../connection/time.js';
import { CLOSING_TABLE } from '../protocol/close.js';
import { bytesOf } from '../recording/connections.js';
import { toHar } from '../recording/har.js';
import { toPcapng } from '../recording/pcapng.js';
import { formatRecord } from '../recording/read.js';
import { Recorder, type WriteRecord } from '../recording/recorder.js';
import type { RecordingRecord, RecordingStart } from '../recording/records.js';
import { ConnectionSplitter } from '../recording/splitter.js';
import type { DecodedFrame } from '../sans-io/decode-frames.js';
import type { WebSocket } from '../websocket/websocket.js';
import { breakRule } from './break-rule.js';
import { RULES } from './breakable-rules.js';
import { ControlSession } from './control.js';
import type { HelloMessage, PageMessage, StatusMessage } from './messages.js';
import { type Download, PageServer } from './page-server.js';
import { ForwardingServer } from './proxy.js';
import { Store } from './store.js';
import { Target, type TargetOptions } from './target.js';

/** The options of {@link startInspector}. */
export interface InspectorOptions extends TargetOptions {
  /** The URL to forward connections to. */
  readonly target?: string | undefined;
  /** Records to show, of a file. */
  readonly records?: Iterable<RecordingRecord> | undefined;
  /** The port to listen on; 0 for any free one. Default 8455. */
  readonly port?: number | undefined;
  /** The address to listen on. Default '127.0.0.1'. */
  readonly host?: string | undefined;
  /** Whether the page offers its tour. Default false. */
  readonly demo?: boolean | undefined;
  /** The limit for the memory that records take, in bytes. Default 256 MiB. */
  readonly memory?: number | undefined;
  /** Called with each record. */
  readonly onRecord?: ((record: RecordingRecord) => void) | undefined;
  /** The program that records, such as 'ws6455/0.1.0'. */
  readonly software?: string | undefined;
}

/** An inspector that listens. */
export interface Inspector {
  /** The URL of its page; as a ws: URL, that of its clients. */
  readonly url: string;
  readonly store: Store;
  /** Ends all connections. Resolves when they are closed. */
  close(): Promise<void>;
}

/** The port without the option. */
export const DEFAULT_PORT = 8455;
const DEFAULT_HOST = '127.0.0.1';

/** The time in which records are collected for one message to the page, in milliseconds. */
const BATCH_TIME = 50;

/**
 * Starts an inspector.
 * @throws SyntaxError for a wrong target. Rejects with the error of the system if it cannot listen.
 */
export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const target = options.target === undefined ? undefined : new Target(options.target, options);
  const inspector = new RunningInspector(target, options);
  await inspector.listen(options.port ?? DEFAULT_PORT);
  return inspector;
}

class RunningInspector implements Inspector {
  readonly store: Store;
  url = '';
  private readonly target: Target | undefined;
  private readonly options: InspectorOptions;
  private readonly host: string;
  private readonly recorder: Recorder;
  /** The first record. */
  private start: RecordingStart | undefined;
  private readonly proxy: ForwardingServer;
  private readonly page: PageServer;
  private readonly sessions = new Set<ControlSession>();
  private isFlushSet = false;
  private isStatusOld = false;

  constructor(target: Target | undefined, options: InspectorOptions) {
    this.target = target;
    this.options = options;
    this.host = options.host ?? DEFAULT_HOST;
    this.store = new Store(options.memory);
    const { software, records } = options;
    const write: WriteRecord =
      records === undefined ? (record, frame) => this.add(record, frame) : () => {};
    this.recorder = new Recorder(write, { software });
    this.proxy = new ForwardingServer(target, {
      record: (details) => this.recorder.connect(details),
      servePage: (socket) => this.servePage(socket),
      held: (message) => this.sendAll(message),
      changed: () => this.changed(),
    });
    this.page = new PageServer({
      host: this.host,
      download: (name) => this.download(name),
      connected: (socket) => this.connected(socket),
    });
    if (records !== undefined) this.load(records);
  }

  listen(port: number): Promise<void> {
    const { server } = this.proxy;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.host, () => {
        server.off('error', reject);
        this.url = this.urlOf(server.address() as AddressInfo);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.close();
    const closed = this.proxy.close();
    this.page.control.close();
    this.page.http.closeIdleConnections();
    await closed;
  }

  private urlOf({ port }: AddressInfo): string {
    const isLocal = ['127.0.0.1', '::1', '0.0.0.0', '::', 'localhost'].includes(this.host);
    return `http://${formatEndpoint(isLocal ? 'localhost' : this.host, port)}/`;
  }

  private servePage(socket: Socket): void {
    this.page.http.emit('connection', socket);
  }

  /** Adds the records of a file. They are decoded again: a record has the beginning of a message only. */
  private load(records: Iterable<RecordingRecord>): void {
    const splitters = new Map<number, ConnectionSplitter>();
    for (const record of records) {
      if (record.type === 'connection') {
        splitters.set(record.connection, new ConnectionSplitter());
      }
      this.add(record, frameOf(record, splitters));
    }
  }

  private add(record: RecordingRecord, frame?: DecodedFrame): void {
    if (record.type === 'recording') this.start ??= record;
    this.store.add(record, frame);
    this.options.onRecord?.(record);
    this.setFlush();
  }

  private changed(): void {
    this.isStatusOld = true;
    this.setFlush();
  }

  private setFlush(): void {
    if (this.isFlushSet || this.sessions.size === 0) return;
    this.isFlushSet = true;
    time.setTimeout(() => this.flush(), BATCH_TIME).unref();
  }

  private flush(): void {
    this.isFlushSet = false;
    for (const session of this.sessions) session.sendRecords();
    if (!this.isStatusOld) return;
    this.isStatusOld = false;
    this.sendAll(this.status());
  }

  private sendAll(message: PageMessage): void {
    if (this.sessions.size === 0) return;
    const text = JSON.stringify(message);
    for (const session of this.sessions) session.sendText(text);
  }

  private connected(socket: WebSocket): void {
    const session = new ControlSession(socket, {
      store: this.store,
      proxy: this.proxy,
      breakRule: (rule, at) => breakRule(rule, at === 'target' ? this.target : undefined),
      changed: () => this.changed(),
    });
    this.sessions.add(session);
    socket.on('close', () => this.sessions.delete(session));
    session.send(this.hello());
    session.send(this.status());
    session.sendRecords();
    for (const message of this.proxy.held.values()) session.send(message);
  }

  private hello(): HelloMessage {
    return {
      type: 'hello',
      target: this.target?.url,
      listening: this.url.replace(/^http/, 'ws'),
      demo: this.options.demo ?? false,
      hold: this.proxy.hold,
      dropped: this.store.dropped,
      rules: RULES,
      closing: CLOSING_TABLE,
    };
  }

  private status(): StatusMessage {
    const { open, targetState, targetError, hold } = this.proxy;
    const { dropped } = this.store;
    const status = { open, target: targetState, hold, dropped } as const;
    return { type: 'status', ...status, ...(targetError && { error: targetError }) };
  }

  private download(name: string): Download | undefined {
    if (this.start === undefined) return undefined;
    const records = this.store.recording(this.start);
    switch (name) {
      case 'recording.jsonl':
        return { type: 'application/jsonl', chunks: linesOf(records) };
      case 'recording.har':
        return { type: 'application/json', chunks: [JSON.stringify(toHar([...records]))] };
      case 'recording.pcapng':
        return { type: 'application/x-pcapng', chunks: [toPcapng([...records])] };
      default:
        return undefined;
    }
  }
}

function* linesOf(records: Iterable<RecordingRecord>): IterableIterator<string> {
  for (const record of records) yield formatRecord(record);
}

/** The decoded frame of a record. */
function frameOf(
  record: RecordingRecord,
  splitters: ReadonlyMap<number, ConnectionSplitter>,
): DecodedFrame | undefined {
  if (record.type === 'recording' || record.type === 'connection' || record.type === 'end') {
    return undefined;
  }
  const pieces = splitters.get(record.connection)?.push(record.from, bytesOf(record)) ?? [];
  const last = pieces.at(-1);
  return record.type === 'frame' && last?.type === 'frame' ? last.frame : undefined;
}
