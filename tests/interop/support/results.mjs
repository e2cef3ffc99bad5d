/** One line per result: `ok …`, `FAIL …` or `skip … (reason)`. */

/** Counts such lines, and says their sum. */
export class Tally {
  counts = { ok: 0, FAIL: 0, skip: 0 };

  add(line) {
    const [word] = line.split(' ', 1);
    if (word in this.counts) this.counts[word] += 1;
  }

  toString() {
    const { ok, FAIL, skip } = this.counts;
    return `${ok} passed, ${FAIL} failed, ${skip} skipped`;
  }
}

/** What this process has printed itself. */
export const tally = new Tally();

function print(line) {
  tally.add(line);
  console.log(line);
}

/** Prints what became of `check`, and never throws. */
export async function result(name, check) {
  try {
    await check();
    print(`ok ${name}`);
  } catch (error) {
    fail(name, error);
  }
}

export function fail(name, error) {
  process.exitCode = 1;
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  print(`FAIL ${name}\n${detail.replace(/^/gm, '     ')}`);
}

/** Something this machine lacks. Where everything must be there (REQUIRE_ALL=1), that is a failure. */
export function skip(name, reason) {
  if (process.env.REQUIRE_ALL === '1') fail(name, `required here, but ${reason}`);
  else print(`skip ${name} (${reason})`);
}
