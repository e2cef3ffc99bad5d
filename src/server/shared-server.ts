/** An http server may have several WebSocketServers: each upgrade request goes to one of them. */

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
import { hangUp, refuse, wasRefused } from './refusal.js';
import { watchResponses } from './responses.js';
import { type ConnectionEvent, isReturnable, returnRequest } from './return-request.js';
import type { Upgrade } from './upgrade-request.js';

/** What a server says when it is asked whether it takes a request. */
export type Claim = 'YES' | 'NO' | 'FAILED';

/** A WebSocketServer, as seen from the http server that it is attached to. */
export interface Candidate {
  /** The path that it claims; undefined for all paths, null if only its program knows. */
  claimedPath(): string | undefined | null;
  /** Asks it whether it takes a request. */
  ask(upgrade: Upgrade, answer: (claim: Claim) => void): void;
  /** Lets it accept or refuse a request. @param isAsked whether it was asked before */
  handle(upgrade: Upgrade, isAsked: boolean): void;
}

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface SharedServer {
  readonly http: HttpServer;
  /** In the order of attachment. */
  readonly candidates: Map<UpgradeListener, Candidate>;
  /** Requests that are dispatched already: every listener of ours is told of each. */
  readonly seen: WeakSet<IncomingMessage>;
}

const sharedServers = new WeakMap<HttpServer, SharedServer>();

/** Our listeners of 'upgrade', on all http servers. */
const ourListeners = new WeakSet<object>();

/** Sockets whose opening handshake began. */
const begun = new WeakSet<Duplex>();

/** Sockets that an http server gave to one of its WebSocketServers. */
const assigned = new WeakSet<Duplex>();

let warnedOfSecondCall = false;

/**
 * Attaches a WebSocketServer to an http server.
 * @param event the event by which the http server takes a connection: requests for other protocols
 * are returned to it; undefined refuses them
 * @returns detaches it
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
    time.nextTick(() => shared.seen.delete(request)); // a program may emit it anew
    dispatch(shared, listener, { request, socket, head }, event);
  };
  ourListeners.add(listener);
  shared.candidates.set(listener, candidate);
  http.on('upgrade', listener);
  // A program may assign `shouldHandle` right after it made the server.
  time.nextTick(() => warnOfTakenPath(shared, listener));
  const release = event === undefined ? undefined : watchResponses(http);
  return () => {
    release?.();
    shared.candidates.delete(listener);
    http.removeListener('upgrade', listener);
  };
}

/**
 * Whether an opening handshake may begin on a socket: it may once.
 * @throws Error if the program itself began one before
 */
export function beginHandshake(socket: Duplex): boolean {
  if (!begun.has(socket) && !hasConnection(socket)) {
    begun.add(socket);
    return true;
  }
  if (!assigned.has(socket)) throw socketInUseError();
  // A client caused this call and not the program alone, so it is no exception.
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
  // Node has taken its listener of 'error' off, and the error of a destroyed socket may still come.
  if (socket.destroyed || wasRefused(socket)) hangUp(socket);
  if (isSettled(socket)) return;
  const listeners = http.listeners('upgrade');
  // A listener that was replaced by one that calls it is asked as if there was no other.
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

/** @param listeners those that still listen; default: all */
function candidatesOf(
  { candidates }: SharedServer,
  listeners: readonly unknown[] | undefined,
): Candidate[] {
  const all = [...candidates];
  const listening = all.filter(([listener]) => listeners?.includes(listener) ?? true);
  return listening.map(([, candidate]) => candidate);
}

/** Whether a socket is refused, accepted, or on the way to that. */
function isSettled(socket: Duplex): boolean {
  return socket.destroyed || socket.writableEnded || begun.has(socket) || hasConnection(socket);
}

function assign(candidate: Candidate | undefined, upgrade: Upgrade, isAsked: boolean): void {
  if (candidate === undefined) return;
  assigned.add(upgrade.socket);
  candidate.handle(upgrade, isAsked);
}

/** Asks no program about what breaks the rules of the handshake: the paths decide who refuses it. */
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

/** The first server that claims the request handles it. */
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
    next(); // it was detached while another one was asked
    return;
  }
  candidate.ask(upgrade, (claim) => {
    if (isSettled(upgrade.socket)) return;
    if (claim === 'YES') assign(candidate, upgrade, true);
    else if (claim === 'NO') next();
    else if (isAlone) refuse(upgrade.socket, 500);
  });
}

/** Warns of a server that no request can reach, because one that was attached before claims all. */
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
