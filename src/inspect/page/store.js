/** The records, and those that the filter shows. New records are filtered in slices of time. */

/** The time that adding records, or filtering them, may take of an animation frame, in milliseconds. */
export const BUDGET = 6;

/** RFC 6455 §5.4: the place of a frame in a message of several: the page draws a line through them. */
function placeInMessage(open, { fin, opcode }) {
  if (opcode >= 8) return open ? 'through' : undefined;
  if (opcode === 0) return open ? (fin ? 'last' : 'middle') : undefined;
  return fin ? undefined : 'first';
}

const isStateRecord = ({ type, opcode, violation }) =>
  type !== 'frame' || opcode === 8 || violation !== undefined;

/** Whether a frame has a part of an uncompressed text. Its message may have ended with it. */
const isTextPart = (connection, { type, from, opcode }) =>
  type === 'frame' && opcode < 8 && connection.isText[from];

export class Store {
  /** All records as entries `{ index, record, wireLength, lanes, inText }`. */
  entries = [];
  /** The entries that the filter shows. */
  shown = [];
  /**
   * By number: the entries of a connection, those of them that matter to its state, and whether a
   * fragmented message is in progress in each direction.
   */
  connections = new Map();
  #byIndex = new Map();
  #filtered = 0;
  #test = undefined;

  add({ index, record, wireLength }) {
    const connection = this.#connectionOf(record);
    const lanes = this.#lanesOf(connection, record);
    const entry = { index, record, wireLength, lanes, inText: isTextPart(connection, record) };
    this.entries.push(entry);
    this.#byIndex.set(index, entry);
    connection.entries.push(entry);
    if (isStateRecord(record)) connection.marks.push(entry);
  }

  entry(index) {
    return this.#byIndex.get(index);
  }

  clear() {
    this.entries = [];
    this.shown = [];
    this.connections.clear();
    this.#byIndex.clear();
    this.#filtered = 0;
  }

  filter(test) {
    this.#test = test;
    this.shown = [];
    this.#filtered = 0;
  }

  /** Filters until the time is over. @returns whether all is filtered */
  advance() {
    const end = performance.now() + BUDGET;
    const { entries, shown } = this;
    while (this.#filtered < entries.length) {
      const entry = entries[this.#filtered];
      this.#filtered += 1;
      if (this.#test === undefined || this.#test(entry.record)) shown.push(entry);
      if (this.#filtered % 256 === 0 && performance.now() > end) return false;
    }
    return true;
  }

  #connectionOf({ connection }) {
    const known = this.connections.get(connection);
    if (known) return known;
    const states = { client: false, server: false, isText: { client: false, server: false } };
    const made = { number: connection, entries: [], marks: [], ...states };
    this.connections.set(connection, made);
    return made;
  }

  /** @returns the places of this record in the fragmented messages of both directions */
  #lanesOf(connection, record) {
    const lanes = {};
    for (const side of ['client', 'server']) if (connection[side]) lanes[side] = 'through';
    if (record.type === 'end') connection[record.from] = false;
    if (record.type !== 'frame') return lanes;
    const { from, opcode, rsv1 } = record;
    if (opcode === 1 || opcode === 2) connection.isText[from] = opcode === 1 && !rsv1;
    const place = placeInMessage(connection[from], record);
    if (place) lanes[from] = place;
    if (place === 'first') connection[from] = true;
    if (place === 'last') connection[from] = false;
    return lanes;
  }
}
