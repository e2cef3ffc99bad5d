/** Sums up what a server and its connections have counted. */

import type { Session } from '../websocket/session.js';
import { trafficOf } from '../websocket/stats.js';
import { sessionOf } from '../websocket/websocket.js';
import type { ServerStats } from './api.js';
import { addTo } from './counters.js';
import type { Lifecycle } from './lifecycle.js';

/** The Content-Type of a response with the text that `metrics()` returns. */
export const METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export function serverStats(lifecycle: Lifecycle): ServerStats {
  const { admission, pending, counters, owner, topicStats } = lifecycle;
  const { connections } = admission;
  const refused = { ...admission.refused };
  const { accepted, handshakes } = counters;
  const answered = accepted + Object.values(refused).reduce((sum, count) => sum + count, 0);
  const messages = { ...counters.messages };
  const bytes = { ...counters.bytes };
  let buffered = 0;
  for (const client of owner.clients ?? []) {
    const session: Session | undefined = sessionOf(client);
    if (session === undefined) continue;
    const traffic = trafficOf(session);
    addTo(messages, traffic.messages);
    if (traffic.bytes !== undefined) addTo(bytes, traffic.bytes);
    buffered += session.bufferedAmount;
  }
  return {
    connections,
    pendingHandshakes: pending.size,
    accepted,
    // A program that calls `completeUpgrade` itself may get a refusal without a handshake.
    abandoned: Math.max(0, handshakes - answered - pending.size),
    messages,
    bytes,
    buffered,
    dropped: { ...counters.dropped },
    closes: counters.closes,
    refused,
    ...topicStats,
  };
}
