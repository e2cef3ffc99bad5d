/** Makes elements. What a peer sent only ever gets in as text. */

const SVG = 'http://www.w3.org/2000/svg';

/** @param properties attributes; functions are listeners, as `onclick` */
function make(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element[name] = value;
    else if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return element;
}

export const h = (name, properties = {}, ...children) =>
  make(document.createElement(name), properties, children);

export const svg = (name, properties = {}, ...children) =>
  make(document.createElementNS(SVG, name), properties, children);

export const byId = (id) => document.getElementById(id);

/** A link to the text of the first section that is named. */
export function sectionLink(rfc) {
  const [, number, section] = /RFC (\d+) §([\d.]+\d|\d+)/.exec(rfc) ?? [];
  if (!number) return h('span', { class: 'rfc' }, rfc);
  const href = `https://www.rfc-editor.org/rfc/rfc${number}#section-${section}`;
  const [name, ...rest] = rfc.split(/(?=§)/);
  const text = [h('span', { class: `rfc-${number}` }, name), rest.join('')];
  return h('a', { class: 'rfc', href, target: '_blank', rel: 'noreferrer' }, ...text);
}

/** Saves the text, or shows it for copying where the page may not write to the clipboard. */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h('textarea', { class: 'off-screen' });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  say('Copied');
  if (!button) return;
  button.dataset.done = '';
  setTimeout(() => delete button.dataset.done, 1200);
}

/** Tells a screen reader. */
export function say(text) {
  byId('said').textContent = text;
}
