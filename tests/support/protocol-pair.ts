/** A client and a server without I/O, connected by hand. */

import type { Extension } from '../../src/protocol/extension.js';
import { startHandshake } from '../../src/sans-io/client-handshake.js';
import {
  ClientProtocol,
  type ClientProtocolOptions,
  type ProtocolOptions,
  ServerProtocol,
} from '../../src/sans-io/peer-protocol.js';
import type { ProtocolEvent } from '../../src/sans-io/protocol-events.js';
import { answerHandshake } from '../../src/sans-io/server-handshake.js';

type Deflate = NonNullable<Parameters<typeof answerHandshake>[1]>['perMessageDeflate'];

interface Extensions {
  readonly server: Extension | undefined;
  readonly client: Extension | undefined;
}

/** The extensions of both ends, as an opening handshake negotiates them. */
export function negotiate(server: Deflate = true, client: Deflate = true): Extensions {
  const handshake = startHandshake('ws://server.example.com/', { perMessageDeflate: client });
  const answer = answerHandshake(handshake.request, { perMessageDeflate: server });
  const agreement = answer && handshake.readResponse(answer.response);
  if (answer?.error !== undefined || agreement === undefined) throw new Error('not accepted');
  return { server: answer?.extension, client: agreement.extension };
}

/** An event in words. */
export function inWords(event: ProtocolEvent): string {
  switch (event.type) {
    case 'message':
      return `${event.isBinary ? 'binary' : 'text'} ${event.data}`;
    case 'ping':
    case 'pong':
      return `${event.type} ${event.payload}`;
    case 'error':
      return `error ${(event.error as { code?: string }).code ?? event.error.message}`;
    case 'timer':
      return `timer ${event.milliseconds ?? 'off'}`;
    case 'close':
      return `close ${event.code} ${event.reason}`.trimEnd() + (event.wasClean ? ', clean' : '');
    default:
      return event.type;
  }
}

/** Both ends, and what each has reported. */
export class ProtocolPair {
  readonly server: ServerProtocol;
  readonly client: ClientProtocol;
  readonly serverEvents: string[] = [];
  readonly clientEvents: string[] = [];

  constructor(server: ProtocolOptions = {}, client: ClientProtocolOptions = {}) {
    this.server = new ServerProtocol(server);
    this.client = new ClientProtocol(client);
  }

  static compressed(extensions: Extensions = negotiate()) {
    return new ProtocolPair({ extension: extensions.server }, { extension: extensions.client });
  }

  /** Moves bytes both ways until there are none. */
  exchange(): void {
    for (;;) {
      const [fromClient, fromServer] = [this.client.bytesToSend(), this.server.bytesToSend()];
      if (fromClient.length === 0 && fromServer.length === 0) break;
      this.server.receive(fromClient);
      this.client.receive(fromServer);
    }
    this.serverEvents.push(...this.server.events().map(inWords));
    this.clientEvents.push(...this.client.events().map(inWords));
  }
}
