/** Views, tabs, the pane and the theme. */

import { byId } from './dom.js';

const TABS = ['detail', 'ladder', 'held'];

let onTab = () => {};

/** @param listener is called when another tab is shown */
export function listenToTab(listener) {
  onTab = listener;
}

export function showTab(name) {
  for (const tab of TABS) {
    const isShown = tab === name;
    byId(`tab-${tab}`).hidden = !isShown;
    const button = byId(`${tab}-tab`);
    button.ariaSelected = String(isShown);
    button.tabIndex = isShown ? 0 : -1;
  }
  onTab();
}

/** The tabs of WAI-ARIA: the arrows go from tab to tab. */
function listenToTabs() {
  TABS.forEach((name, i) => {
    const button = byId(`${name}-tab`);
    button.onclick = () => showTab(name);
    button.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = TABS[(i + step + TABS.length) % TABS.length];
      showTab(next);
      byId(`${next}-tab`).focus();
    };
  });
}

/** Opens or closes the pane: beside the list, or over it on a narrow screen. */
export function showPane(isOpen) {
  document.body.classList.toggle('pane-open', isOpen);
}

/** The view that the address names: `#break` or the records. */
export function showView() {
  const view = location.hash === '#break' ? 'break' : 'live';
  document.body.dataset.view = view;
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

const THEMES = ['auto', 'light', 'dark'];

/** Goes on to the next theme. */
export function nextTheme() {
  const { theme } = document.documentElement.dataset;
  chooseTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
}

export function chooseTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId('theme').textContent = `Theme: ${theme}`;
  localStorage.setItem('theme', theme);
}

/** A click beside the menu closes it, and so does Escape. */
function listenToMenu() {
  const menu = document.querySelector('.menu');
  document.addEventListener('click', ({ target }) => {
    if (!menu.contains(target)) menu.open = false;
  });
  menu.onkeydown = (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.firstElementChild.focus();
  };
}

listenToTabs();
listenToMenu();
showTab('detail');
showPane(!matchMedia('(max-width: 60rem)').matches);
