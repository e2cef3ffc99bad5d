/** The frames that wait, and the editor that changes one before it goes on. */

import { fromHex, spaced, toHex } from './bytes.js';
import { byId, h, say, sectionLink } from './dom.js';
import { brokenRule, buildFrame, nameOfOpcode, parseFrame, shortestForm } from './frame-bytes.js';

/** So many frames are shown at once; the others follow. */
const MAX_VIEWS = 12;

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

/** The fields of one held frame. `onchange` is called with the new bytes. */
class Editor {
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

export class Held {
  #control;
  #rules = new Map();
  #contextOf;
  /** The messages, and the elements of the first of them, by their number. */
  #frames = new Map();
  #views = new Map();
  #root = byId('held-content');

  /** @param contextOf what is in progress in one direction of a connection */
  constructor(control, contextOf) {
    this.#control = control;
    this.#contextOf = contextOf;
    this.#changed();
  }

  set rules(rules) {
    this.#rules = new Map(rules.map((rule) => [rule.id, rule]));
  }

  /** @returns whether it is the only one */
  add(message) {
    this.#frames.set(message.id, message);
    this.#changed();
    say('A frame is held');
    return this.#frames.size === 1;
  }

  remove(id) {
    const view = this.#views.get(id);
    const hadFocus = view?.contains(document.activeElement);
    view?.remove();
    this.#views.delete(id);
    this.#frames.delete(id);
    this.#changed();
    if (hadFocus) (this.#root.querySelector('button') ?? byId('list')).focus();
  }

  clear() {
    for (const id of [...this.#frames.keys()]) this.remove(id);
  }

  #changed() {
    const { size } = this.#frames;
    byId('held-count').textContent = size > 0 ? String(size) : '';
    byId('held-empty').hidden = size > 0;
    byId('release-all').hidden = size < 2;
    for (const [id, message] of this.#frames) {
      if (this.#views.size >= MAX_VIEWS) break;
      if (this.#views.has(id)) continue;
      const view = this.#view(message);
      this.#views.set(id, view);
      this.#root.append(view);
    }
  }

  #view({ id, connection, from, bytes }) {
    const fields = parseFrame(fromHex(bytes));
    const release = (changed) => this.#control.send({ type: 'release', id, bytes: changed });
    const button = (text, onclick) => h('button', { type: 'button', onclick }, text);
    const buttons = h(
      'div',
      { class: 'buttons' },
      button('Release', () => release(undefined)),
    );
    const arrow = from === 'client' ? '→' : '←';
    const heading = h(
      'h3',
      {},
      h('span', { class: `arrow ${from}` }, arrow),
      ` Connection ${connection}, from the ${from}`,
    );
    const drop = button('Drop', () => release(''));
    if (!fields) {
      buttons.append(drop);
      return h(
        'section',
        { class: 'held' },
        heading,
        h('p', { class: 'mono' }, spaced(bytes)),
        buttons,
      );
    }
    const output = h('output', { class: 'mono result' });
    const verdict = h('p', { class: 'verdict', role: 'status' });
    const changed = button('Release changed', () => release(output.dataset.bytes));
    changed.className = 'primary';
    changed.disabled = true;
    const update = () => {
      const result = this.#check(editor.read(), connection, from);
      output.textContent = spaced(result.bytes ?? '');
      output.dataset.bytes = result.bytes ?? '';
      changed.disabled = result.bytes === undefined || result.bytes === bytes;
      verdict.className = `verdict ${result.isWrong ? 'wrong' : 'right'}`;
      verdict.replaceChildren(...result.text);
    };
    const editor = new Editor(fields, update);
    update();
    buttons.append(changed, drop);
    return h('section', { class: 'held' }, heading, editor.root, output, verdict, buttons);
  }

  /** @returns the bytes, and which rule they break */
  #check(fields, connection, from) {
    if (!fields)
      return {
        isWrong: true,
        text: ['The key needs four bytes, and hexadecimal text pairs of digits.'],
      };
    const frame = buildFrame(fields);
    if (!frame)
      return {
        isWrong: true,
        text: [`${fields.payload.length} bytes do not fit this length form.`],
      };
    const bytes = toHex(frame);
    const rule = brokenRule(fields, from, this.#contextOf(connection, from));
    if (!rule) return { bytes, text: ['The header breaks no rule.'] };
    const { message = rule, answer = 1002, rfc = 'RFC 6455 §5.2' } = this.#rules.get(rule) ?? {};
    const text = [`${message.replace('%', '…')}: close code ${answer}. `, sectionLink(rfc)];
    return { bytes, isWrong: true, text };
  }
}
