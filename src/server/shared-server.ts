/** Several WebSocketServers on one http server: each upgrade request goes to one of them. */

import type { Buffer } from 'node:buffer';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { hasConnection } from '../connection/connection.js';
import { time } from '../connection/time.js';
import {
  asksForOtherProtocol,
  type HandshakeRequest,
  pathOf,
  validateRequired,
} from '../handshake/server.js';
import { lingeringClose, refuse, wasRefused } from './refusal.js';
import { watchResponses } from './responses.js';
import { type ConnectionEvent, isReturnable, returnRequest } from './return-request.js';
import type { Upgrade } from './upgrade-request.js';

/**
 * The result of asking a server whether it handles a request. LATE: `handshakeTimeout` is over. CLOSING:
 * it began to refuse clients before the answer, so it refuses this one.
 */
export type Claim = 'YES' | 'NO' | 'FAILED' | 'LATE' | 'CLOSING';

/** A WebSocketServer that is attached to an http server. */
export interface Candidate {
  /** The path that it handles; undefined for all paths, null if routes or `shouldHandle` decide. */
  claimedPath(): string | undefined | null;
  /** Asks whether it handles a request. */
  ask(upgrade: Upgrade, answer: (claim: Claim) => void): void;
  /** Accepts or refuses a request. @param isAsked whether it was asked before */
  handle(upgrade: Upgrade, isAsked: boolean): void;
}

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface SharedServer {
  readonly http: HttpServer;
  /** In the order of attachment. */
  readonly candidates: Map<UpgradeListener, Candidate>;
  /** The requests that were dispatched: each of our listeners receives every request. */
  readonly seen: WeakSet<IncomingMessage>;
}

const sharedServers = new WeakMap<HttpServer, SharedServer>();

/** Our listeners of 'upgrade', on all http servers. */
const ourListeners = new WeakSet<object>();

/** Sockets on which an opening handshake has begun. */
const begun = new WeakSet<Duplex>();

/** Sockets that the http server assigned to a WebSocketServer. */
const assigned = new WeakSet<Duplex>();

let warnedOfSecondCall = false;

/**
 * Attaches a WebSocketServer to an http server.
 * @param event the event that returns requests for other protocols; undefined to refuse these
 * @returns a function that detaches it
 */
export function attach(
  http: HttpServer,
  candidate: Candidate,
  event: ConnectionEvent | undefined,
): () => void {
  const shared = sharedServers.get(http) ?? { http, candidates: new Map(), seen: new WeakSet() };
  sharedServers.set(http, shared);
  const listener: UpgradeListener = (request, socket, head) => {
    if (shared.seen.has(request)) return;
    shared.seen.add(request);
    time.nextTick(() => shared.seen.delete(request)); // a program may emit it again
    dispatch(shared, listener, { request, socket, head }, event);
  };
  ourListeners.add(listener);
  shared.candidates.set(listener, candidate);
  http.on('upgrade', listener);
  // A program may assign `shouldHandle` after the constructor.
  time.nextTick(() => warnOfTakenPath(shared, listener));
  const release = event === undefined ? undefined : watchResponses(http);
  return () => {
    release?.();
    shared.candidates.delete(listener);
    http.removeListener('upgrade', listener);
  };
}

/**
 * Whether an opening handshake may begin on a socket: only one may.
 * @throws Error if it is the second one and only the program caused it
 */
export function beginHandshake(socket: Duplex): boolean {
  if (!begun.has(socket) && !hasConnection(socket)) {
    begun.add(socket);
    return true;
  }
  if (!assigned.has(socket)) throw socketInUseError();
  // A request of a client caused this call, so it must not throw.
  if (!warnedOfSecondCall) {
    warnedOfSecondCall = true;
    process.emitWarning(
      'handleUpgrade() was called for a request that another WebSocketServer of the http server ' +
        'has taken: give that one a path, or the option noServer',
      { code: 'WS6455_SOCKET_TAKEN' },
    );
  }
  return false;
}

/** The error of a second handshake on a socket. */
export function socketInUseError(): Error {
  return new Error(
    'server.handleUpgrade() was called more than once with the same socket, ' +
      'possibly due to a misconfiguration',
  );
}

