/** A tour with the real page: why are the bytes of "Hello" what they are? */

import { bitsOf, spaced } from './bytes.js';
import { byId, h } from './dom.js';

const isText =
  (from) =>
  ({ record }) =>
    record.from === from && record.opcodeName === 'text';

const hexOf = (entry) => (entry ? spaced(entry.record.bytes) : '');
const byteOf = (entry, at) => entry?.record.bytes.slice(2 * at, 2 * at + 2) ?? '';
const bitsAt = (entry, at) => bitsOf(Number.parseInt(byteOf(entry, at), 16));

/** Sends what the form says. */
function sendMessage(kind, text) {
  byId('message').value = text;
  byId('message-kind').value = kind;
  byId('send-form').requestSubmit(byId('send'));
}

/**
 * The steps. `act` is what the main button does, and `until` finds the entry that ends the step: the
 * user may as well do it by hand. `show` prepares the page.
 */
const STEPS = [
  {
    title: 'Open a connection',
    at: '#open-form',
    text: () =>
      'This page shows every byte between a WebSocket client (→) and a server (←). A connection begins as an HTTP request. Open one: the request and the response "101 Switching Protocols" appear in the list.',
    button: 'Open it',
    act: ({ composer }) => composer.open(byId('path').value),
    until: ({ record }) => record.type === 'handshake' && record.from === 'server',
    name: 'response',
  },
  {
    title: 'Send Hello',
    at: '#send-form',
    show: ({ select, found }) => select(found.response),
    text: () =>
      'Beside the list is the response, line by line. The bytes after it are frames. Send the text Hello.',
    button: 'Send Hello',
    act: () => sendMessage('text', 'Hello'),
    until: isText('client'),
    name: 'hello',
  },
  {
    title: 'The first byte: what kind of frame',
    at: '.figure',
    show: ({ select, light, found }) => {
      select(found.hello);
      light('opcode');
    },
    text: ({ hello }) =>
      `The frame in hexadecimal digits is ${hexOf(hello)}. Its first byte is ${byteOf(hello, 0)}, in bits ${bitsAt(hello, 0).replace(/(.)(...)(.*)/, '$1 $2 $3')}. The first bit is FIN: this frame ends its message. ${hello?.record.rsv1 ? 'Of the next three RSV1 is set: the text is compressed.' : 'The next three are reserved, and 0.'} The last four are the opcode: 1 is text.`,
  },
  {
    title: 'The second byte: masked, and how long',
    at: '.figure',
    show: ({ select, light, found }) => {
      select(found.hello);
      light('Payload len');
    },
    text: ({ hello }) =>
      `The second byte is ${byteOf(hello, 1)}, in bits ${bitsAt(hello, 1).replace(/(.)(.*)/, '$1 $2')}. The first bit is MASK: a client always masks. The other seven are the length of the payload, ${hello?.record.payloadLength} bytes.`,
  },
  {
    title: 'The key, and why nobody reads Hello here',
    at: 'section:has(> .scroll-x > .masking)',
    show: ({ select, light, found }) => {
      select(found.hello);
      light('Masking-key');
    },
    text: ({ hello }) =>
      `Four bytes of key follow: ${spaced(hello?.record.bytes.slice(4, 12) ?? '')}. The client chose them at random. Each byte of the payload is XORed with one of them; the table shows how Hello comes back.`,
  },
  {
    title: 'The answer',
    at: '.hex',
    show: ({ select, found }) => found.answer && select(found.answer),
    text: ({ answer }) =>
      answer
        ? `The server answered ${hexOf(answer)}. A server never masks: ${byteOf(answer, 1)} has no MASK bit, no key follows, and the text can be read in the bytes.`
        : 'This server has not answered. A server never masks its frames: no key follows the length.',
  },
  {
    title: 'Send a Ping',
    at: '#send-form',
    text: () =>
      'Some frames are no messages. A Ping asks whether the other side is there. A program in a browser cannot send one, so the inspector sends it in its place.',
    button: 'Send a Ping',
    act: () => sendMessage('ping', 'beat'),
    until: ({ record }) => record.opcodeName === 'pong' && record.from === 'server',
    name: 'pong',
  },
  {
    title: 'A message in three frames',
    at: '#send-form',
    show: ({ select, found }) => select(found.pong),
    text: ({ pong }) =>
      `The server answered with a Pong that has the same payload${pong?.record.roundTrip === undefined ? '' : `, after ${pong.record.roundTrip.toFixed(1)} ms`}. Its opcode is 10. A message may be cut into fragments: send one in three frames.`,
    button: 'Send three frames',
    act: () => sendMessage('fragments', 'one two three'),
    until: ({ record: { from, opcode, fin } }) => from === 'client' && opcode === 0 && fin,
    name: 'last',
  },
  {
    title: 'Close',
    at: '.close-group',
    show: ({ select, found }) => select(found.last),
    text: () =>
      'The first of the three has the opcode text and no FIN. The others have the opcode 0, continuation, and the last one has FIN. Now close: each side sends a Close frame, then the server ends TCP.',
    button: 'Close it',
    act: ({ composer }) => composer.close(),
    until: ({ record }) => record.type === 'end',
    name: 'end',
  },
  {
    title: 'That is the protocol',
    at: '#ladder-content .summary',
    show: ({ showLadder }) => showLadder(),
    text: () =>
      'The ladder shows who began to close, and the state of each end. Next you can break the rules: the inspector sends wrong frames, and shows how a server answers each of them.',
    button: 'Break a rule',
    act: ({ showRules }) => showRules(),
  },
];

