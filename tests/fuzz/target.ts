import type { SeededRandom } from '../support/random.js';

/** One fuzzer. A run with the same seed does the same. */
export interface Target {
  readonly name: string;
  /** How many seeds `npm test` runs. */
  readonly usual: number;
  /** Throws if the product does something wrong. */
  run(random: SeededRandom): Promise<void>;
}
