/** WebSocketStream draft §2: the class WebSocketStream. */

import { sessionOf, WebSocket } from '../websocket/websocket.js';
import { parseUrl } from './arguments.js';
import type { WebSocketStream as Api, WebSocketStreamConstructor } from './stream-interface.js';
import { readStreamSettings } from './stream-options.js';
import { StreamSession } from './stream-session.js';
import { defineInterface, requireArguments, toUsvString } from './web-idl.js';
import { readCloseInfo } from './websocket-error.js';

/** A WebSocket in the place of the URL: only `from` has it. */
class OpenSocket {
  readonly ws: WebSocket;

  constructor(ws: WebSocket) {
    this.ws = ws;
  }
}

/** Accepts any value, as Web IDL has it. */
class StandardWebSocketStream {
  readonly #session: StreamSession;

  constructor(url: unknown, options: unknown = undefined) {
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    requireArguments(arguments.length, 1, 'WebSocketStream');
    if (url instanceof OpenSocket) {
      const { ws } = url;
      this.#session = new StreamSession(this, ws.url ?? '');
      this.#session.start(ws, ws.extensions);
      return;
    }
    const address = parseUrl(toUsvString(url));
    const settings = readStreamSettings(options);
    this.#session = new StreamSession(this, address.href);
    this.#session.connect(address, settings);
  }

  static from(socket: unknown): StandardWebSocketStream {
    if (!(socket instanceof WebSocket) || sessionOf(socket) === undefined) {
      throw new TypeError(
        'WebSocketStream.from() needs a WebSocket of ws6455, such as a server has',
      );
    }
    return new StandardWebSocketStream(new OpenSocket(socket));
  }

  get url(): string {
    return this.#session.url;
  }

  get opened(): Api['opened'] {
    return this.#session.opened.promise;
  }

  get closed(): Api['closed'] {
    return this.#session.closed.promise;
  }

  close(info: unknown = undefined): void {
    const session = this.#session;
    session.close(readCloseInfo(info, 'The argument of close()'));
  }
}

Object.defineProperty(StandardWebSocketStream, 'name', {
  configurable: true,
  value: 'WebSocketStream',
});
defineInterface(StandardWebSocketStream);

/** The class WebSocketStream of the draft, also for a WebSocket of a server. */
export const WebSocketStream = StandardWebSocketStream as unknown as WebSocketStreamConstructor; // any value is accepted
export type WebSocketStream = Api;
