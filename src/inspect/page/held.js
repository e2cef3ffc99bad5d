/** The frames that wait, and the editor that changes one before it goes on. */

import { fromHex, spaced, toHex } from './bytes.js';
import { arrowOf } from './describe.js';
import { byId, h, say, sectionLink } from './dom.js';
import { brokenRule, buildFrame, parseFrame } from './frame-bytes.js';
import { FrameEditor } from './frame-editor.js';

/** The maximum number of frames that are shown at once; the others follow. */
const MAX_VIEWS = 12;

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
    const release = (changed) => this.#control.send({ type: 'release', id, bytes: changed });
    const fields = parseFrame(fromHex(bytes));
    const editor = fields && this.#editor(fields, { connection, from, bytes, release });
    const arrow = h('span', { class: `arrow ${from}` }, arrowOf({ from }));
    return h(
      'section',
      { class: 'held' },
      h('h3', {}, arrow, ` Connection ${connection}, from the ${from}`),
      ...(editor?.parts ?? [h('p', { class: 'mono' }, spaced(bytes))]),
      h(
        'div',
        { class: 'buttons' },
        button('Release', () => release(undefined)),
        editor?.button,
        button('Drop', () => release('')),
      ),
    );
  }

  /** @returns the elements, and the button that releases the changed bytes */
  #editor(fields, { connection, from, bytes, release }) {
    const output = h('output', { class: 'mono result' });
    const verdict = h('p', { class: 'verdict', role: 'status' });
    let result = { bytes };
    const changed = button('Release changed', () => release(result.bytes));
    changed.className = 'primary';
    const update = () => {
      result = this.#check(editor.read(), connection, from);
      output.textContent = spaced(result.bytes ?? '');
      changed.disabled = result.bytes === undefined || result.bytes === bytes;
      verdict.classList.toggle('wrong', result.isWrong);
      verdict.replaceChildren(...result.text);
    };
    const editor = new FrameEditor(fields, update);
    update();
    return { parts: [editor.root, output, verdict], button: changed };
  }

  /** @returns the bytes, and which rule they break */
  #check(fields, connection, from) {
    if (!fields) return wrong('The key needs four bytes, and hexadecimal text pairs of digits.');
    const frame = buildFrame(fields);
    if (!frame) return wrong(`${fields.payload.length} bytes do not fit this length form.`);
    const bytes = toHex(frame);
    const rule = brokenRule(fields, from, this.#contextOf(connection, from));
    if (!rule) return { bytes, isWrong: false, text: ['The header breaks no rule.'] };
    const { message = rule, answer = 1002, rfc = 'RFC 6455 §5.2' } = this.#rules.get(rule) ?? {};
    const text = [`${message.replace('%', '…')}: close code ${answer}. `, sectionLink(rfc)];
    return { bytes, isWrong: true, text };
  }
}

const wrong = (sentence) => ({ isWrong: true, text: [sentence] });

const button = (text, onclick) => h('button', { type: 'button', onclick }, text);
