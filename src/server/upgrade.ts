/** RFC 6455 §4.2: one opening handshake of a server: validate, ask the program, accept or refuse. */

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { callProgram } from '../connection/callbacks.js';
import { zlibPool } from '../connection/zlib.js';
import { HandshakeError } from '../handshake/errors.js';
import {
  fieldLines,
  type HandshakeRequest,
  refusalFields,
  validateOptional,
  validateRequired,
} from '../handshake/server.js';
import { PerMessageDeflate } from '../permessage-deflate/codec.js';
import { deflateOptions } from '../permessage-deflate/options.js';
import { acceptOffer, EXTENSION_NAME } from '../permessage-deflate/parameters.js';
import type { ExtensionOffer } from '../protocol/extension.js';
import type { AnySocketClass, ServerOptions, VerifyClientAnswer } from './options.js';
import type { PendingHandshakes } from './pending-handshakes.js';
import { refuse } from './refusal.js';
import type { Upgrade } from './upgrade-request.js';
import {
  type Accepted,
  destroyOnThrow,
  failHandshake,
  ignore,
  type NegotiatedExtensions,
  reportCallbackError,
  type UpgradeServer,
} from './upgrade-server.js';

/** The state of a server that a handshake uses. */
export interface HandshakeContext {
  readonly pending: PendingHandshakes;
  /** Whether `shouldHandle` has returned true for this request. */
  isClaimed(request: IncomingMessage): boolean;
  /** Whether the option `path` matches the request. */
  matchesPath(request: IncomingMessage): boolean;
}

/** The steps from a request to `completeUpgrade`. Each may wait for the program. */
export class OpeningHandshake {
  private readonly server: UpgradeServer;
  private readonly context: HandshakeContext;
  private readonly upgrade: Upgrade;
  private readonly onAccepted: Accepted;

  constructor(
    server: UpgradeServer,
    context: HandshakeContext,
    upgrade: Upgrade,
    onAccepted: Accepted,
  ) {
    this.server = server;
    this.context = context;
    this.upgrade = upgrade;
    this.onAccepted = onAccepted;
  }

  // RFC 6455 §4.2.1 MUST: a request that is not an opening handshake is answered with an HTTP error.
  start(): void {
    const { request, socket } = this.upgrade;
    const error = validateRequired(request as HandshakeRequest);
    if (error !== undefined) {
      this.refuseInvalid(error);
      return;
    }
    const isClaimed = this.context.isClaimed(request);
    const question = () => isClaimed || this.server.shouldHandle(request);
    this.ask(question, (isOurs) => {
      // Only the server that handles the request validates its subprotocols and extensions.
      if (isOurs) this.negotiate();
      // RFC 6455 §4.2.2 MUST: a resource that is not available is answered with an HTTP error.
      else refuse(socket, this.context.matchesPath(request) ? 400 : 404);
    });
  }

  private negotiate(): void {
    const { request, socket, head } = this.upgrade;
    const requested = validateOptional(request as HandshakeRequest);
    if (requested instanceof HandshakeError) {
      this.refuseInvalid(requested);
      return;
    }
    const { key, subprotocols } = requested;
    // A program may have changed the options to invalid values, so this may throw.
    this.ask(
      () => negotiateExtensions(requested.extensions, this.server.options),
      (negotiated) => {
        const extensions = negotiated as NegotiatedExtensions;
        const complete = () =>
          this.server.completeUpgrade(
            extensions,
            key,
            subprotocols,
            request,
            socket,
            head,
            this.onAccepted,
          );
        this.verify(complete);
      },
    );
  }

  // RFC 6455 §4.2.2 MUST: a request of an origin that is not accepted is answered with an HTTP error.
  /** Asks `verifyClient`. RFC 6455 §4.2.2 item 2: a server may authenticate the client. */
  private verify(accept: () => void): void {
    const { options } = this.server;
    const { verifyClient } = options;
    if (!verifyClient) {
      accept();
      return;
    }
    const info = describeClient(this.upgrade.request);
    const call = (...args: unknown[]): unknown =>
      Reflect.apply(verifyClient, options, [info, ...args]);
    // As in `ws`, the number of parameters selects the form.
    if (verifyClient.length === 2) this.verifyWithCallback(call, accept);
    else {
      this.ask(call, (isWelcome) => {
        if (isWelcome) accept();
        else refuse(this.upgrade.socket, 401);
      });
    }
  }

  private verifyWithCallback(
    verify: (answer: VerifyClientAnswer) => unknown,
    accept: () => void,
  ): void {
    const { socket } = this.upgrade;
    const end = this.context.pending.wait(socket, () => refuse(socket, 503));
    /** An exception of a listener after the answer: `verifyClient` itself did not fail. */
    let escaped: { readonly error: unknown } | undefined;
    const answer: VerifyClientAnswer = (isWelcome, status, message, fields) => {
      if (!end()) return;
      try {
        if (isWelcome) destroyOnThrow(socket, accept);
        else this.refuseAs(status, message, fields);
      } catch (error) {
        escaped = { error };
        throw error;
      }
    };
    const onError = (error: unknown): void => {
      if (escaped?.error === error) throw error;
      if (end()) this.fail(error);
      else this.report(error);
    };
    callProgram(() => verify(answer), ignore, onError);
  }

  /** Calls the program. The client is refused if the server is closed or the callback fails. */
  private ask(question: () => unknown, onAnswer: (answer: unknown) => void): void {
    const { socket } = this.upgrade;
    this.context.pending.ask(socket, question, {
      onAnswer: (answer) => destroyOnThrow(socket, () => onAnswer(answer)),
      onError: (error, isPending) => {
        if (isPending) this.fail(error);
        else this.report(error);
      },
      onClosed: () => refuse(socket, 503),
    });
  }

  private refuseInvalid(error: HandshakeError): void {
    const { request, socket } = this.upgrade;
    if (this.server.listenerCount('wsClientError') === 0) {
      refuse(socket, error.status, error.message, refusalFields(error.status));
      return;
    }
    try {
      this.server.emit('wsClientError', error, socket, request);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** Refuses with the response of the program, or with 500 if it is invalid. */
  private refuseAs(
    status: number | null | undefined,
    message: string | null | undefined,
    fields: OutgoingHttpHeaders | null | undefined,
  ): void {
    try {
      refuse(this.upgrade.socket, Number(status || 401), message, fieldLines(fields ?? {}));
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(thrown: unknown): void {
    failHandshake(this.server, thrown, this.upgrade);
  }

  private report(thrown: unknown): void {
    reportCallbackError(this.server, thrown, this.upgrade.request);
  }
}

/** RFC 6455 §4.2.2 MUST: only extensions of the request are chosen. Unknown ones are ignored. */
function negotiateExtensions(
  offers: readonly ExtensionOffer[],
  { perMessageDeflate }: ServerOptions<AnySocketClass>,
): NegotiatedExtensions {
  const options = deflateOptions(perMessageDeflate, false);
  const negotiation = options && acceptOffer(offers, options);
  if (!negotiation) return {};
  return { [EXTENSION_NAME]: new PerMessageDeflate('server', negotiation, options, zlibPool) };
}

function describeClient(req: IncomingMessage): object {
  const socket = req.socket as TLSSocket | undefined;
  return {
    origin: req.headers.origin,
    secure: Boolean(socket?.authorized || socket?.encrypted),
    req,
  };
}
