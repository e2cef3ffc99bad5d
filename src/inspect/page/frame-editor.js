/** Changes the fields of a frame: its bits, length form, masking key and payload. */

import { fromHex, spaced, toHex } from './bytes.js';
import { h } from './dom.js';
import { nameOfOpcode, shortestForm } from './frame-bytes.js';

const BITS = { fin: 'FIN', rsv1: 'RSV1', rsv2: 'RSV2', rsv3: 'RSV3', masked: 'MASK' };

function textOf(payload) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return undefined;
  }
}

const option = (value, text) => h('option', { value }, text);

function select(label, value, options) {
  const element = h('select', { 'aria-label': label }, ...options);
  element.value = String(value);
  return h('label', {}, label, element);
}

function checkbox(name, label, isChecked) {
  const input = h('input', { type: 'checkbox', name });
  input.checked = isChecked;
  return h('label', { class: 'bit' }, input, label);
}

export class FrameEditor {
  /** @param onchange is called after each change */
  constructor(fields, onchange) {
    const text = textOf(fields.payload);
    const opcodes = Array.from({ length: 16 }, (_, i) => option(i, `${i} ${nameOfOpcode(i)}`));
    const forms = [7, 16, 64].map((bits) => option(bits, `${bits} bits`));
    this.opcode = select('Opcode', fields.opcode, opcodes);
    this.form = select('Length form', fields.lengthBits, forms);
    this.as = select('Payload as', text === undefined ? 'hex' : 'text', [
      option('text', 'text'),
      option('hex', 'hex'),
    ]);
    this.key = h('input', { 'aria-label': 'Masking key', maxlength: 11, size: 11, class: 'mono' });
    this.key.value = spaced(toHex(fields.maskingKey));
    this.payload = h('textarea', { 'aria-label': 'Payload', rows: 3, class: 'mono' });
    this.payload.value = text ?? spaced(toHex(fields.payload));
    this.bits = Object.entries(BITS).map(([name, label]) => checkbox(name, label, fields[name]));
    this.root = h(
      'div',
      { class: 'editor' },
      h('div', { class: 'fields-row' }, ...this.bits, h('label', {}, 'Key', this.key)),
      h('div', { class: 'fields-row' }, this.opcode, this.form, this.as),
      this.payload,
    );
    this.root.addEventListener('input', (event) => this.#changed(event, onchange));
  }

  #changed({ target }, onchange) {
    if (target === this.as.lastChild) this.#convert();
    if (target === this.payload) this.#fitForm();
    onchange();
  }

  #convert() {
    const isHex = this.as.lastChild.value === 'hex';
    const { value } = this.payload;
    if (isHex) this.payload.value = spaced(toHex(new TextEncoder().encode(value)));
    else this.payload.value = new TextDecoder().decode(fromHex(value) ?? new Uint8Array());
  }

  /** A payload that has grown gets the form that it needs. */
  #fitForm() {
    const length = this.#payloadBytes()?.length ?? 0;
    const form = this.form.lastChild;
    form.value = String(Math.max(shortestForm(length), Number(form.value)));
  }

  #payloadBytes() {
    const { value } = this.payload;
    return this.as.lastChild.value === 'hex' ? fromHex(value) : new TextEncoder().encode(value);
  }

  /** @returns the fields; undefined if the key or the payload is not hexadecimal */
  read() {
    const payload = this.#payloadBytes();
    const maskingKey = fromHex(this.key.value);
    if (payload === undefined || maskingKey?.length !== 4) return undefined;
    const bits = this.bits.map(({ firstChild: { name, checked } }) => [name, checked]);
    const opcode = Number(this.opcode.lastChild.value);
    const lengthBits = Number(this.form.lastChild.value);
    return { ...Object.fromEntries(bits), opcode, lengthBits, maskingKey, payload };
  }
}
