/** Connections of this page's own: the browser's WebSocket, through the inspector. */

import { fromHex } from './bytes.js';
import { byId, h, say } from './dom.js';

const STATES = ['connecting', 'open', 'closing', 'closed'];

export class Composer {
  #sockets = new Map();
  #current = undefined;
  #count = 0;

  constructor() {
    byId('open-form').onsubmit = (event) =>
      this.#submit(event, () => this.open(byId('path').value));
    byId('send-form').onsubmit = (event) => this.#submit(event, () => this.send());
    byId('close').onclick = () => this.close();
    this.#draw();
  }

  /** @param target where the connections end; undefined if a recording is shown */
  begin(target) {
    document.querySelector('.composer').hidden = target === undefined;
    if (target !== undefined && byId('path').value === '') {
      const { pathname, search } = new URL(target);
      byId('path').value = pathname + search;
    }
  }

  open(path) {
    // The inspector has many names; the page's policy allows the one that it was opened with.
    const url = new URL(path, location.origin);
    url.protocol = location.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#count += 1;
    this.#sockets.set(this.#count, socket);
    this.#current = this.#count;
    const name = `${this.#count} ${url.pathname}`;
    for (const type of ['open', 'close'])
      socket.addEventListener(type, () => this.#changed(name, socket));
    this.#draw();
  }

  #submit(event, act) {
    event.preventDefault();
    byId('compose-error').textContent = '';
    try {
      act();
    } catch (error) {
      byId('compose-error').textContent = error.message;
    }
  }

  send() {
    const socket = this.#sockets.get(this.#current);
    const { value } = byId('message');
    if (byId('message-kind').value === 'text') return socket.send(value);
    const bytes = fromHex(value);
    if (!bytes) throw new SyntaxError('Binary data is written as pairs of hexadecimal digits.');
    socket.send(bytes);
  }

  close() {
    byId('compose-error').textContent = '';
    const code = Number(byId('close-code').value) || 1000;
    try {
      this.#sockets.get(this.#current)?.close(code, byId('close-reason').value);
    } catch (error) {
      byId('compose-error').textContent = error.message;
    }
    this.#draw();
  }

  #changed(name, socket) {
    say(`${name} is ${STATES[socket.readyState]}`);
    for (const [number, { readyState }] of this.#sockets) {
      if (readyState === WebSocket.CLOSED && number !== this.#current) this.#sockets.delete(number);
    }
    this.#draw();
    if (socket.readyState === WebSocket.OPEN && document.activeElement === byId('open'))
      byId('message').focus();
  }

  #draw() {
    const chips = [...this.#sockets].map(([number, socket]) => {
      const state = STATES[socket.readyState];
      const path = new URL(socket.url).pathname;
      const button = h(
        'button',
        {
          type: 'button',
          class: `chip ${state}`,
          'aria-pressed': String(number === this.#current),
        },
        `${path} ${state}`,
      );
      button.onclick = () => {
        this.#current = number;
        this.#draw();
      };
      return button;
    });
    byId('own-connections').replaceChildren(...chips);
    const isOpen = this.#sockets.get(this.#current)?.readyState === WebSocket.OPEN;
    for (const id of ['message', 'send', 'close', 'message-kind', 'close-code', 'close-reason'])
      byId(id).disabled = !isOpen;
  }
}
