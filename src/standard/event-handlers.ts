/** HTML §8.1.8.1: the event handlers of an EventTarget, such as `onopen`. */

/** The value of an attribute that is not null. An object that is not a function is kept, not called. */
interface Handler {
  value: object;
  readonly listener: (this: EventTarget, event: Event) => void;
}

/** The handlers that are set, by target and event type. */
const handlers = new WeakMap<EventTarget, Map<string, Handler>>();

function handlersOf(target: EventTarget): Map<string, Handler> {
  const existing = handlers.get(target);
  if (existing !== undefined) return existing;
  const created = new Map<string, Handler>();
  handlers.set(target, created);
  return created;
}

function createHandler(value: object): Handler {
  const handler: Handler = {
    value,
    listener(event) {
      if (typeof handler.value !== 'function') return;
      // As in browsers: `return false` prevents the default action of a cancelable event.
      if (handler.value.call(this, event) === false) event.preventDefault();
    },
  };
  return handler;
}

/** A new value takes the place of the old one in the order of listeners; after null it is the last. */
function setHandler(target: EventTarget, type: string, value: unknown): void {
  const ofTarget = handlersOf(target);
  const existing = ofTarget.get(type);
  const isSet = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!isSet) {
    if (existing !== undefined) target.removeEventListener(type, existing.listener);
    ofTarget.delete(type);
  } else if (existing !== undefined) existing.value = value;
  else {
    const handler = createHandler(value);
    ofTarget.set(type, handler);
    target.addEventListener(type, handler.listener);
  }
}

/**
 * Defines the accessors `on…` on the prototype of a class.
 * @param check throws if a value is not an object of the class
 */
export function defineEventHandlers(
  prototype: EventTarget,
  types: readonly string[],
  check: (value: unknown) => void,
): void {
  for (const type of types) {
    const name = `on${type}`;
    // In an object literal the accessors get the names that Web IDL requires: "get onopen".
    const accessors = {
      get [name](): object | null {
        check(this);
        return handlers.get(this as never)?.get(type)?.value ?? null;
      },
      set [name](value: unknown) {
        check(this);
        setHandler(this as never, type, value);
      },
    };
    const descriptor = Object.getOwnPropertyDescriptor(accessors, name);
    Object.defineProperty(prototype, name, { ...descriptor, configurable: true, enumerable: true });
  }
}
