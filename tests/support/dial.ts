/** A client of the product whose connections arrive in the hands of a test, in memory. */

import WebSocket from '../../src/index.js';
import type { WireEnd } from './duplex-pair.js';
import { attend, type Face, type FaceOptions, type Loose } from './faces.js';
import { type HttpMessage, Inbox, turns, until } from './inbox.js';
import { keyOf } from './requests.js';
import type { Scope } from './scope.js';

/** A connection that a client asked for. */
export interface Arrival {
  /** where the client wanted to connect to */
  to: { host?: string; port?: number | string; path?: string; servername?: string };
  wire: WireEnd;
  inbox: Inbox;
}

export interface Dialled {
  ws: Face;
  events: string[];
  arrivals: Arrival[];
  /** The request of the nth connection. */
  request(index?: number): Promise<HttpMessage>;
  /** Responds to the request of the nth connection. */
  answer(make: (key: string) => string, index?: number): Promise<void>;
}

export type Dial = (url: string | URL, options?: Loose, protocols?: string | string[]) => Dialled;

/** @returns what makes such a client; it is closed when the test is over */
export function dialWith(scope: () => Scope): Dial {
  return (url, options = {}, protocols) => {
    const arrivals: Arrival[] = [];
    const createConnection = (to: Arrival['to']) => {
      const [near, wire] = scope().wire();
      arrivals.push({ to, wire, inbox: new Inbox(wire) });
      return near;
    };
    const all = { perMessageDeflate: false, createConnection, ...options } as FaceOptions;
    const ws = scope().track(new WebSocket(url, protocols, all));
    const events = attend(ws);
    const arrival = async (index: number): Promise<Arrival> => {
      await until(
        () => arrivals.length > index,
        () => `connection ${index}; events: ${events.join(', ')}`,
      );
      return arrivals[index] as Arrival; // just seen
    };
    const request = async (index = 0): Promise<HttpMessage> =>
      (await arrival(index)).inbox.message();
    const answer = async (make: (key: string) => string, index = 0): Promise<void> => {
      const { wire, inbox } = await arrival(index);
      wire.write(make(keyOf(await inbox.message())));
    };
    return { ws, events, arrivals, request, answer };
  };
}

/** Waits for so many events, then until no more come. */
export async function told(events: string[], count = 1): Promise<string[]> {
  await until(
    () => events.length >= count,
    () => `events; so far: ${events.join(', ')}`,
  );
  await turns();
  return events;
}
