/** The counters of a server as text, in the format OpenMetrics 1.0. It is loaded when it is needed. */

import { describeValue } from '../connection/check-options.js';
import type { ServerStats } from './api.js';
import type { ServerCounters } from './counters.js';
import type { Histogram } from './histogram.js';
import type { MessageCounters } from './message-counters.js';

type Labels = { readonly [name: string]: string | number };

/** A line: the labels of this value, and the end of the name. */
interface Sample {
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly unit?: 'bytes' | 'seconds' | 'ratio';
  readonly help: string;
  readonly samples: readonly Sample[];
}

const PREFIX = 'websocket_server_';

/** @throws TypeError for a label with a wrong name */
export function formatMetrics(
  stats: ServerStats,
  counters: ServerCounters,
  labels: Labels = {},
): string {
  checkLabels(labels);
  const families = [
    ...connectionFamilies(stats, counters),
    ...messageFamilies(stats, counters.byType),
    ...trafficFamilies(stats, counters),
    ...topicFamilies(stats),
    ...brokerFamilies(stats),
  ];
  return `${families.map((family) => formatFamily(family, labels)).join('')}# EOF\n`;
}

function connectionFamilies(stats: ServerStats, counters: ServerCounters): Family[] {
  const { connections, pendingHandshakes, accepted, abandoned, refused, closes } = stats;
  const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0);
  const outcomes = { accepted, refused: refusals, abandoned };
  return [
    gauge('active_connections', 'Connections that are accepted and not closed.', connections),
    gauge('pending_handshakes', 'Opening handshakes that wait for the program.', pendingHandshakes),
    counter('connections', 'Opening handshakes, by outcome.', byLabel('outcome', outcomes)),
    counter('refused', 'Refused opening handshakes, by reason.', byLabel('reason', { ...refused })),
    histogram(
      'handshake_duration_seconds',
      'From the request to the open connection.',
      counters.handshakeDurations,
    ),
    histogram(
      'connection_duration_seconds',
      'How long connections were open that have ended.',
      counters.connectionDurations,
    ),
    counter(
      'closes',
      'Connections that have ended, by close code and by who ended them.',
      closes.map(({ code, by, count }) => ({ labels: { code, by }, value: count })),
    ),
  ];
}

/** Without the option `messageMetrics` only the number of messages is known. */
function messageFamilies({ messages }: ServerStats, counters?: MessageCounters): Family[] {
  const help = 'Messages of all connections.';
  if (counters === undefined) {
    return [counter('messages', help, byLabel('direction', { ...messages }))];
  }
  const counts = Object.entries(counters.counts).flatMap(([direction, types]) =>
    Object.entries(types).map(([type, count]) => ({ labels: { direction, type }, count })),
  );
  const ratios = Object.entries(counters.compressed).map(([direction, { before, wire }]) => ({
    labels: { direction },
    value: wire === 0 ? 1 : before / wire,
  }));
  return [
    counter(
      'messages',
      help,
      counts.map(({ labels, count }) => ({ labels, value: count.messages })),
    ),
    {
      ...counter(
        'message_bytes',
        'The length of messages, uncompressed.',
        counts.map(({ labels, count }) => ({ labels, value: count.bytes })),
      ),
      unit: 'bytes',
    },
    {
      name: 'compression_ratio',
      type: 'gauge',
      unit: 'ratio',
      help: 'The length of compressed messages before compression, by that of their frames.',
      samples: ratios,
    },
  ];
}

function trafficFamilies(stats: ServerStats, { roundTrips }: ServerCounters): Family[] {
  const { bytes, buffered, dropped } = stats;
  return [
    {
      ...counter('wire_bytes', 'Bytes on the sockets.', byLabel('direction', { ...bytes })),
      unit: 'bytes',
    },
    { ...gauge('buffered_bytes', 'Message bytes that wait to be sent.', buffered), unit: 'bytes' },
    counter('dropped', 'Messages that were dropped.', byLabel('policy', { ...dropped })),
    histogram('rtt_seconds', 'Round-trip times of the Pings of the library.', roundTrips),
  ];
}

/** Only of a server that uses topics. */
function topicFamilies({ topics }: ServerStats): Family[] {
  if (topics === undefined) return [];
  const { occupied, subscriptions } = topics;
  return [
    gauge('occupied_topics', 'Topics with subscribers on this server.', occupied),
    gauge('subscriptions', 'Subscriptions of connections to topics.', subscriptions),
  ];
}

/** Only of a server with a broker. */
function brokerFamilies({ broker }: ServerStats): Family[] {
  if (broker === undefined) return [];
  const { isUp, topics, waiting, gaps, published, received, recovered, lost } = broker;
  const messages = { published, received, recovered, lost };
  return [
    gauge('broker_up', 'Whether the broker is reachable: 1, or 0.', Number(isUp)),
    gauge('broker_topics', 'Topics that the broker is asked for.', topics),
    counter('broker_messages', 'Messages, by what became of them.', byLabel('outcome', messages)),
    gauge('broker_waiting_messages', 'Messages that the broker has not confirmed.', waiting),
    counter('broker_gaps', 'Messages were missed that the broker does not have.', [
      { value: gaps },
    ]),
  ];
}

function gauge(name: string, help: string, value: number): Family {
  return { name, type: 'gauge', help, samples: [{ value }] };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  const totals = samples.map((sample) => ({ ...sample, suffix: '_total' }));
  return { name, type: 'counter', help, samples: totals };
}

function histogram(
  name: string,
  help: string,
  { bounds, cumulative, sum, count }: Histogram,
): Family {
  const buckets = bounds.map((bound, i) => bucket(formatBound(bound), cumulative[i] ?? 0));
  const samples: Sample[] = [
    ...buckets,
    bucket('+Inf', count),
    { suffix: '_sum', value: sum },
    { suffix: '_count', value: count },
  ];
  return { name, type: 'histogram', unit: 'seconds', help, samples };
}

function bucket(le: string, value: number): Sample {
  return { suffix: '_bucket', labels: { le }, value };
}

/** OpenMetrics 1.0: bounds are written as floats, so `1` is `1.0`. */
function formatBound(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function byLabel(label: string, counts: { readonly [value: string]: number }): Sample[] {
  return Object.entries(counts).map(([word, value]) => ({ labels: { [label]: word }, value }));
}

function formatFamily({ name, type, unit, help, samples }: Family, common: Labels): string {
  const full = PREFIX + name;
  const lines = [
    `# TYPE ${full} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${full} ${unit}`]),
    `# HELP ${full} ${escapeText(help)}`,
    ...samples.map(({ suffix = '', labels, value }) => {
      return `${full}${suffix}${formatLabels({ ...common, ...labels })} ${value}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escapeText(String(value))}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** OpenMetrics 1.0, section "Overall Structure": the characters that a text escapes. */
function escapeText(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

/** The labels that the metrics have themselves. */
const RESERVED = ['by', 'code', 'direction', 'le', 'outcome', 'policy', 'reason', 'type'];

function checkLabels(labels: Labels): void {
  for (const name of Object.keys(labels)) {
    if (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !RESERVED.includes(name)) continue;
    throw new TypeError(
      `A label needs a name of letters, digits and '_' that no metric has: ${describeValue(name)}`,
    );
  }
}
