/** Waiting in turns of the event loop: nothing here sleeps, and nothing depends on the clock. */

// Kept from before any test puts fake timers in place.
const defer = setImmediate;

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    defer(resolve);
  });
}

/**
 * Waits until `done()` holds and says so; gives up when `progress()` has stood still for `patience`
 * turns. Everything is in memory, so what has not moved by then never will.
 */
export async function until(
  done: () => boolean,
  progress: () => number,
  patience = 25,
): Promise<boolean> {
  let last = progress();
  for (let idle = 0; !done(); idle++) {
    if (idle >= patience) return false;
    await turn();
    const now = progress();
    if (now !== last) idle = -1;
    last = now;
  }
  return true;
}

/** Waits until nothing moves any more. */
export async function settled(progress: () => number, patience = 8): Promise<void> {
  await until(() => false, progress, patience);
}
