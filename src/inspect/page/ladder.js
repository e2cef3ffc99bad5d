/** A connection as a ladder: time goes down between the lifelines of the client and the server. */

import { ClosingStates, MEANINGS } from './closing-states.js';
import { nameOfCloseCode, previewOf, seconds, titleOf } from './describe.js';
import { byId, h } from './dom.js';

const FIRST = 6;
const LAST = 16;

function labelOf({ record, inText }) {
  if (record.type === 'connection') return 'TCP connection';
  if (record.type === 'end') return record.how === 'end' ? 'FIN' : `RST: ${record.error ?? ''}`;
  const preview = previewOf(record, inText);
  return record.type === 'handshake' ? preview : `${titleOf(record)} ${preview}`;
}

const stateView = (state, end, isNew) =>
  h(
    'span',
    { class: `state of-${end} ${isNew ? state : 'same'}`, title: isNew && MEANINGS[state] },
    isNew ? state : '',
  );

/** What the states that were reached mean. */
function legendOf(reached) {
  const rows = [...reached].map((state) =>
    h(
      'div',
      {},
      h('dt', {}, h('span', { class: `state ${state}` }, state)),
      h('dd', {}, MEANINGS[state]),
    ),
  );
  return (
    rows.length > 0 &&
    h('section', {}, h('h3', {}, 'The states of an end'), h('dl', { class: 'legend' }, ...rows))
  );
}

/** One step, with the states that it changed. */
function stepView(entry, states, before, select) {
  const { record } = entry;
  const isNew = (end) => states[end] !== undefined && states[end] !== before[end];
  const button = h(
    'button',
    { type: 'button', class: 'step', onclick: () => select(entry) },
    h('span', { class: 'label' }, labelOf(entry)),
    h('span', { class: 'line', 'aria-hidden': true }),
  );
  button.ariaLabel = `${record.from ?? ''} ${labelOf(entry)}, ${seconds(record.time)} s`;
  return h(
    'li',
    { class: `${record.from ?? 'both'} ${record.type} ${record.violation ? 'bad' : ''}` },
    stateView(states.client, 'client', isNew('client')),
    button,
    stateView(states.server, 'server', isNew('server')),
  );
}

const gapView = (count) =>
  h('li', { class: 'gap' }, h('span'), h('span', {}, `${count} records in between`), h('span'));

/** RFC 6455 §7.1.7: the violation that a Close answers; undefined if it begins a closing handshake. */
function violationBefore(records, close) {
  const isAnswered = ({ from, violation }) =>
    from !== close.from && violation?.closeCode === close.close?.code;
  return records.slice(0, records.indexOf(close)).find(isAnswered)?.violation;
}

/** RFC 6455 §7.1: the closing handshake in sentences. */
function summaryOf(marks, { client, server, begunBy }) {
  if (client === undefined) return 'The opening handshake has not succeeded.';
  const records = marks.map(({ record }) => record);
  const closes = records.filter(({ opcode }) => opcode === 8);
  const end = records.find(({ type }) => type === 'end');
  const sentences = [];
  if (begunBy) {
    const broken = violationBefore(records, closes[0]);
    const what = broken ? 'failed the connection' : 'began the closing handshake';
    const why = broken ? `: ${broken.message}` : '';
    sentences.push(`The ${begunBy} ${what}${codeText(closes[0])}${why}.`);
    const answer = closes.find(({ from }) => from !== begunBy);
    sentences.push(
      answer ? `The ${answer.from} answered${codeText(answer)}.` : 'No Close has answered it.',
    );
  } else if (end) sentences.push('No closing handshake took place: the close code is 1006.');
  else sentences.push('The connection is open.');
  if (end)
    sentences.push(`The ${end.from} ${end.how === 'end' ? 'ended TCP first' : 'broke TCP off'}.`);
  sentences.push(`States: client ${client}, server ${server}.`);
  return sentences.join(' ');
}

const codeText = ({ close }) =>
  close && close.code !== 1005
    ? ` with ${close.code} (${nameOfCloseCode(close.code)})`
    : ' without a code';

export class Ladder {
  #store;
  #select;
  #table;
  /** What was drawn: an unchanged connection is not drawn again. */
  #drawn = '';

  constructor(store, select) {
    this.#store = store;
    this.#select = select;
  }

  set table(table) {
    this.#table = table;
  }

  /** @param number the number of the connection; undefined for none */
  draw(number) {
    const connection = this.#store.connections.get(number);
    const key = `${number}:${connection?.entries.length}`;
    if (key === this.#drawn || !this.#table) return;
    this.#drawn = key;
    const root = byId('ladder-content');
    if (!connection)
      return root.replaceChildren(
        h('p', { class: 'hint' }, 'Select a record to see its connection.'),
      );
    const { steps, states, reached } = this.#stepsOf(connection);
    root.replaceChildren(
      h('h2', {}, `Connection ${number}`, h('small', {}, `${connection.entries.length} records`)),
      h('p', { class: 'summary' }, summaryOf(connection.marks, states)),
      h('div', { class: 'ends', 'aria-hidden': true }, h('b', {}, 'client'), h('b', {}, 'server')),
      h('ol', { class: 'ladder' }, ...steps),
      legendOf(reached) || '',
    );
  }

  /** Only the first and the last records are steps; `marks` has all that change a state. */
  #stepsOf({ entries, marks }) {
    const isCut = entries.length > FIRST + LAST + 1;
    const drawn = isCut ? [...entries.slice(0, FIRST), ...entries.slice(-LAST)] : entries;
    const states = new ClosingStates(this.#table);
    const steps = [];
    const reached = new Set();
    let mark = 0;
    let before = {};
    for (const entry of drawn) {
      if (isCut && steps.length === FIRST) steps.push(gapView(entries.length - drawn.length));
      while (mark < marks.length && marks[mark].index <= entry.index)
        states.add(marks[mark++].record);
      const { client, server } = states;
      steps.push(stepView(entry, { client, server }, before, this.#select));
      before = { client, server };
      if (client !== undefined) reached.add(client).add(server);
    }
    return { steps, states, reached };
  }
}
