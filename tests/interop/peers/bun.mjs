/** Bun: the server of `Bun.serve`, and its built-in client. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { faceCompressed } from '../support/compression.mjs';
import { packageBinary } from '../support/package-binary.mjs';
import { Puppet } from '../support/puppet.mjs';
import { skip } from '../support/results.mjs';
import { face } from '../support/roles.mjs';

const ARCH = process.arch === 'arm64' ? 'aarch64' : process.arch;
const at = (name) => fileURLToPath(new URL(`../puppets/${name}`, import.meta.url));
const SCRIPTS = { server: at('bun-server.mjs'), client: at('native.mjs') };
const CAN = { server: ['ping', 'echoReason', 'drop'], client: ['echoReason', 'drop'] };

/** Its server does not mention a window of 15 bits for the client, which goes without saying. */
function agrees({ clientMaxWindowBits, ...asks }, _, role) {
  return clientMaxWindowBits === undefined || (role === 'server' && clientMaxWindowBits === 15)
    ? asks
    : { ...asks, clientMaxWindowBits };
}

const bun = packageBinary(`@oven/bun-${process.platform}-${ARCH}/bin/bun`);

if (!bun) skip('Bun', `no package for ${process.platform} ${process.arch}`);
else {
  const name = `Bun ${spawnSync(bun, ['--version']).stdout}`.trim();
  for (const transport of ['tcp', 'tls']) {
    for (const role of ['server', 'client']) {
      const start = (environment) =>
        Puppet.start(bun, [SCRIPTS[role], transport], {
          ...environment,
          NODE_EXTRA_CA_CERTS: environment.INTEROP_CERT,
        });
      await face({ name, role, transport, can: CAN[role], start });
      if (transport === 'tcp') await faceCompressed({ name, role, start, agrees });
    }
  }
}
