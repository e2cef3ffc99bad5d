/**
 * Jest and Vitest as programs use them, and other fake timers in plain Node: each configuration in a
 * process of its own, which has to end by itself, without complaint.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { result } from '../../support/results.mjs';

const TIMEOUT = 60_000;
const COMPLAINTS =
  /did not exit|worker process has failed to exit|A worker process|open handle|cannot log after tests|imports? a file after the Jest environment/i;

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const RUNS = {
  'Jest: fake timers by hand': ['jest', '--config', 'by-hand.config.json'],
  'Jest: fakeTimers.enableGlobally': ['jest', '--config', 'globally.config.json'],
  'Jest: in workers': ['jest', '--config', 'by-hand.config.json', '--maxWorkers=2'],
  'Jest: jsdom': ['jest', '--config', 'jsdom.config.json'],
};

const BINARIES = {
  jest: at('node_modules/jest/bin/jest.js'),
  vitest: at('node_modules/vitest/vitest.mjs'),
};

/** All that it printed, once it ended. */
async function run(parameters, env = {}) {
  const child = spawn(process.execPath, parameters, {
    ...{ cwd: at('.'), timeout: TIMEOUT, killSignal: 'SIGKILL' },
    env: { ...process.env, CI: 'true', ...env },
  });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => chunks.push(data));
  const [code, signal] = await once(child, 'close');
  const output = Buffer.concat(chunks).toString();
  assert.equal(signal, null, `not done within ${TIMEOUT} ms\n${output}`);
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, COMPLAINTS);
  return output;
}

for (const [name, [tool, ...parameters]] of Object.entries(RUNS)) {
  await result(`jest: ${name}`, () => run([BINARIES[tool], '--ci', ...parameters]));
}
await result('jest: Vitest: fake timers', () =>
  run([BINARIES.vitest, 'run', '--root', 'vitest', '--pool=threads']),
);
await result("jest: Sinon's fake timers in plain Node", () => run(['--test', 'plain/sinon.js']));
await result('jest: mock.timers of node:test', () => run(['--test', 'plain/mock-timers.js']));
await result('jest: copies that were loaded again are collected, and leave nothing', () =>
  run(['--expose-gc', '--test', 'plain/reload.js']),
);
