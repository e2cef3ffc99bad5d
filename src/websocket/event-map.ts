/** The event objects of a WebSocket, by type, and its attributes such as `onopen`. */

import type { CloseEventApi, ErrorEventApi, EventApi, MessageEventApi } from './api.js';
import type { Data } from './payload.js';

/** The event objects. `index.ts` declares them again with targets of the augmented type. */
export interface EventMap {
  open: EventApi<unknown>;
  message: MessageEventApi<unknown, Data>;
  close: CloseEventApi<unknown>;
  error: ErrorEventApi<unknown>;
}

export type EventHandler<K extends keyof EventMap> = ((event: EventMap[K]) => void) | null;
