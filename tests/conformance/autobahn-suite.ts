/** Makes the tests of the Autobahn cases: one per case number and role. */
import { describe, expect, test } from '@jest/globals';
import { type Case, casesOf, formsOf } from './cases.js';
import { type Expectation, expectationOf } from './expectation.js';
import { ROLES, type Role } from './subject.js';
import { outcomeOf, play, seedOf } from './tester.js';

/** Worked out once for both roles. */
const wants = new Map<string, Expectation>();

function wantOf(one: Case): Expectation {
  const want = wants.get(one.id) ?? expectationOf(one);
  wants.set(one.id, want);
  return want;
}

async function check(one: Case, role: Role): Promise<void> {
  const want = wantOf(one);
  for (const form of formsOf(one)) {
    const outcome = await play(one, role, form, want, seedOf(one));
    expect(outcome).toEqual(outcomeOf(want, form, role));
  }
}

/** `role` is the product's: as a server it faces a masking tester, as a client one that does not. */
export function autobahn(...groups: string[]): void {
  for (const role of ROLES) {
    describe(`the product as a ${role}`, () => {
      for (const one of casesOf(...groups)) {
        test(`${one.id} (${role}) ${one.group}`, () => check(one, role));
      }
    });
  }
}
