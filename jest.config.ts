/** @jest-config-loader-options {"transpileOnly": true, "compilerOptions": {"module": "commonjs", "moduleResolution": "bundler"}} */
import type { Config } from 'jest';

// The types of this file are looked at by `npm run typecheck`; at the start of jest it cost 2 s.

// The suites name the product `src/index`. WS6455_SUBJECT puts another build in its place: the
// packed tarball in CI, or `ws` itself when a test's own expectations are in doubt.
const subject = process.env['WS6455_SUBJECT'];

const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/tests/interop/', '/tests/bench/', '/tests/brokers/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/tests/.*/node_modules/'],
  transform: { '\\.m?ts$': ['ts-jest', { tsconfig: '<rootDir>/tests/tsconfig.json' }] },
  moduleNameMapper: {
    ...(subject === undefined ? {} : { '^(?:\\.\\./)+src/index\\.js$': subject }),
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  // Jest leaves a core free by default, which on a machine of two is half of it.
  maxWorkers: '100%',
  // A worker ends when it has given its memory back. With half a gigabyte that takes so long on a
  // loaded machine that Jest ends it by force.
  workerIdleMemoryLimit: '200MB',
  testSequencer: '<rootDir>/tests/support/heaviest-first.mjs',
  // Looking a global up in jest's context is slow: a loop over bytes spends most of its time there.
  sandboxInjectedGlobals: ['Math', 'Buffer'],
  testTimeout: 20_000,
};

export default config;
