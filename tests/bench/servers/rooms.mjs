/** Echo or broadcast for servers whose connections are all `{ send(data) }`. */
import { copiesAsked, numberedMessages, options } from './announce.mjs';

const broadcasts = options().mode === 'broadcast';
const next = broadcasts ? numberedMessages() : undefined;
const everyone = new Set();

function broadcast(message) {
  for (const send of everyone) send(message);
}

/** Gives what to call with each message, which is a string or bytes. */
export function join(send) {
  if (!broadcasts) return send;
  everyone.add(send);
  return (data) => {
    for (let left = copiesAsked(data); left > 0; left--) broadcast(next());
  };
}

export function leave(send) {
  everyone.delete(send);
}
