/**
 * Seeds: every fuzz test runs a fixed number of seeds, and a failure names its own. FUZZ_SEED=n
 * starts elsewhere, FUZZ_RUNS=n runs more or fewer: FUZZ_SEED=<seed> FUZZ_RUNS=1 repeats one.
 */
import { SeededRandom } from '../support/random.js';

const FIRST = Number(process.env['FUZZ_SEED'] ?? 6455);
const RUNS = process.env['FUZZ_RUNS'];

/** Long runs need their time. */
export const TIMEOUT = RUNS === undefined ? 30_000 : 3_600_000;

/** An assertion is reported by its message, anything else by its stack. */
function nameSeed(error: Error, seed: number): void {
  const { message, stack = '' } = error;
  error.message = `FUZZ_SEED=${seed}: ${message}`;
  error.stack = stack.replace(message, error.message);
}

/** Runs `body` with one seed after the other; what it throws gets the seed in its message. */
export async function withSeeds(
  usual: number,
  body: (random: SeededRandom) => Promise<void>,
): Promise<void> {
  const runs = RUNS === undefined ? usual : Number(RUNS);
  for (let seed = FIRST; seed < FIRST + runs; seed++) {
    try {
      await body(new SeededRandom(seed));
    } catch (error) {
      if (error instanceof Error) nameSeed(error, seed);
      throw error;
    }
  }
}
