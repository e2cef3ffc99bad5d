/** An inspector in front of a server that a test plays byte by byte, and pages that control it. */

import { createServer, type Server, type Socket } from 'node:net';
import WebSocket from '../../src/index.js';
import {
  type Inspector,
  type InspectorOptions,
  startInspector,
} from '../../src/inspect/inspector.js';
import type { PageCommand, PageMessage } from '../../src/inspect/messages.js';
import type { RecordingRecord } from '../../src/recording/records.js';
import { Inbox, until } from './inbox.js';
import { keyOf, upgradeRequest, upgradeResponse } from './requests.js';
import type { Scope } from './scope.js';

/** One end of a connection. */
export interface End {
  readonly socket: Socket;
  readonly inbox: Inbox;
}

/** A TCP server whose connections the test plays. */
export class RawTarget {
  readonly ends: End[] = [];
  readonly server: Server;
  port = 0;

  private constructor() {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.ends.push({ socket, inbox: new Inbox(socket) });
    });
  }

  static async listen(scope: Scope): Promise<RawTarget> {
    const target = new RawTarget();
    target.port = await scope.listen(target.server);
    return target;
  }

  /** The next connection that was not asked for. */
  async next(): Promise<End> {
    await until(() => this.ends.length > 0, 'a connection to the target');
    return this.ends.shift() as End; // just seen
  }
}

/** What a test sees of an inspector. */
export interface Inspected {
  readonly inspector: Inspector;
  readonly port: number;
  readonly records: RecordingRecord[];
  /** The records of one type. */
  of<Type extends RecordingRecord['type']>(
    type: Type,
  ): (RecordingRecord & { readonly type: Type })[];
}

/** Starts an inspector; the test's end closes it. */
export async function inspected(scope: Scope, options: InspectorOptions): Promise<Inspected> {
  const records: RecordingRecord[] = [];
  const inspector = await startInspector({
    port: 0,
    ...options,
    onRecord: (record) => records.push(record),
  });
  scope.later(() => inspector.close());
  const of = <Type extends RecordingRecord['type']>(type: Type) =>
    records.filter((one): one is RecordingRecord & { type: Type } => one.type === type);
  return { inspector, port: Number(new URL(inspector.url).port), records, of };
}

/** A client of an inspector and the connection to the target, before the first byte. */
export async function connectClient(
  scope: Scope,
  { port }: { readonly port: number },
): Promise<End> {
  const socket = await scope.connect(port);
  return { socket, inbox: new Inbox(socket) };
}

/** A client and a target whose handshake is over. */
export interface Conversation {
  readonly client: End;
  readonly server: End;
}

export async function converse(
  scope: Scope,
  through: { readonly port: number },
  target: RawTarget,
  more: { readonly request?: [string, string][]; readonly response?: string[] } = {},
): Promise<Conversation> {
  const client = await connectClient(scope, through);
  client.socket.write(upgradeRequest({ add: more.request ?? [] }));
  const server = await target.next();
  const request = await server.inbox.message();
  server.socket.write(upgradeResponse(keyOf(request), ...(more.response ?? [])));
  await client.inbox.message();
  return { client, server };
}

/** A page: its socket, and what it was sent. */
export class Page {
  readonly messages: PageMessage[] = [];
  readonly socket: InstanceType<typeof WebSocket>;

  constructor(scope: Scope, { port }: { readonly port: number }) {
    const origin = `http://localhost:${port}`;
    this.socket = scope.track(
      new WebSocket(`ws://localhost:${port}/.ws6455/control`, { origin, family: 4 }),
    );
    this.socket.on('message', (data) => this.messages.push(JSON.parse(String(data))));
  }

  static async open(scope: Scope, through: { readonly port: number }): Promise<Page> {
    const page = new Page(scope, through);
    await page.next('hello');
    return page;
  }

  send(command: PageCommand): void {
    this.socket.send(JSON.stringify(command));
  }

  /** The messages of one type. */
  of<Type extends PageMessage['type']>(type: Type): (PageMessage & { readonly type: Type })[] {
    return this.messages.filter((one): one is PageMessage & { type: Type } => one.type === type);
  }

  /** Waits for a message of a type, the `count`th one. */
  async next<Type extends PageMessage['type']>(
    type: Type,
    count = 1,
  ): Promise<PageMessage & { readonly type: Type }> {
    await until(
      () => this.of(type).length >= count,
      () => `message ${count} of the type ${type}; there came ${JSON.stringify(this.messages)}`,
    );
    return this.of(type)[count - 1] as PageMessage & { type: Type }; // just seen
  }

  /** Holds frames, and waits until the inspector does. */
  async hold(hold: 'none' | 'client' | 'server' | 'both'): Promise<void> {
    this.send({ type: 'hold', hold });
    await until(() => this.of('status').at(-1)?.hold === hold, `hold ${hold}`);
  }
}
