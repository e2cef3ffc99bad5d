/** Node's built-in WebSocket client. See support/puppet.mjs for the protocol. */
import { createInterface } from 'node:readline';
import { openNative } from './native-api.mjs';

function report(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

report({ base: '' });
createInterface({ input: process.stdin }).on('line', (line) => {
  openNative(JSON.parse(line), report, () => process.exit());
});
