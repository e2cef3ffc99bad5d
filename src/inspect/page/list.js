/** The list of records: only the rows in sight are elements. */

import { arrowOf, flagsOf, previewOf, remarkOf, seconds, sizesOf, titleOf } from './describe.js';
import { byId, h } from './dom.js';
import { kindOf } from './filter.js';

/** As in the style sheet. */
const ROW_HEIGHT = 28;
const SPARE_ROWS = 6;

function makeRow() {
  const cell = (name) => h('span', { class: name });
  const cells = Object.fromEntries(
    ['conn', 'time', 'from', 'kind', 'size', 'preview', 'remark'].map((name) => [name, cell(name)]),
  );
  const lanes = { client: h('i'), server: h('i') };
  const gutter = h('span', { class: 'lanes', 'aria-hidden': true }, lanes.client, lanes.server);
  const element = h('div', { role: 'option', class: 'row' }, gutter, ...Object.values(cells));
  return { element, cells, lanes, entry: undefined, at: -1 };
}

function fillRow(row, entry) {
  const { cells, lanes, element } = row;
  const { record } = entry;
  cells.conn.textContent = record.connection;
  cells.time.textContent = seconds(record.time);
  cells.from.textContent = arrowOf(record);
  cells.from.ariaLabel = record.from ? `from the ${record.from}` : '';
  const flags = flagsOf(record).flatMap((flag) => [h('small', { class: flag }, flag), ' ']);
  cells.kind.replaceChildren(h('b', {}, titleOf(record)), ' ', ...flags);
  cells.size.textContent = sizesOf(entry);
  cells.preview.textContent = previewOf(record, entry.inText);
  cells.remark.textContent = remarkOf(record);
  cells.remark.title = cells.remark.textContent;
  element.className = `row ${kindOf(record)} ${record.from ?? ''} ${record.violation ? 'bad' : ''}`;
  lanes.client.className = `client ${entry.lanes.client ?? ''}`;
  lanes.server.className = `server ${entry.lanes.server ?? ''}`;
}

export class List {
  /** Whether the newest record is kept in sight. */
  isFollowing = true;
  /** The position of the selected row in what is shown; -1 if none is. */
  selected = -1;
  #rows = [];
  #store;
  #scroller = byId('list');
  #space = byId('list-space');
  #isDue = false;
  #height = 0;
  /** Set while the list itself scrolls, so that it does not count as the user's. */
  #top = 0;

  /** @param on `select(entry)`, `open(entry)` and `follow(isFollowing)` are called */
  constructor(store, on) {
    this.#store = store;
    this.on = on;
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#scroller.addEventListener('click', (event) => this.#clicked(event));
    new ResizeObserver(() => this.draw()).observe(this.#scroller);
  }

  /** Draws with the next animation frame. */
  draw() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#drawNow();
    });
  }

  follow(isFollowing) {
    this.isFollowing = isFollowing;
    this.on.follow(isFollowing);
    this.draw();
  }

  /** @param position in what is shown; it is brought into sight */
  select(position) {
    const { shown } = this.#store;
    if (shown.length === 0) return;
    this.selected = Math.max(0, Math.min(position, shown.length - 1));
    if (this.selected < shown.length - 1) this.follow(false);
    this.#reveal(this.selected);
    this.draw();
    this.on.select(shown[this.selected]);
  }

  selectEntry(entry) {
    const position = this.#store.shown.indexOf(entry);
    if (position >= 0) this.select(position);
    else this.on.select(entry);
  }

  /** The filter has changed: the selection stays with its record. */
  refilter(entry) {
    this.selected = entry === undefined ? -1 : this.#store.shown.indexOf(entry);
    this.draw();
  }

  move(rows) {
    this.select(this.selected < 0 ? this.#store.shown.length - 1 : this.selected + rows);
  }

  get pageLength() {
    return Math.max(1, Math.floor(this.#scroller.clientHeight / ROW_HEIGHT) - 1);
  }

  focus() {
    this.#scroller.focus({ preventScroll: true });
  }

  #reveal(position) {
    const top = position * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.#scroller;
    this.#resize();
    if (top < scrollTop) this.#scrollTo(top);
    else if (top + ROW_HEIGHT > scrollTop + clientHeight) {
      this.#scrollTo(top + ROW_HEIGHT - clientHeight);
    }
  }

  #scrollTo(top) {
    this.#scroller.scrollTop = top;
    this.#top = this.#scroller.scrollTop;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const isByUser = Math.abs(scrollTop - this.#top) > 1;
    if (isByUser && scrollTop < this.#top) this.follow(false);
    if (isByUser && scrollTop + clientHeight > scrollHeight - ROW_HEIGHT / 2) this.follow(true);
    this.#top = scrollTop;
    this.draw();
  }

  #clicked(event) {
    const row = this.#rows.find(({ element }) => element.contains(event.target));
    if (!row) return;
    this.select(row.at);
    this.on.open(row.entry);
  }

  #resize() {
    const height = this.#store.shown.length * ROW_HEIGHT;
    if (height === this.#height) return;
    this.#height = height;
    this.#space.style.height = `${height}px`;
  }

  #drawNow() {
    this.#resize();
    if (this.isFollowing) this.#scrollTo(this.#height);
    const { shown } = this.#store;
    const { scrollTop, clientHeight } = this.#scroller;
    const needed = Math.ceil(clientHeight / ROW_HEIGHT) + SPARE_ROWS;
    this.#makeRows(needed);
    const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - SPARE_ROWS / 2);
    const count = this.#rows.length;
    for (let i = 0; i < count; i += 1) {
      const at = first + ((i - (first % count) + count) % count);
      this.#place(this.#rows[i], at, shown[at]);
    }
    this.#markActive();
    this.#explainEmpty();
  }

  #explainEmpty() {
    const { shown, entries } = this.#store;
    byId('empty').hidden = shown.length > 0;
    if (shown.length > 0) return;
    const isFiltered = entries.length > 0;
    byId('empty-title').textContent = isFiltered
      ? 'No record passes the filter.'
      : 'No records yet.';
    byId('empty-hint').hidden = isFiltered;
  }

  #makeRows(needed) {
    while (this.#rows.length < needed) {
      const row = makeRow();
      row.element.id = `row-${this.#rows.length}`;
      this.#rows.push(row);
      this.#space.append(row.element);
    }
  }

  #place(row, at, entry) {
    const { element } = row;
    element.hidden = entry === undefined;
    if (entry === undefined) return;
    if (row.at !== at) {
      element.style.transform = `translateY(${at * ROW_HEIGHT}px)`;
      element.ariaPosInSet = at + 1;
    }
    if (row.entry !== entry) fillRow(row, entry);
    element.ariaSetSize = this.#store.shown.length;
    element.ariaSelected = String(at === this.selected);
    Object.assign(row, { at, entry });
  }

  #markActive() {
    const active = this.#rows.find(({ element, at }) => !element.hidden && at === this.selected);
    if (active) this.#scroller.setAttribute('aria-activedescendant', active.element.id);
    else this.#scroller.removeAttribute('aria-activedescendant');
  }
}
