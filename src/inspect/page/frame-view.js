/** Everything about one frame. */

import { spaced } from './bytes.js';
import { hexView, lightBytes, maskingView } from './bytes-view.js';
import { bytes, nameOfCloseCode, wireLengthOf } from './describe.js';
import { copy, h, sectionLink } from './dom.js';
import { headerBitsOf, headerView, linkFields } from './header-view.js';

export const section = (title, ...children) => h('section', {}, h('h3', {}, title), ...children);

const fact = (name, ...value) => h('div', {}, h('dt', {}, name), h('dd', {}, ...value));

export function violationView({ message, closeCode, code, rfc }) {
  return h(
    'div',
    { class: 'violation', role: 'note' },
    h('strong', {}, message),
    h(
      'p',
      {},
      `A receiver fails the connection with ${closeCode} (${nameOfCloseCode(closeCode)}). `,
      sectionLink(rfc),
    ),
    h('code', {}, code),
  );
}

/** The sizes: header and payload on the wire, and the message after inflation. */
function factsOf(record, frame, wireLength) {
  const { close, roundTrip, messageLength, payloadLength } = record;
  const header = headerBitsOf(frame) / 8;
  const facts = [
    fact('Size', `${bytes(wireLength)} = ${header} header + ${payloadLength} payload`),
    messageLength !== undefined &&
      messageLength !== payloadLength &&
      fact('Message', `${bytes(messageLength)}${savings(record)}`),
    close && fact('Close', `${close.code}: ${nameOfCloseCode(close.code)}`),
    close?.reason && fact('Reason', close.reason),
    roundTrip !== undefined && fact('Round trip', `${roundTrip.toFixed(2)} ms since its Ping`),
    record.edited && fact('Edited', editedText(record.edited)),
  ];
  return h('dl', { class: 'facts' }, ...facts.filter(Boolean));
}

function savings({ rsv1, fin, messageLength, payloadLength }) {
  if (!rsv1 || !fin || messageLength === 0) return '';
  const percent = Math.round(100 - (100 * payloadLength) / messageLength);
  return `, inflated: ${percent > 0 ? `${percent} % saved` : `${-percent} % more on the wire`}`;
}

const editedText = ({ original }) =>
  original === null
    ? 'sent by the inspector in place of its sender'
    : `the sender sent ${spaced(original)}`;

function messageView({ message, messageIsText }) {
  if (message === undefined) return undefined;
  const text = messageIsText ? message : spaced(message);
  return section(
    'Message',
    h('pre', { class: messageIsText ? 'message' : 'message mono' }, text === '' ? '(empty)' : text),
  );
}

function whyMasked() {
  return h(
    'p',
    { class: 'hint' },
    'A client masks what it sends with a new random key for each frame, so that no program can choose the bytes on the wire. ',
    sectionLink('RFC 6455 §10.3'),
  );
}

/** @returns the elements, and a function that lights up a field */
export function frameView(entry, frame) {
  const { record } = entry;
  const wireLength = wireLengthOf(entry);
  const copyButton = h('button', { type: 'button', class: 'quiet copy' }, 'Copy as hex');
  copyButton.onclick = () => copy(spaced(frame.bytes), copyButton);
  const root = h(
    'div',
    { class: 'frame-view' },
    record.violation && violationView(record.violation),
    factsOf(record, frame, wireLength),
    section('Bytes on the wire', copyButton, ...hexView(frame, wireLength).filter(Boolean)),
    section('Header', ...headerView(frame)),
    frame.maskingKey &&
      frame.maskedPayload &&
      section('Masking', ...maskingView(frame), whyMasked()),
    messageView(frame),
  );
  const show = linkFields(root);
  const observe = (event) =>
    lightBytes(root, event.target.closest?.('[data-field]')?.dataset.field);
  root.addEventListener('pointerover', observe);
  root.addEventListener('focusin', observe);
  root.addEventListener('pointerleave', () => lightBytes(root, undefined));
  const light = (name) => {
    show(name);
    lightBytes(root, name);
  };
  return { root, light };
}