function dispatch(
  shared: SharedServer,
  self: UpgradeListener,
  upgrade: Upgrade,
  event: ConnectionEvent | undefined,
): void {
  const { http } = shared;
  const { request, socket } = upgrade;
  // Node has removed its listener of 'error', and a destroyed socket may still emit it.
  if (socket.destroyed || wasRefused(socket)) lingeringClose(socket);
  if (isSettled(socket)) return;
  const listeners = http.listeners('upgrade');
  // A program may have replaced our listener by a function that calls it: then there is no other one.
  const isWrapped = !listeners.includes(self);
  const isAlone = isWrapped || listeners.every((listener) => ourListeners.has(listener));
  if (asksForOtherProtocol(request as HandshakeRequest)) {
    if (!isAlone) return;
    if (event !== undefined && isReturnable(http, request)) {
      returnRequest(http, event, upgrade);
      return;
    }
  }
  const candidates = candidatesOf(shared, isWrapped ? undefined : listeners);
  if (candidates.length === 1 && isAlone) assign(candidates[0], upgrade, false);
  else if (validateRequired(request as HandshakeRequest) === undefined) {
    askNext(shared, candidates, upgrade, isAlone);
  } else refuseMalformed(candidates, upgrade, isAlone);
}

/** @param listeners the current listeners of 'upgrade'; undefined for all candidates */
function candidatesOf(
  { candidates }: SharedServer,
  listeners: readonly unknown[] | undefined,
): Candidate[] {
  const all = [...candidates];
  const listening = all.filter(([listener]) => listeners?.includes(listener) ?? true);
  return listening.map(([, candidate]) => candidate);
}

/** Whether a handshake on this socket has begun or ended. */
function isSettled(socket: Duplex): boolean {
  return socket.destroyed || socket.writableEnded || begun.has(socket) || hasConnection(socket);
}

function assign(candidate: Candidate | undefined, upgrade: Upgrade, isAsked: boolean): void {
  if (candidate === undefined) return;
  assigned.add(upgrade.socket);
  candidate.handle(upgrade, isAsked);
}

/** Assigns an invalid request by path, without asking the program: that server refuses it. */
function refuseMalformed(
  candidates: readonly Candidate[],
  upgrade: Upgrade,
  isAlone: boolean,
): void {
  const requested = pathOf(upgrade.request.url);
  const claimant = candidates.find((candidate) => {
    const path = candidate.claimedPath();
    return path === undefined || path === requested;
  });
  assign(claimant ?? (isAlone ? candidates[0] : undefined), upgrade, false);
}

/** Asks one server after the other. The first one that claims the request handles it. */
function askNext(
  shared: SharedServer,
  [candidate, ...others]: readonly Candidate[],
  upgrade: Upgrade,
  isAlone: boolean,
): void {
  if (candidate === undefined) {
    // RFC 6455 §4.2.2 MUST: a resource that no server has is answered with an HTTP error, unless a
    // listener of another library may serve it.
    if (isAlone) refuse(upgrade.socket, 404);
    return;
  }
  const next = (): void => askNext(shared, others, upgrade, isAlone);
  if (!candidatesOf(shared, undefined).includes(candidate)) {
    next(); // it was detached meanwhile
    return;
  }
  candidate.ask(upgrade, (claim) => {
    if (isSettled(upgrade.socket)) return;
    if (claim === 'YES') assign(candidate, upgrade, true);
    else if (claim === 'NO') next();
    else if (isAlone && claim === 'CLOSING') assign(candidate, upgrade, true);
    else if (isAlone) refuse(upgrade.socket, claim === 'LATE' ? 503 : 500);
  });
}

/** Warns of a server that receives no request, because an earlier one claims its path. */
function warnOfTakenPath({ candidates }: SharedServer, listener: UpgradeListener): void {
  const path = candidates.get(listener)?.claimedPath();
  if (path === null || !candidates.has(listener)) return;
  for (const [earlier, candidate] of candidates) {
    if (earlier === listener) return;
    const taken = candidate.claimedPath();
    if (taken !== undefined && taken !== path) continue;
    const what = path === undefined ? 'every path' : `the path ${path}`;
    process.emitWarning(
      `Two WebSocketServers of one http server claim ${what}: the one attached first gets the requests`,
      { code: 'WS6455_PATH_TAKEN' },
    );
    return;
  }
}
