/** RFC 6455 §4.2: one opening handshake of a server: validate, ask the program, accept or refuse. */

import type { IncomingMessage } from 'node:http';
import { callProgram, toError } from '../connection/callbacks.js';
import { toLimit, toTimeout } from '../connection/options.js';
import { time } from '../connection/time.js';
import { HandshakeError } from '../handshake/errors.js';
import {
  type FieldLine,
  fieldLines,
  type HandshakeRequest,
  refusalFields,
  validateOptional,
  validateRequired,
} from '../handshake/server.js';
import type { AdmissionRefusal, RefusalReason } from './admission.js';
import {
  authenticationRefusal,
  checkHostAndOrigin,
  describeClient,
  warnOfForeignOrigin,
} from './authentication.js';
import type { HandshakeContext } from './handshake-context.js';
import { acceptFollowed, beginFollowed, recordRefusal } from './handshake-record.js';
import { setHandshakeState } from './handshake-state.js';
import { negotiateExtensions } from './negotiate.js';
import type { AnySocketClass, ServerOptions, VerifyClientAnswer } from './options.js';
import type { TimeLimit } from './pending-handshakes.js';
import { refuse } from './refusal.js';
import type { Route } from './routes.js';
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

/** The steps from a request to `completeUpgrade`. Each may wait for the program. */
export class OpeningHandshake {
  private readonly server: UpgradeServer;
  private readonly context: HandshakeContext;
  private readonly upgrade: Upgrade;
  private readonly onAccepted: Accepted;
  private readonly startedAt = time.now();
  /** The endpoint that the request is for. */
  private route: Route | undefined;
  private routeOptions: ServerOptions<AnySocketClass> | undefined;

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

  /** The options now: a program may have changed them, also to invalid values. */
  private get options(): ServerOptions<AnySocketClass> {
    return this.routeOptions ?? this.server.options;
  }

  start(): void {
    this.context.counters.handshakes++;
    beginFollowed(this.server, this.upgrade, () => this.begin());
  }

  private begin(): void {
    const { admission, pending } = this.context;
    if (!this.context.isAccepting()) {
      this.refuseClosing();
      return;
    }
    const isAdmitted = this.passes(() => admission.admit(this.upgrade, this.options, pending.size));
    if (isAdmitted) this.validate();
  }

  // RFC 6455 §4.2.1 MUST: a request that is not an opening handshake is answered with an HTTP error.
  private validate(): void {
    const { request } = this.upgrade;
    const error = validateRequired(request as HandshakeRequest);
    if (error !== undefined) {
      this.refuseInvalid(error);
      return;
    }
    const isClaimed = this.context.isClaimed(request);
    const question = () => isClaimed || this.server.shouldHandle(request);
    this.ask(question, (isOurs) => {
      // RFC 6455 §4.2.2 MUST: a resource that is not available is answered with an HTTP error.
      if (!isOurs) this.refuse('path', this.context.matchesPath(request) ? 400 : 404);
      else if (this.chooseRoute()) {
        // Only the server that handles the request validates its subprotocols and extensions.
        if (this.passes(() => checkHostAndOrigin(this.options, request))) this.negotiate();
      } else this.refuse('path', 404);
    });
  }

  /** @returns false for a path that neither a route nor the option `path` has */
  private chooseRoute(): boolean {
    const { routes } = this.context;
    if (routes.size === 0) return true;
    const { request } = this.upgrade;
    this.route = routes.find(request);
    if (this.route === undefined) {
      return Boolean(this.server.options.path) && this.context.matchesPath(request);
    }
    this.routeOptions = this.route.optionsOver(this.server.options);
    setHandshakeState(request, { options: this.routeOptions });
    return true;
  }

