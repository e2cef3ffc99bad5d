/**
 * The order of the test files. Jest begins with the largest file where it knows no durations, but
 * the heaviest ones are short. They are first for a second reason: the later a file comes, the slower
 * it runs. The tests of autobahn-frames took 3 s among the first and 12 s among the last, jest-circus
 * keeping something of every file before that each promise and each stream pays for.
 */
import Sequencer from '@jest/test-sequencer';

const HEAVY = /\/(autobahn-|fuzz\/|reliability\/compression\/)/;

export default class HeaviestFirst extends Sequencer {
  sort(tests) {
    const heavy = (test) => Number(HEAVY.test(test.path.replaceAll('\\', '/')));
    return super.sort(tests).sort((one, other) => heavy(other) - heavy(one));
  }
}
