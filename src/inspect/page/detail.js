/** The pane beside the list: what the selected record says. */

import { spaced } from './bytes.js';
import { arrowOf, seconds, titleOf } from './describe.js';
import { byId, h, sectionLink } from './dom.js';
import { frameView, section, violationView } from './frame-view.js';

const SHA1_OF = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

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

/** RFC 6455 §4.2.2: how the server computes Sec-WebSocket-Accept, as a formula. */
function acceptView(key, accept) {
  return h(
    'div',
    { class: 'formula mono' },
    h('span', {}, 'base64(SHA-1('),
    h('b', { title: 'Sec-WebSocket-Key of the request' }, key),
    h('span', {}, ' + '),
    h('b', { title: 'the fixed string of RFC 6455 §1.3' }, SHA1_OF),
    h('span', {}, ')) = '),
    h('b', { class: 'result' }, accept),
  );
}

/** The value of a field in a head. */
export function fieldOf(head, name) {
  const line = head.split('\r\n').find((text) => text.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim();
}

function lineView(line, key) {
  const { text, meaning, rfc, violation } = line;
  const accept = /^sec-websocket-accept:\s*(.*)$/i.exec(text)?.[1];
  return h(
    'li',
    { class: violation ? 'bad' : '' },
    h('code', {}, text),
    h('p', {}, meaning, ' ', rfc && sectionLink(rfc)),
    accept && key && acceptView(key, accept),
    violation && h('p', { class: 'wrong' }, violation),
  );
}

function handshakeView(lines, key) {
  return section(
    'Line by line',
    h('ol', { class: 'lines' }, ...lines.map((line) => lineView(line, key))),
  );
}

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
  return h('dl', { class: 'facts' }, ...rows);
}

export class Detail {
  /** The entry that is shown. */
  entry = undefined;
  #control;
  #store;
  #root = byId('detail-content');
  #light = undefined;
  #lit = undefined;

  constructor(control, store) {
    this.#control = control;
    this.#store = store;
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
      return this.#fill(entry, plainView(record));
    }
    const described = await this.#control.describe(entry.index);
    if (this.entry !== entry) return undefined;
    if (described.frame) return this.#showFrame(entry, described.frame);
    this.#fill(entry, handshakeView(described.lines ?? [], this.#keyOf(record)));
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

  #keyOf({ connection, from }) {
    if (from === 'client') return undefined;
    const { entries } = this.#store.connections.get(connection);
    const request = entries.find(
      ({ record }) => record.type === 'handshake' && record.from === 'client',
    );
    return request && fieldOf(request.record.head, 'sec-websocket-key');
  }
}

export { violationView };
