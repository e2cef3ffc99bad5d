/** HTML §9.3: CloseEvent. Node has the class since version 23; for older versions it is defined here. */

import { defineInterface, requireArguments, toUnsignedShort, toUsvString } from './web-idl.js';

/** The members of a new CloseEvent. */
export interface CloseEventInit {
  bubbles?: boolean | undefined;
  cancelable?: boolean | undefined;
  composed?: boolean | undefined;
  /** As in the event. Default false. */
  wasClean?: boolean | undefined;
  /** The close code. Default 0. RFC 6455 §7.1.5. */
  code?: number | undefined;
  /** The close reason. Default ''. RFC 6455 §7.1.6. */
  reason?: string | undefined;
}

/** The end of a connection, as listeners of 'close' get it. */
export interface CloseEvent extends Event {
  /** Whether the connection was closed by a closing handshake. RFC 6455 §7.1.4. */
  readonly wasClean: boolean;
  /** The peer's close code; 1005 if its Close had none, 1006 without a Close. RFC 6455 §7.1.5. */
  readonly code: number;
  /** The peer's close reason, or ''. RFC 6455 §7.1.6. */
  readonly reason: string;
}

type CloseEventClass = new (type: string, init?: CloseEventInit) => CloseEvent;

class OwnCloseEvent extends Event implements CloseEvent {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  constructor(type: string, init: CloseEventInit = {}) {
    // biome-ignore lint/complexity/noArguments: undefined is an argument, too
    requireArguments(arguments.length, 1, 'CloseEvent');
    super(type, { ...init } as object);
    const { code = 0, reason = '', wasClean = false } = init ?? {};
    this.#code = toUnsignedShort(code);
    this.#reason = toUsvString(reason);
    this.#wasClean = Boolean(wasClean);
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }
}

Object.defineProperty(OwnCloseEvent, 'name', { configurable: true, value: 'CloseEvent' });
defineInterface(OwnCloseEvent);

const { CloseEvent: nodes } = globalThis as { CloseEvent?: CloseEventClass };

/** The class of the global object, if there is one. */
export const CloseEvent: CloseEventClass = nodes ?? OwnCloseEvent;