export class Tour {
  #page;
  #step = -1;
  #found = {};
  #root = byId('tour');
  #target = undefined;

  /** @param page `composer`, `select(entry)`, `light(field)`, `showLadder()`, `showRules()` */
  constructor(page) {
    this.#page = page;
    byId('tour-start').onclick = () => this.start();
  }

  get isOpen() {
    return this.#step >= 0;
  }

  start() {
    this.#found = {};
    this.#go(0);
  }

  leave() {
    this.#step = -1;
    this.#root.hidden = true;
    this.#mark(undefined);
    localStorage.setItem('tour', 'left');
    byId('list').focus();
  }

  /** A new entry of the page's own connection may be what a step waits for. */
  observe(entry) {
    if (entry.record.connection !== this.#page.composer.connection) return;
    const step = STEPS[this.#step];
    const { hello } = this.#found;
    if (hello && !this.#found.answer && isText('server')(entry)) this.#found.answer = entry;
    if (!step?.until?.(entry)) return;
    this.#found[step.name] = entry;
    this.#go(this.#step + 1);
  }

  #go(step) {
    if (step >= STEPS.length) return this.leave();
    this.#step = step;
    const { show, text, title, button, act } = STEPS[step];
    show?.({ ...this.#page, found: this.#found });
    const next = h(
      'button',
      { type: 'button', class: 'primary', id: 'tour-next' },
      button ?? 'Next',
    );
    const isLast = step === STEPS.length - 1;
    next.onclick = () => {
      act?.(this.#page);
      if (isLast) this.leave();
      else if (!act) this.#go(step + 1);
    };
    this.#root.replaceChildren(
      h('p', { class: 'quiet' }, `Tour · ${step + 1} of ${STEPS.length}`),
      h('h2', { tabindex: -1 }, title),
      h('p', {}, text(this.#found)),
      h(
        'div',
        { class: 'buttons' },
        next,
        h(
          'button',
          { type: 'button', class: 'quiet', onclick: () => this.leave() },
          'Leave the tour',
        ),
      ),
    );
    this.#root.hidden = false;
    next.focus({ preventScroll: true });
    // The pane is filled when its description has come.
    setTimeout(() => this.#mark(STEPS[this.#step]?.at), 150);
  }

  #mark(selector) {
    this.#target?.classList.remove('tour-target');
    this.#target = selector && document.querySelector(selector);
    this.#target?.classList.add('tour-target');
    this.#target?.scrollIntoView({ block: 'nearest' });
  }
}
