/** Who is measured by fan-out.mjs, and at what. */

const OURS = { server: 'fan-out-ws6455', protocol: 'websocket' };
const SOCKET_IO = { server: 'fan-out-socket.io', protocol: 'socket.io', engine: 'redis' };

/** The contender that is judged. */
export const SUBJECT = 'ws6455 over Redis';

/** `engine` carries the messages; `adapter` is one of those that socket.io has for Redis. */
export const CONTENDERS = [
  { name: SUBJECT, ...OURS, engine: 'redis' },
  { name: 'ws6455 over NATS', ...OURS, engine: 'nats' },
  { name: 'ceiling over Redis', ...OURS, server: 'fan-out-ceiling', engine: 'redis' },
  /** Another build of ours: the folder that WS6455_BEFORE names. */
  ...(process.env.WS6455_BEFORE ? [{ name: 'before', ...OURS, engine: 'redis' }] : []),
  { name: 'socket.io over Redis', ...SOCKET_IO, adapter: 'pubsub' },
  { name: 'socket.io sharded', ...SOCKET_IO, adapter: 'sharded' },
  { name: 'socket.io streams', ...SOCKET_IO, adapter: 'streams' },
];

/** The adapter that socket.io recommends for Redis is the one that a target is set against. */
const TARGETS = [{ against: 'socket.io over Redis', atMost: 0.25 }];

/**
 * Out of reach for any server on node:net: with one message for each client the ceiling itself, which is one
 * system call, costs more. docs/decisions/0032-scale.md has the figures. `--check` holds this instead.
 */
const NOT_REACHED = {
  'one-x1': { 'socket.io over Redis': 1 },
  'halves-x1': { 'socket.io over Redis': 0.8 },
  'halves-x16': { 'socket.io over Redis': 0.4 },
};

const CLIENTS = 200;
const ONE = ['everyone'];
const HUNDRED = Array.from({ length: 100 }, (_, i) => `topic-${i}`);

/** The topics that each process has clients of: all, or half of them each. */
const all = (topics) => [topics, topics];
const halves = (topics) => [
  topics.filter((_, i) => i % 2 === 0),
  topics.filter((_, i) => i % 2 === 1),
];

/** `interest` has a list of topics for each process; `clients` of each process are spread over them. */
function row(id, title, topics, interest, copies) {
  const held = NOT_REACHED[id] ?? {};
  const targets = TARGETS.map((target) => ({ ...target, heldAt: held[target.against] }));
  return { id, title, size: 128, topics, interest, clients: CLIENTS, copies, targets };
}

export const WORKLOADS = [
  row('one-x1', 'one topic, 1 message at a time', ONE, all(ONE), 1),
  row('one-x16', 'one topic, 16 messages in a tick', ONE, all(ONE), 16),
  row(
    'halves-x1',
    '100 topics, half of them in each process, 1 message each',
    HUNDRED,
    halves(HUNDRED),
    1,
  ),
  row('halves-x16', 'the same, 16 messages each in a tick', HUNDRED, halves(HUNDRED), 16),
];
