/** The page: its parts, and what they tell each other. */

import { BreakView } from './break-view.js';
import { spaced } from './bytes.js';
import { Composer } from './composer.js';
import { Control } from './control.js';
import { Detail } from './detail.js';
import { byId, copy, say } from './dom.js';
import { FilterBar } from './filter-bar.js';
import { Held } from './held.js';
import { listenToKeys } from './keys.js';
import { Ladder } from './ladder.js';
import { chooseTheme, listenToTab, nextTheme, showPane, showTab, showView } from './layout.js';
import { List } from './list.js';
import { BUDGET, Store } from './store.js';
import { Tour } from './tour.js';

const store = new Store();
/** Batches that were received and not added. */
let arrived = [];
/** Entries that the tour has not seen. */
let unseen = [];
let isPaused = false;
let isDue = false;

const control = new Control({
  online: (isOnline) => document.body.classList.toggle('offline', !isOnline),
  hello: (message) => begin(message),
  records: ({ records }) => {
    arrived.push(records);
    if (isPaused) showPaused();
    else schedule();
  },
  held: (message) => {
    if (!held.add(message)) return;
    showTab('held');
    showPane(true);
  },
  released: ({ id }) => held.remove(id),
  broken: (message) => breakView.broken(message),
  failed: ({ command, error }) => {
    if (command === 'break') breakView.failed(error);
    else byId('compose-error').textContent = error;
  },
  status: (message) => showStatus(message),
});

const composer = new Composer(control);
const breakView = new BreakView(control);
const detail = new Detail(control);
const ladder = new Ladder(store, (entry) => list.selectEntry(entry));
const held = new Held(control, contextOf);
const list = new List(store, {
  select: (entry) => {
    detail.show(entry);
    ladder.draw(entry.record.connection);
  },
  open: () => showDetails(),
  follow: (isFollowing) => byId('follow').setAttribute('aria-pressed', String(isFollowing)),
});
const filterBar = new FilterBar((test) => {
  store.filter(test);
  list.refilter(undefined);
  schedule();
});
const tour = new Tour({
  composer,
  select: (entry) => {
    showTab('detail');
    showPane(true);
    list.selectEntry(entry);
  },
  light: (field) => detail.light(field),
  showLadder: () => showTab('ladder'),
  showRules: () => {
    location.hash = 'break';
  },
});

/** The inspector says what it is: after the page's start, and after each reconnection. */
function begin(hello) {
  const { target, listening, demo, rules, closing } = hello;
  clear();
  held.clear();
  byId('target').textContent = target ?? 'a recording';
  // Nothing can connect to a recording.
  document.body.classList.toggle('recorded', target === undefined);
  byId('listening').textContent = listening;
  for (const element of document.querySelectorAll('.listening-copy'))
    element.textContent = listening;
  composer.begin(target);
  ladder.table = closing;
  held.rules = rules;
  breakView.show(rules, target !== undefined);
  showStatus({ ...hello, open: 0, target: 'unknown' });
  const wantsTour = new URLSearchParams(location.search).has('tour');
  const isNew = demo && localStorage.getItem('tour') === null;
  if ((wantsTour || isNew) && !tour.isOpen) tour.start();
}

function showStatus({ open, target, error, hold, dropped }) {
  const state = byId('status');
  state.className = target;
  state.title = target === 'reachable' ? 'The target is reachable.' : '';
  const lost = dropped > 0 ? `, ${dropped} old records dropped` : '';
  const reach = {
    unknown: '',
    reachable: '',
    unreachable: `not reachable: ${error ?? ''}, `,
  };
  const count = open === 1 ? '1 connection' : `${open} connections`;
  const text = `${reach[target]}${count} open${lost}`;
  if (state.textContent !== text) state.textContent = text;
  byId('hold').value = hold;
}

