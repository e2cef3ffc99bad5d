/** A WebSocket of `ws6455/standard` whose connections lead to the test, in memory. */

import { type CloseEvent, WebSocket } from '../../src/standard/index.js';
import type { WireEnd } from './duplex-pair.js';
import { frame, type OPCODE } from './frames.js';
import { Inbox, turns, until } from './inbox.js';
import { keyOf, upgradeResponse } from './requests.js';
import type { Scope } from './scope.js';
import type { Loose } from './websockets.js';

/** The constructor as programs in JavaScript call it. */
export const Any = WebSocket as unknown as new (...args: unknown[]) => WebSocket;

interface FarEnd {
  readonly wire: WireEnd;
  readonly inbox: Inbox;
}

/** What an event says, and the state in which it comes. */
function describe(ws: WebSocket, event: Event): string {
  const { type } = event;
  if (type === 'message') return `message ${(event as MessageEvent).data} in ${ws.readyState}`;
  if (type !== 'close') return `${type} in ${ws.readyState}`;
  const { code, reason, wasClean } = event as CloseEvent;
  return `close ${code} '${reason}' ${wasClean ? 'clean' : 'unclean'} in ${ws.readyState}`;
}

export class StandardClient {
  readonly ws: WebSocket;
  readonly events: string[] = [];
  readonly objects: Event[] = [];
  readonly connections: FarEnd[] = [];

  constructor(scope: Scope, options: Loose = {}, url = 'ws://server.example.com/chat') {
    const createConnection = () => {
      const [near, wire] = scope.wire();
      this.connections.push({ wire, inbox: new Inbox(wire) });
      return near;
    };
    this.ws = new Any(url, { createConnection, perMessageDeflate: false, ...options });
    for (const type of ['open', 'message', 'error', 'close']) {
      this.ws.addEventListener(type, (event) => {
        this.objects.push(event);
        this.events.push(describe(this.ws, event));
      });
    }
    scope.later(async () => {
      this.ws.close();
      for (const { wire } of this.connections) wire.destroy();
      await this.seen('close');
    });
  }

  /** The far end of the nth connection. */
  async farEnd(index = 0): Promise<FarEnd> {
    await until(() => this.connections.length > index, `connection ${index}`);
    return this.connections[index] as FarEnd; // just seen
  }

  /** Accepts the nth opening handshake. */
  async accept(fields: readonly string[] = [], index = 0): Promise<FarEnd> {
    const end = await this.farEnd(index);
    end.wire.write(upgradeResponse(keyOf(await end.inbox.message()), ...fields));
    await this.seen('open');
    return end;
  }

  /** Sends a frame of the server. */
  async write(
    opcode: (typeof OPCODE)[keyof typeof OPCODE],
    payload: Buffer | string,
  ): Promise<void> {
    const { wire } = await this.farEnd();
    wire.write(frame({ opcode, payload }));
    await turns();
  }

  /** Waits for an event. */
  async seen(type: string): Promise<Event> {
    const find = (): Event | undefined => this.objects.find((event) => event.type === type);
    await until(
      () => find() !== undefined,
      () => `'${type}'; so far: ${this.events.join(', ')}`,
    );
    return find() as Event; // just seen
  }
}
