/** The keyboard. In a text field only Escape is a command. */

import { byId } from './dom.js';

const FIELDS = 'input:not([type=checkbox]), textarea, select';

/** @param commands by the key that starts each */
export function listenToKeys(commands) {
  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || byId('keys').open) return;
    const isTyping = target.matches(FIELDS);
    if (isTyping && key !== 'Escape') return;
    if (key === 'Enter' && target.matches('button, a, summary')) return;
    const isInPane = byId('pane').contains(target) || byId('tour').contains(target);
    if (isInPane && /^(Page|Arrow|Home|End)/.test(key)) return;
    if (!Object.hasOwn(commands, key)) return;
    event.preventDefault();
    if (isTyping) target.blur();
    commands[key](event);
  });
}
