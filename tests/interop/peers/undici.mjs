/** The WebSocket client of npm's undici 7. It drops by ending its process. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { faceCompressed } from '../support/compression.mjs';
import { Puppet } from '../support/puppet.mjs';
import { face } from '../support/roles.mjs';

const SCRIPT = fileURLToPath(new URL('../puppets/undici.mjs', import.meta.url));
const { version } = createRequire(import.meta.url)('undici/package.json');
const name = `undici ${version}`;

for (const transport of ['tcp', 'tls']) {
  const start = ({ INTEROP_CERT }) =>
    Puppet.start(process.execPath, [SCRIPT], { NODE_EXTRA_CA_CERTS: INTEROP_CERT });
  await face({ name, role: 'client', transport, can: ['emptyClose', 'drop'], start });
  if (transport === 'tcp') {
    await faceCompressed({ name, role: 'client', start, compresses: false });
  }
}
