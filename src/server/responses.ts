/** Which responses of http servers are under way: Node tells so on two diagnostics channels. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';

interface Exchange {
  readonly socket: object;
  readonly response: ServerResponse;
}

const STARTED = 'http.server.request.start';
const FINISHED = 'http.server.response.finish';

/** The last response of each connection, until it is finished: responses end in their order. */
const underWay = new WeakMap<object, ServerResponse>();

/** How many http servers are watched: each request of the process costs a little meanwhile. */
let watched = 0;

/** Ends the watch of http servers that nobody refers to any more, though they were not closed. */
const forgotten = new FinalizationRegistry<() => void>((release) => release());

/** Watches the responses of an http server. @returns ends that */
export function watchResponses(http: object): () => void {
  let isWatched = true;
  const release = (): void => {
    if (!isWatched) return;
    isWatched = false;
    watched--;
    if (watched > 0) return;
    unsubscribe(STARTED, onStarted);
    unsubscribe(FINISHED, onFinished);
  };
  if (watched === 0) {
    subscribe(STARTED, onStarted);
    subscribe(FINISHED, onFinished);
  }
  watched++;
  forgotten.register(http, release);
  return release;
}

/** Calls back when the responses to what came on a connection before are finished. */
export function afterResponses(socket: object, then: () => void): void {
  const response = underWay.get(socket);
  if (response === undefined) then();
  else response.once('close', then);
}

function onStarted(message: unknown): void {
  const { socket, response } = message as Exchange;
  underWay.set(socket, response);
}

function onFinished(message: unknown): void {
  const { socket, response } = message as Exchange;
  if (underWay.get(socket) === response) underWay.delete(socket);
}
