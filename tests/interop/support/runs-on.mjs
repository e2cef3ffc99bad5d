/** Which `ws` a published package gets when it asks for one. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { result } from './results.mjs';

const nodeModules = new URL('../node_modules/', import.meta.url);

function wsOf(name) {
  return createRequire(new URL(`${name}/package.json`, nodeModules))('ws/package.json');
}

/** A result of `program`: what each of these packages requires as `ws` is what it is to run on. */
export function runsOn(program, ...packages) {
  return result(`${program}: ${packages.join(', ')} on ${process.env.PROGRAMS_ON}`, () => {
    for (const name of packages) assert.equal(wsOf(name).name, process.env.PROGRAMS_ON, name);
  });
}
