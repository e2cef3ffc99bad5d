/** The WebSocket client that Node has built in since version 22. It drops by ending its process. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { faceCompressed } from '../support/compression.mjs';
import { NODE_VERSIONS, nodeBinary } from '../support/node-binary.mjs';
import { Puppet } from '../support/puppet.mjs';
import { skip } from '../support/results.mjs';
import { face } from '../support/roles.mjs';

const SCRIPT = fileURLToPath(new URL('../puppets/native.mjs', import.meta.url));

for (const version of NODE_VERSIONS) {
  const name = `Node ${version}'s WebSocket`;
  const binary = nodeBinary(version);
  if (!existsSync(binary)) {
    skip(name, `no package of Node ${version} for ${process.platform} ${process.arch}`);
    continue;
  }
  for (const transport of ['tcp', 'tls']) {
    const start = ({ INTEROP_CERT }) =>
      Puppet.start(binary, [SCRIPT], { NODE_EXTRA_CA_CERTS: INTEROP_CERT });
    await face({ name, role: 'client', transport, can: ['emptyClose', 'drop'], start });
    if (transport === 'tcp') {
      await faceCompressed({ name, role: 'client', start, compresses: false });
    }
  }
}
