/** "Break a rule": sends offending bytes and shows the answer with its clause. */

import { spaced } from './bytes.js';
import { arrowOf, flagsOf, previewOf, titleOf } from './describe.js';
import { byId, h, say, sectionLink } from './dom.js';

const GROUPS = [
  { kind: 'frame', by: 'client', title: 'Frames that a client may not send' },
  { kind: 'handshake', by: 'client', title: 'Requests that a server refuses' },
  { kind: 'frame', by: 'server', title: 'Frames that a server may not send' },
  { kind: 'handshake', by: 'server', title: 'Responses that a client refuses' },
];

const expectedOf = ({ kind, answer }) =>
  answer === 0 ? 'breaks off' : kind === 'frame' ? `Close ${answer}` : `HTTP ${answer}`;

/** How many of its bytes are shown. */
const MAX_DIGITS = 2 * 96;

/** The bytes; of a handshake the head, if the rule is about it. */
function rawOf(record, isAboutHead) {
  if (record.type === 'handshake') return isAboutHead ? record.head.trim() : '';
  const { bytes = '' } = record;
  return bytes.length > MAX_DIGITS ? `${spaced(bytes.slice(0, MAX_DIGITS))} …` : spaced(bytes);
}

function recordView(record, isAboutHead) {
  const raw = rawOf(record, isAboutHead);
  const preview = record.type === 'handshake' && isAboutHead ? '' : previewOf(record);
  const text = [...flagsOf(record), preview].join(' ');
  return h(
    'li',
    { class: record.violation ? 'bad' : '' },
    h('span', { class: `arrow ${record.from}` }, arrowOf(record)),
    h('div', {}, h('b', {}, titleOf(record)), ` ${text}`, raw && h('pre', { class: 'mono' }, raw)),
  );
}

/** Of a long exchange the first and the last records are shown. */
const FIRST = 8;
const LAST = 4;

function exchangeOf(records, kind) {
  const views = records.map((it) => recordView(it, kind === 'handshake'));
  const left = views.length - FIRST - LAST;
  if (left > 1) views.splice(FIRST, left, h('li', { class: 'hint' }, `${left} more records`));
  return h('ol', { class: 'exchange' }, ...views);
}

/** @param isOpen whether the exchange is shown, also if all is as expected */
function outcomeView({ records, outcome, asExpected }, { kind }, isOpen) {
  const exchange = records.filter(({ from }) => from !== undefined);
  const verdict = asExpected ? 'right' : 'wrong';
  return h(
    'details',
    { open: isOpen || !asExpected },
    h('summary', { class: verdict }, `${asExpected ? '✓' : '✗'} ${outcome}`),
    exchangeOf(exchange, kind),
  );
}

export class BreakView {
  #control;
  #cards = new Map();
  /** The rules that wait for their turn, and the one that runs. */
  #queue = [];
  #running = undefined;
  #isAll = false;
  #counts = { done: 0, right: 0 };

  constructor(control) {
    this.#control = control;
    byId('break-all').onclick = () => this.#runAll();
    byId('break-at').onchange = () => this.#updateButtons();
  }

  /** The rules came with 'hello': their cards are made anew. */
  show(rules, hasTarget) {
    byId('break-at').querySelector('[value=target]').disabled = !hasTarget;
    this.#cards.clear();
    const groups = GROUPS.map(({ kind, by, title }) => {
      const own = rules.filter((rule) => rule.kind === kind && rule.by === by);
      const cards = own.map((rule) => this.#card(rule));
      return own.length > 0 && h('section', { class: 'rules' }, h('h2', {}, title), ...cards);
    });
    byId('rules').replaceChildren(...groups.filter(Boolean));
    this.#queue = [];
    this.#running = undefined;
    this.#updateButtons();
  }

  broken(message) {
    const { card, rule } = this.#cards.get(message.rule) ?? {};
    if (!card) return;
    this.#counts.done += 1;
    this.#counts.right += message.asExpected ? 1 : 0;
    this.#finish(
      card,
      message.asExpected ? 'right' : 'wrong',
      outcomeView(message, rule, !this.#isAll),
    );
    say(message.outcome);
  }

  failed(error) {
    const { card } = this.#cards.get(this.#running) ?? {};
    if (card) this.#finish(card, 'wrong', h('p', { class: 'wrong' }, error));
  }

  get #isAtTarget() {
    return byId('break-at').value === 'target';
  }

  #card(rule) {
    const button = h('button', { type: 'button' }, 'Break it');
    button.onclick = () => this.#enqueue(rule.id);
    const result = h('div', { class: 'outcome' });
    const card = h(
      'article',
      { class: 'rule', id: `rule-${rule.id}` },
      h(
        'div',
        {},
        h('h3', {}, rule.offence),
        h('p', {}, `${rule.message.replace('%', '…')} `, sectionLink(rule.rfc)),
        rule.impossible !== rule.offence &&
          rule.impossible &&
          h('p', { class: 'hint' }, rule.impossible),
      ),
      !rule.impossible &&
        h('span', { class: 'expected', title: 'what the RFC asks for' }, expectedOf(rule)),
      !rule.impossible && button,
      result,
    );
    this.#cards.set(rule.id, { card, rule, button });
    return card;
  }

  #canBreak = ({ impossible, by }) =>
    impossible === undefined && !(this.#isAtTarget && by === 'server');

  #updateButtons() {
    for (const { rule, button } of this.#cards.values()) button.disabled = !this.#canBreak(rule);
  }

  #runAll() {
    this.#isAll = true;
    this.#counts = { done: 0, right: 0 };
    for (const { rule } of this.#cards.values())
      if (this.#canBreak(rule)) this.#queue.push(rule.id);
    this.#next();
  }

  #enqueue(id) {
    this.#isAll = false;
    this.#counts = { done: 0, right: 0 };
    this.#queue.push(id);
    this.#next();
  }

  #next() {
    if (this.#running !== undefined) return;
    const { done, right } = this.#counts;
    byId('break-summary').textContent = done > 0 ? `${right} of ${done} as expected` : '';
    const id = this.#queue.shift();
    byId('break-all').disabled = id !== undefined;
    if (id === undefined) return;
    const { card } = this.#cards.get(id);
    card.classList.add('running');
    this.#running = id;
    const at = this.#isAtTarget ? 'target' : 'own';
    if (!this.#control.send({ type: 'break', rule: id, at }))
      this.failed('The inspector is not reachable.');
  }

  #finish(card, name, content) {
    card.classList.remove('running', 'right', 'wrong');
    card.classList.add(name);
    card.querySelector('.outcome').replaceChildren(content);
    this.#running = undefined;
    this.#next();
  }
}
