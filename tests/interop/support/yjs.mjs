/** Waiting for Yjs documents. */
import { within } from './deadline.mjs';

/** Resolves when `condition` holds, which is looked at with every update of `document`. */
export function untilUpdate(document, condition) {
  const held = new Promise((resolve) => {
    const look = () => {
      if (condition()) resolve();
    };
    document.on('update', look);
    look();
  });
  return within(5000, 'an update', held);
}

/** Resolves to what the next `name` of a provider tells. */
export function told(provider, name) {
  return within(5000, name, new Promise((resolve) => provider.on(name, resolve)));
}
