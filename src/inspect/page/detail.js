/** The pane beside the list: what the selected record says. */

import { spaced } from './bytes.js';
import { arrowOf, seconds, titleOf } from './describe.js';
import { byId, h, sectionLink } from './dom.js';
import { frameView, section, violationView } from './frame-view.js';

function headingOf({ record }) {
  const from = record.from === undefined ? '' : ` from the ${record.from}`;
  const title = titleOf(record);
  return h(
    'h2',
    {},
    h('span', { class: `arrow ${record.from ?? ''}`, 'aria-hidden': true }, arrowOf(record)),
    `${title[0].toUpperCase()}${title.slice(1)}${record.type === 'frame' ? ' frame' : ''}${from}`,
    h('small', {}, `connection ${record.connection} · ${seconds(record.time)} s`),
  );
}

/** A computation in the text stands in a line of its own. */
function meaningView(meaning) {
  const [, before, formula, after] = /^(.*?)(base64\(.+\) = [^ ,]+)(.*)$/.exec(meaning) ?? [];
  if (!formula) return [meaning];
  const [left, right] = formula.split(/(?<= = )/);
  return [
    before,
    h('span', { class: 'formula mono' }, left, h('b', {}, right)),
    after.replace(/^, /, ''),
  ];
}

function lineView({ text, meaning, rfc, violation }) {
  return h(
    'li',
    { class: violation ? 'bad' : '' },
    h('code', {}, text),
    h('p', {}, ...meaningView(meaning), '. ', rfc && sectionLink(rfc)),
    violation && h('p', { class: 'wrong' }, violation),
  );
}

/** What the sender sent, if the inspector changed or made the head. */
function originalView({ edited, from }) {
  if (!edited) return undefined;
  if (edited.original === null)
    return h('p', { class: 'hint' }, 'The inspector made this head itself.');
  return section(
    `As the ${from} sent it`,
    h('pre', { class: 'message mono' }, edited.original.trim()),
  );
}

const handshakeView = (record, lines) => [
  section('Line by line', h('ol', { class: 'lines' }, ...lines.map(lineView))),
  originalView(record) ?? '',
];

const FACTS = {
  connection: ({ url, client, server }) => ({ URL: url, Client: client, Server: server }),
  end: ({ how, error, from }) => ({
    Meaning:
      how === 'end'
        ? `The ${from} ended its half of TCP (FIN): it sends nothing more.`
        : `The TCP connection failed at the ${from}.`,
    Error: error,
  }),
  bytes: ({ bytes }) => ({ Bytes: spaced(bytes) }),
};

function plainView(record) {
  const facts = Object.entries(FACTS[record.type]?.(record) ?? {});
  const rows = facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) =>
      h('div', {}, h('dt', {}, name), h('dd', { class: 'breakable' }, value)),
    );
  const list = h('dl', { class: 'facts' }, ...rows);
  return record.violation ? [violationView(record.violation), list] : [list];
}

export class Detail {
  /** The entry that is shown. */
  entry = undefined;
  #control;
  #root = byId('detail-content');
  #light = undefined;
  #lit = undefined;

  constructor(control) {
    this.#control = control;
  }

  async show(entry) {
    if (this.entry === entry) return;
    this.entry = entry;
    this.#lit = this.#light = undefined;
    if (entry === undefined)
      return this.#root.replaceChildren(
        h('p', { class: 'hint' }, 'Select a record to see its bytes.'),
      );
    const { record } = entry;
    if (record.type !== 'frame' && record.type !== 'handshake') {
      return this.#fill(entry, ...plainView(record));
    }
    const described = await this.#control.describe(entry.index);
    if (this.entry !== entry) return undefined;
    if (described.frame) return this.#showFrame(entry, described.frame);
    this.#fill(entry, ...handshakeView(record, described.lines ?? []));
  }

  /** Lights up a field of the frame, also if the frame is not there yet. */
  light(name) {
    this.#lit = name;
    this.#light?.(name);
  }

  #showFrame(entry, frame) {
    const { root, light } = frameView(entry, frame);
    this.#light = light;
    this.#fill(entry, root);
    if (this.#lit) light(this.#lit);
  }

  #fill(entry, ...content) {
    this.#root.replaceChildren(headingOf(entry), ...content);
    byId('pane').scrollTop = 0;
  }
}
