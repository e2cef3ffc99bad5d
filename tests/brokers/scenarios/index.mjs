/**
 * All scenarios. Each has a `name`, the `needs` of a backend, and `run(context)`, which resolves a text with
 * its figures.
 */
import * as churn from './churn.mjs';
import * as close from './close.mjs';
import * as cuts from './cuts.mjs';
import * as delivery from './delivery.mjs';
import { FAULTS } from './faults.mjs';
import { HISTORY } from './history.mjs';
import * as interest from './interest.mjs';
import * as race from './race.mjs';

export const SCENARIOS = [delivery, interest, race, churn, close, ...FAULTS, ...HISTORY, cuts];