/** What is in progress in one direction of a connection. */
function contextOf(number, from) {
  const connection = store.connections.get(number);
  const isAgreement = ({ record: { type, head, from: end } }) =>
    type === 'handshake' &&
    end === 'server' &&
    /^sec-websocket-extensions:.*permessage-deflate/im.test(head);
  return {
    inMessage: connection?.[from] ?? false,
    compressed: connection?.entries.slice(0, 4).some(isAgreement) ?? false,
  };
}

function schedule() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    const isDone = addArrived() && store.advance();
    list.draw();
    // The tour selects entries: they must be in the list.
    if (isDone) for (const entry of unseen.splice(0)) tour.observe(entry);
    if (detail.entry && !byId('tab-ladder').hidden) ladder.draw(detail.entry.record.connection);
    byId('count').textContent = `${store.shown.length} of ${store.entries.length}`;
    if (!isDone) schedule();
  });
}

/** @returns whether all batches were added */
function addArrived() {
  const end = performance.now() + BUDGET;
  while (arrived.length > 0) {
    const [batch] = arrived;
    const part = batch.splice(0, 512);
    if (batch.length === 0) arrived.shift();
    for (const numbered of part) {
      if (numbered.record.type === 'recording') continue;
      store.add(numbered);
      composer.observe(numbered.record);
      if (tour.isOpen) unseen.push(store.entry(numbered.index));
    }
    filterBar.connections = store.connections.size;
    if (performance.now() > end) return arrived.length === 0;
  }
  return true;
}

function clear() {
  arrived = [];
  unseen = [];
  store.clear();
  detail.show(undefined);
  ladder.draw(undefined);
  list.refilter(undefined);
  list.follow(true);
  schedule();
}

function pause() {
  isPaused = !isPaused;
  byId('pause').setAttribute('aria-pressed', String(isPaused));
  showPaused();
  if (!isPaused) schedule();
}

function showPaused() {
  const waiting = arrived.reduce((sum, { length }) => sum + length, 0);
  byId('pause').textContent = !isPaused ? 'Pause' : waiting > 0 ? `Resume (${waiting})` : 'Resume';
}

function hold(value) {
  control.send({ type: 'hold', hold: value });
  byId('hold').value = value;
  say(value === 'none' ? 'Nothing is held' : `Held: ${value}`);
}

function copySelected() {
  const { record } = detail.entry ?? {};
  if (record) copy(spaced(record.bytes ?? '') || record.head || record.url || '');
}

byId('pause').onclick = pause;
byId('clear').onclick = () => {
  control.send({ type: 'clear' });
  clear();
};
byId('follow').onclick = () => list.follow(!list.isFollowing);
byId('hold').onchange = ({ target }) => hold(target.value);
byId('release-all').onclick = () => control.send({ type: 'release-all' });
byId('copy-url').onclick = ({ currentTarget }) =>
  copy(byId('listening').textContent, currentTarget);
byId('show-keys').onclick = () => {
  document.querySelector('.menu').open = false;
  byId('keys').showModal();
};
byId('back').onclick = leave;
chooseTheme(localStorage.getItem('theme') ?? 'auto');
byId('theme').onclick = nextTheme;
listenToTab(schedule);
showView();
window.addEventListener('hashchange', showView);

function leave() {
  if (tour.isOpen) tour.leave();
  else showPane(false);
  list.focus();
}

/** The held frames make room for the record; the ladder of its connection stays. */
function showDetails() {
  if (!byId('tab-held').hidden) showTab('detail');
  showPane(true);
}

const move = (rows) => () => list.move(rows);

listenToKeys({
  ArrowDown: move(1),
  j: move(1),
  ArrowUp: move(-1),
  k: move(-1),
  PageDown: () => list.move(list.pageLength),
  PageUp: () => list.move(-list.pageLength),
  Home: () => list.select(0),
  End: () => list.follow(true) ?? list.select(store.shown.length - 1),
  Enter: showDetails,
  Escape: leave,
  '/': () => byId('search').select(),
  p: pause,
  f: () => list.follow(!list.isFollowing),
  h: () => hold(byId('hold').value === 'none' ? 'both' : 'none'),
  c: copySelected,
  '?': () => byId('keys').showModal(),
});
