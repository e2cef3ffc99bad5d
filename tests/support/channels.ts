/** What is published on the channels of the library while a test runs. */

import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Scope } from './scope.js';

/** A message on a channel: what it is about differs. */
export type Published = { readonly [key: string]: unknown };

/** Collects the messages of channels, in order, until the end of the test. */
export function record(scope: Scope, ...names: string[]): [channel: string, message: Published][] {
  const seen: [string, Published][] = [];
  for (const name of names) {
    const listener: ChannelListener = (message) => seen.push([name, message as Published]);
    subscribe(`ws6455:${name}`, listener);
    scope.later(() => unsubscribe(`ws6455:${name}`, listener));
  }
  return seen;
}

/** The events of the tracing channel of opening handshakes, each with a copy of what was known then. */
export function recordHandshakes(scope: Scope): [event: string, context: Published][] {
  const seen: [string, Published][] = [];
  for (const event of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
    const name = `tracing:ws6455:handshake:${event}`;
    const listener: ChannelListener = (message) =>
      seen.push([event, { ...(message as Published) }]);
    subscribe(name, listener);
    scope.later(() => unsubscribe(name, listener));
  }
  return seen;
}

/** Calls a function with each message of a channel, until the end of the test. */
export function onPublished(scope: Scope, name: string, act: (message: Published) => void): void {
  const listener: ChannelListener = (message) => act(message as Published);
  subscribe(`ws6455:${name}`, listener);
  scope.later(() => unsubscribe(`ws6455:${name}`, listener));
}
