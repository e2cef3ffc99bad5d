/** npm's websocket, both roles. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { faceUncompressed } from '../support/compression.mjs';
import { Puppet } from '../support/puppet.mjs';
import { face } from '../support/roles.mjs';

const SCRIPT = fileURLToPath(new URL('../puppets/websocket-node.mjs', import.meta.url));
const { version } = createRequire(import.meta.url)('websocket/package.json');
const CAN = ['fragments', 'ping', 'drop'];
/** It answers every Close with 1000, and takes one without a code for a drop. */
const ODDITIES = { answer: 1000, answerToEmpty: 1000, empty: 1006 };
const name = `websocket ${version}`;

for (const transport of ['tcp', 'tls']) {
  for (const role of ['server', 'client']) {
    const start = (environment) =>
      Puppet.start(process.execPath, [SCRIPT, role, transport], environment);
    await face({ name, role, transport, can: CAN, oddities: ODDITIES, start });
    if (transport === 'tcp') await faceUncompressed({ name, role, start });
  }
}