  private negotiate(): void {
    const { request, socket, head } = this.upgrade;
    const requested = validateOptional(request as HandshakeRequest);
    if (requested instanceof HandshakeError) {
      this.refuseInvalid(requested);
      return;
    }
    const { key, subprotocols } = requested;
    this.ask(
      () => negotiateExtensions(requested.extensions, this.options),
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
            (client, acceptedRequest) => this.accept(client, acceptedRequest),
          );
        this.authenticate(() => this.verify(complete));
      },
    );
  }

  /** RFC 6455 §4.2.2 item 2: who the client is. */
  private authenticate(next: () => void): void {
    const { options } = this;
    const { authenticate } = options;
    if (!authenticate) {
      next();
      return;
    }
    const { request } = this.upgrade;
    const question = () => Reflect.apply(authenticate, options, [request]);
    this.ask(question, (answer) => {
      const refusal = authenticationRefusal(answer);
      if (refusal !== undefined) {
        this.refuseAs('authenticate', refusal.status, refusal.message, refusal.fields);
        return;
      }
      setHandshakeState(request, { context: answer });
      next();
    });
  }

  // RFC 6455 §4.2.2 MUST: a request of an origin that is not accepted is answered with an HTTP error.
  /** Asks `verifyClient`. RFC 6455 §4.2.2 item 2: a server may authenticate the client. */
  private verify(accept: () => void): void {
    const { options } = this;
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
        else this.refuse('verifyClient', 401);
      });
    }
  }

  private verifyWithCallback(
    verify: (answer: VerifyClientAnswer) => unknown,
    accept: () => void,
  ): void {
    const { socket } = this.upgrade;
    const onClosed = () => this.refuseClosing();
    const end = this.context.pending.wait(socket, onClosed, this.timeLimit());
    /** An exception of a listener after the answer: `verifyClient` itself did not fail. */
    let escaped: { readonly error: unknown } | undefined;
    const answer: VerifyClientAnswer = (isWelcome, status, message, fields) => {
      if (!end()) return;
      try {
        if (isWelcome) destroyOnThrow(socket, accept);
        else
          this.refuseAs('verifyClient', Number(status || 401), message, fieldLines(fields ?? {}));
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
    const answered = {
      onAnswer: (answer: unknown) => destroyOnThrow(socket, () => onAnswer(answer)),
      onError: (error: unknown, isPending: boolean) => {
        if (isPending) this.fail(error);
        else this.report(error);
      },
      onClosed: () => this.refuseClosing(),
    };
    this.context.pending.ask(socket, question, answered, () => this.timeLimit());
  }

  /**
   * A check of the library. It may call the program, and does not wait for it.
   * @returns whether the handshake continues
   */
  private passes(check: () => AdmissionRefusal | undefined): boolean {
    let refusal: AdmissionRefusal | undefined;
    try {
      refusal = check();
    } catch (error) {
      this.fail(error);
      return false;
    }
    if (refusal === undefined) return true;
    this.refuse(refusal.reason, refusal.status, refusal.message, refusal.fields);
    return false;
  }

  /** What is left of the option `handshakeTimeout`. */
  private timeLimit(): TimeLimit | undefined {
    const timeout = toLimit(this.options.handshakeTimeout, 0);
    if (timeout === 0) return undefined;
    const left = Math.max(0, this.startedAt + timeout - time.now());
    const onTimeout = () => this.refuse('handshakeTimeout', 503, 'The handshake took too long');
    return { milliseconds: toTimeout(left, 0), onTimeout };
  }

  /** The connection is open. */
  private accept(client: object, request: IncomingMessage): void {
    const { admission, counters } = this.context;
    counters.accept(time.now() - this.startedAt);
    if (!admission.hasWarnedOfOrigin && this.context.comparesPath()) {
      admission.hasWarnedOfOrigin = warnOfForeignOrigin(this.options, request);
    }
    acceptFollowed(this.upgrade, client, () => {
      if (this.route === undefined) this.onAccepted(client, request);
      else this.server.emit(this.route.event, client, request);
    });
  }

  // RFC 6455 §10.7 SHOULD: the response has an HTTP status that fits.
  private refuseInvalid(error: HandshakeError): void {
    const { request, socket } = this.upgrade;
    if (this.server.listenerCount('wsClientError') === 0) {
      refuse(socket, error.status, error.message, refusalFields(error.status));
      this.record('malformed', error.status, error);
      return;
    }
    this.record('malformed', error.status, error);
    try {
      this.server.emit('wsClientError', error, socket, request);
    } catch (thrown) {
      failHandshake(this.server, thrown, this.upgrade); // it is counted already
    }
  }

  /** RFC 9110 §15.6.4: the server is not available. */
  private refuseClosing(): void {
    this.refuse('closing', 503, undefined, this.context.closingFields());
  }

  /** Refuses with the response of the program, or with 500 if it is invalid. */
  private refuseAs(
    reason: RefusalReason,
    status: number,
    message: string | null | undefined,
    fields: readonly FieldLine[] | undefined,
  ): void {
    try {
      this.refuse(reason, status, message, fields);
    } catch (error) {
      this.fail(error);
    }
  }

  private refuse(
    reason: RefusalReason,
    status: number,
    message?: string | null,
    fields?: readonly FieldLine[],
  ): void {
    const { socket } = this.upgrade;
    refuse(socket, status, message, fields);
    this.record(reason, status);
  }

  private record(reason: RefusalReason, status: number, error?: Error): void {
    recordRefusal(this.server, this.context.admission, this.upgrade, reason, status, error);
  }

  private fail(thrown: unknown): void {
    this.record('callbackError', 500, toError(thrown));
    failHandshake(this.server, thrown, this.upgrade);
  }

  private report(thrown: unknown): void {
    reportCallbackError(this.server, thrown, this.upgrade.request);
  }
}
