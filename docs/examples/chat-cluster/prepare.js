// What `npm start` needs: the packages of this folder, and in a checkout the library itself.
const { execSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const library = join(__dirname, '../../..');
const run = (command, cwd) => execSync(command, { cwd, stdio: 'inherit' });

if (!existsSync(join(__dirname, 'node_modules/ws6455'))) {
  run(
    'npm install --no-audit --no-fund --no-package-lock --fetch-retries=0 --loglevel=error',
    __dirname,
  );
}
if (!existsSync(join(library, 'dist/topics/index.js'))) {
  if (!existsSync(join(library, 'node_modules'))) run('npm ci --no-audit --no-fund', library);
  console.log('Building ws6455, a few seconds.');
  run('npm run --silent build:js', library);
}
