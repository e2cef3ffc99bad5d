/** The bytes of a frame in hexadecimal digits, and RFC 6455 §5.3: the masking as key XOR bytes. */

import { bitsOf, characterOf, fromHex, toHex } from './bytes.js';
import { h } from './dom.js';
import { classOfField } from './header-view.js';

/** How many bytes are shown at first, and more with each press of the button. */
const STEP = 64;

/** @param make makes the elements from an index to another; more come with a button */
function stepwise(container, count, make) {
  const button = h('button', { type: 'button', class: 'quiet' });
  let shown = 0;
  const more = () => {
    const end = Math.min(count, shown + STEP);
    container.append(...make(shown, end));
    shown = end;
    button.hidden = shown >= count;
    button.textContent = `Show ${Math.min(STEP, count - shown)} more of ${count} bytes`;
  };
  button.onclick = more;
  more();
  return button;
}

/** The names of the fields in each byte of the header: the first bytes have several. */
function fieldOfByte(frame, index) {
  const at = index * 8;
  const inByte = frame.fields.filter(
    ({ bits, bitOffset }) => bitOffset < at + 8 && bitOffset + bits.length > at,
  );
  return inByte.length > 0 ? inByte.map(({ name }) => name) : ['Payload Data'];
}

function hexByte(byte, names, index) {
  const [name] = names.length > 1 && index === 0 ? ['opcode'] : names.slice(-1);
  const title = `byte ${index}: ${bitsOf(byte)} · ${names.join(', ')}`;
  const element = h('span', { class: `byte ${classOfField(name)}`, title }, toHex([byte]));
  element.dataset.fields = names.join('|');
  return element;
}

/** @param wireLength how many bytes the frame has; `frame.bytes` may have the first only */
export function hexView(frame, wireLength) {
  const bytes = fromHex(frame.bytes);
  const container = h('div', { class: 'hex mono', 'aria-label': 'The bytes of the frame' });
  const button = stepwise(container, bytes.length, (from, to) =>
    [...bytes.subarray(from, to)].map((byte, i) =>
      hexByte(byte, fieldOfByte(frame, from + i), from + i),
    ),
  );
  const rest = wireLength - bytes.length;
  const note = rest > 0 && h('p', { class: 'quiet' }, `… and ${rest} bytes more`);
  return [container, button, note];
}

/** Lights up the bytes of a field. */
export function lightBytes(root, name) {
  for (const element of root.querySelectorAll('[data-fields]')) {
    element.classList.toggle('lit', element.dataset.fields.split('|').includes(name));
  }
}

function maskingRow(index, masked, key) {
  const byte = masked ^ key;
  const cell = (value, name) =>
    h('td', { class: `mono ${name}`, title: bitsOf(value) }, toHex([value]));
  return h(
    'tr',
    {},
    h('td', { class: 'quiet' }, index),
    cell(masked, 'field-payload-data'),
    h('td', { class: 'operator' }, '⊕'),
    cell(key, 'field-masking-key'),
    h('td', { class: 'operator' }, '='),
    cell(byte, 'plain'),
    h('td', { class: 'mono bits3' }, `${bitsOf(masked)} ⊕ ${bitsOf(key)} = ${bitsOf(byte)}`),
    h('td', { class: 'mono character' }, characterOf(byte)),
  );
}

const HEADINGS = ['byte', 'masked', '', 'key[i mod 4]', '', 'payload', 'in bits', 'as text'];

/** @returns a table that unmasks the payload byte by byte */
export function maskingView({ maskedPayload, maskingKey }) {
  const masked = fromHex(maskedPayload);
  const key = fromHex(maskingKey);
  const body = h('tbody');
  const button = stepwise(body, masked.length, (from, to) =>
    [...masked.subarray(from, to)].map((byte, i) =>
      maskingRow(from + i, byte, key[(from + i) % 4]),
    ),
  );
  const head = h(
    'thead',
    {},
    h('tr', {}, ...HEADINGS.map((text) => h('th', { scope: 'col' }, text))),
  );
  const table = h('table', { class: 'masking' }, head, body);
  return [h('div', { class: 'scroll-x' }, table), button];
}
