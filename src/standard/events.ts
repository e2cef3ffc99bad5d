/** Makes the events of the classes of the web. */

import { CloseEvent } from './close-event.js';

/** The class of Node; `@types/node` 20 does not declare its constructor. */
const { MessageEvent } = globalThis as unknown as {
  MessageEvent: new (type: string, init: { data: unknown; origin: string }) => Event;
};

/** 'open'. */
export function openEvent(): Event {
  return new Event('open');
}

/** 'message'. @param origin the origin of the URL */
export function messageEvent(data: unknown, origin: string): Event {
  return new MessageEvent('message', { data, origin });
}

/** 'close'. */
export function closeEvent(code: number, reason: string, wasClean: boolean): CloseEvent {
  return new CloseEvent('close', { code, reason, wasClean });
}

/** An Event with two members more than the standard's, which hides the cause from pages. */
export interface FailureEvent extends Event {
  /** Why the connection failed; absent in events that the program dispatches. */
  readonly error?: Error;
  /** The message of `error`. */
  readonly message?: string;
}

/** 'error'. The standard wants a plain Event; the cause is in its own properties. */
export function errorEvent(error: Error): FailureEvent {
  const { message } = error;
  return Object.assign(new Event('error'), { error, message });
}
