/**
 * RFC 6455 §7: the state of each end of a connection after each of its records, by the library's
 * closing table. The records are seen between the two ends, so a frame counts as sent and as received
 * at once.
 */

/** What an end did if it ends its half of TCP in a state whose step does not do so. */
const INPUT_OF_OWN_END = {
  OPEN: 'TERMINATED',
  CLOSE_SENT: 'TIMED_OUT',
  PEER_CLOSED: 'TERMINATED',
  DONE: 'TIMED_OUT',
};

/** What each state of the table means. */
export const MEANINGS = {
  OPEN: 'messages go in both directions',
  CLOSE_QUEUED: 'its Close waits until the frames before it are written',
  CLOSE_SENT: 'it has sent a Close; messages still arrive',
  PEER_CLOSED: 'it has received a Close and will answer it',
  DONE: 'both Close frames were exchanged; a client waits until the server ends TCP',
  ENDED: 'both Close frames were exchanged, and it has ended its half of TCP',
  FAILED: 'the other end broke a rule or was lost; no message is accepted any more',
  CLOSED: 'TCP is closed in both directions',
};

const otherEnd = (end) => (end === 'client' ? 'server' : 'client');

/** Follows one connection. */
export class ClosingStates {
  /** The states of both ends; undefined until the opening handshake succeeded. */
  client = undefined;
  server = undefined;
  /** Who sent the first Close. */
  begunBy = undefined;
  #table;
  /** The close codes that answer the violations of each end. */
  #violations = { client: new Set(), server: new Set() };
  #ended = new Set();

  constructor(table) {
    this.#table = table;
  }

  add(record) {
    if (record.type === 'handshake') this.#open(record);
    if (this.client === undefined) return;
    if (record.type === 'frame') this.#addFrame(record);
    if (record.type === 'end') this.#addEnd(record);
  }

  #open({ from, head }) {
    if (from === 'server' && /^HTTP\/\S+ 101/.test(head)) this.client = this.server = 'OPEN';
  }

  #addFrame({ from, opcode, close, violation }) {
    if (violation) this.#violations[from].add(violation.closeCode);
    if (opcode !== 8) return;
    this.begunBy ??= from;
    const to = otherEnd(from);
    const answersViolation = close && this.#violations[to].has(close.code);
    if (this[from] === 'OPEN') this.#step(from, answersViolation ? 'VIOLATION' : 'CLOSE_CALLED');
    this.#step(from, 'CLOSE_WRITTEN');
    this.#step(to, violation ? 'VIOLATION' : 'CLOSE_RECEIVED');
  }

  #addEnd({ from, how }) {
    this.#ended.add(from);
    const own = INPUT_OF_OWN_END[this[from]];
    if (own) this.#step(from, own);
    this.#step(otherEnd(from), how === 'error' ? 'WIRE_CLOSED' : 'WIRE_ENDED');
    if (how === 'error') this.#step(from, 'WIRE_CLOSED');
    if (this.#ended.size < 2) return;
    this.#step('client', 'WIRE_CLOSED');
    this.#step('server', 'WIRE_CLOSED');
  }

  #step(end, input) {
    const cell = this.#table[this[end]]?.[input];
    const step = cell?.[end] ?? cell;
    if (step) this[end] = step.to;
  }
}
