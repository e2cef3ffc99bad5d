/** RFC 6455 §5.2: the header of a frame as the figure of the RFC, 32 bits wide, with its real bits. */

import { h, sectionLink } from './dom.js';

const WIDTH = 32;
const MAX_ROWS_OF_PAYLOAD = 2;

/** The class of a field, which is its colour. */
export const classOfField = (name) => `field-${name.toLowerCase().replace(/\W+/g, '-')}`;

/** RFC 6455 §5.2 "Payload data": fills the row after the header, and one more. */
function payloadField(frame, headerBits) {
  const payload = frame.masked ? frame.maskedPayload : frame.payload;
  const room = WIDTH * MAX_ROWS_OF_PAYLOAD - (headerBits % WIDTH);
  const digits = payload.slice(0, room / 4);
  if (digits === '') return [];
  const bits = [...digits].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0'));
  const isCut = digits.length < payload.length;
  return [{ name: 'Payload Data', bits: bits.join(''), bitOffset: headerBits, isCut }];
}

export function headerBitsOf({ fields }) {
  const last = fields.at(-1);
  return last.bitOffset + last.bits.length;
}

/** Cuts a field at the ends of the rows. */
function segmentsOf({ name, bits, bitOffset, isCut }) {
  const segments = [];
  for (let at = 0; at < bits.length; ) {
    const column = (bitOffset + at) % WIDTH;
    const length = Math.min(WIDTH - column, bits.length - at);
    segments.push({ name, bits: bits.slice(at, at + length), column, isFirst: at === 0 });
    at += length;
  }
  segments.at(-1).isCut = isCut;
  return segments;
}

function segmentView({ name, bits, column, isFirst, isCut }) {
  const width = bits.length;
  const title = isFirst ? name : `${name} (continued)`;
  const cell = h(
    'span',
    {
      class: `cell ${classOfField(name)} ${width === 1 ? 'narrow' : ''} ${isCut ? 'cut' : ''}`,
      'data-field': name,
    },
    h('span', { class: 'name' }, title),
    h('span', { class: 'bits' }, ...[...bits].map((bit) => h('span', {}, bit))),
  );
  cell.style.gridColumn = `${column + 1} / span ${width}`;
  return cell;
}

/** The numbers of the bits above the figure, as in the RFC. */
function ruler() {
  return Array.from({ length: WIDTH }, (_, i) =>
    h('span', { class: i % 8 === 0 ? 'tick start' : 'tick' }, i % 10 === 0 ? String(i) : i % 10),
  );
}

/** One row for each field: bits, meaning and section; the figure and the bytes light up with it. */
function fieldRow({ name, bits, meaning, rfc }) {
  const shown =
    bits.length > 16 ? `${bits.length} bits` : bits.replace(/(?=(?:.{4})+$)/g, ' ').trim();
  return h(
    'tr',
    { 'data-field': name, tabindex: 0 },
    h('th', { scope: 'row' }, h('i', { class: `swatch ${classOfField(name)}` }), name),
    h('td', { class: 'mono' }, shown),
    h('td', {}, meaning),
    h('td', {}, sectionLink(rfc)),
  );
}

const payloadMeaning = ({ masked, payload }) =>
  payload === '' ? undefined : masked ? 'masked: see below' : 'not masked';

export function headerView(frame) {
  const headerBits = headerBitsOf(frame);
  const payload = payloadField(frame, headerBits);
  const segments = [...frame.fields, ...payload].flatMap(segmentsOf);
  const label = `The header of the frame: ${frame.fields.map(({ name, bits }) => `${name} ${bits}`).join(', ')}`;
  const figure = h(
    'div',
    { class: 'figure', role: 'img', 'aria-label': label },
    ...ruler(),
    ...segments.map(segmentView),
  );
  const rows = frame.fields.map(fieldRow);
  const meaning = payloadMeaning(frame);
  if (meaning) {
    const [{ name }] = payload;
    rows.push(fieldRow({ name, bits: '', meaning, rfc: 'RFC 6455 §5.2' }));
  }
  const table = h('table', { class: 'fields' }, h('tbody', {}, ...rows));
  return [figure, h('div', { class: 'scroll-x' }, table)];
}

/** Lights up what belongs to the field under the pointer or the focus. */
export function linkFields(root) {
  const show = (name) => {
    for (const element of root.querySelectorAll('[data-field]')) {
      element.classList.toggle('lit', element.dataset.field === name);
    }
  };
  const fieldAt = ({ target }) => target.closest('[data-field]')?.dataset.field;
  root.addEventListener('pointerover', (event) => show(fieldAt(event)));
  root.addEventListener('pointerleave', () => show(undefined));
  root.addEventListener('focusin', (event) => show(fieldAt(event)));
  return show;
}
