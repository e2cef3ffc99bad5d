/**
 * npm run fuzz -- [--minutes N | --seconds N | --runs N] [--target NAME] [--seed N]
 * Without a limit it runs until it is interrupted. --seed repeats one run of a target, or begins --runs N.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('ts-node').register({
  transpileOnly: true,
  experimentalResolver: true,
  project: new URL('../tsconfig.json', import.meta.url).pathname,
  compilerOptions: { module: 'commonjs', moduleResolution: 'bundler' },
});
require('./campaign.ts').main(process.argv.slice(2));
