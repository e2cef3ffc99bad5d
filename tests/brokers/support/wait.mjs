/** Waiting for what another process does, with an end. */
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Asks again until the answer is true. @throws Error after that many milliseconds */
export async function until(what, condition, timeout = 10_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const answer = await condition();
    if (answer === true) return;
    if (Date.now() > end) {
      const last = answer === false ? '' : `: ${JSON.stringify(answer)}`;
      throw new Error(`${what}: not within ${timeout} ms${last}`);
    }
    await sleep(20);
  }
}

/** The promise, or an Error after that many milliseconds. */
export async function within(timeout, what, promise) {
  const end = new AbortController();
  const late = sleep(timeout, undefined, { signal: end.signal }).then(() => {
    throw new Error(`${what}: not within ${timeout} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    end.abort();
    late.catch(() => {});
  }
}
