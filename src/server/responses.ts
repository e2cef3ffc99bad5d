/** The unfinished responses of http servers, as two diagnostics channels of Node report them. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';

interface Exchange {
  readonly socket: object;
  readonly response: ServerResponse;
}

const STARTED = 'http.server.request.start';
const FINISHED = 'http.server.response.finish';

/** The last response of each connection, until it is finished. Responses finish in order. */
const underWay = new WeakMap<object, ServerResponse>();

/** The number of watched http servers. Above 0, every request of the process costs a little. */
let watched = 0;

/** Ends the watch of http servers that were garbage collected without being closed. */
const forgotten = new FinalizationRegistry<() => void>((release) => release());

/** Watches the responses of an http server. @returns a function that ends it */
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

/** Calls back when all responses to earlier requests of a connection are finished. */
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
