/** The search field and the menus beside it; together they are one query. */

import { byId, h } from './dom.js';
import { parseQuery } from './filter.js';

const MENUS = { 'filter-connection': 'conn', 'filter-from': 'from', 'filter-type': 'type' };

export class FilterBar {
  #onchange;

  /** @param onchange is called with the test of {@link parseQuery} */
  constructor(onchange) {
    this.#onchange = onchange;
    const ids = ['search', 'only-violations', ...Object.keys(MENUS)];
    for (const id of ids) byId(id).addEventListener('input', () => this.#changed());
  }

  /** How many connections there are to choose from. */
  set connections(count) {
    const menu = byId('filter-connection');
    for (let i = menu.length; i <= Math.min(count, 500); i += 1) {
      menu.append(h('option', { value: i }, `connection ${i}`));
    }
  }

  #changed() {
    const menus = Object.entries(MENUS).map(([id, key]) => {
      const { value } = byId(id);
      return value && `${key}:${value}`;
    });
    const violations = byId('only-violations').checked ? 'is:violation' : '';
    this.#onchange(parseQuery([byId('search').value, ...menus, violations].join(' ').trim()));
  }
}
