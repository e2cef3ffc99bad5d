/** Deno: `Deno.upgradeWebSocket`, and its built-in client. It drops by ending its process. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faceUncompressed } from '../support/compression.mjs';
import { packageBinary } from '../support/package-binary.mjs';
import { Puppet } from '../support/puppet.mjs';
import { skip } from '../support/results.mjs';
import { face } from '../support/roles.mjs';
import { temporaryFolder } from '../support/temporary.mjs';

const at = (name) => fileURLToPath(new URL(`../puppets/${name}`, import.meta.url));
const SCRIPTS = { server: at('deno-server.mjs'), client: at('native.mjs') };
/** Its TLS takes no certificate that signed itself. */
const UNSAFELY = '--unsafely-ignore-certificate-errors=127.0.0.1';
const RUN = [
  'run',
  '--no-config',
  '--quiet',
  '--allow-net',
  '--allow-env',
  '--allow-read',
  UNSAFELY,
];
const SCRATCH = { DENO_DIR: join(temporaryFolder, 'deno') };

const CAN = ['echoReason', 'drop'];

const deno = packageBinary(`@deno/${process.platform}-${process.arch}-glibc/deno`);

if (!deno) skip('Deno', `no package for ${process.platform} ${process.arch}`);
else {
  const [version] = `${spawnSync(deno, ['--version'], { env: SCRATCH }).stdout}`.match(/\d\S+/);
  const name = `Deno ${version}`;
  for (const transport of ['tcp', 'tls']) {
    for (const role of ['server', 'client']) {
      const start = (environment) =>
        Puppet.start(deno, [...RUN, SCRIPTS[role], transport], { ...environment, ...SCRATCH });
      await face({ name, role, transport, can: CAN, oddities: { drop: 0 }, start });
      if (transport === 'tcp') await faceUncompressed({ name, role, start });
    }
  }
}
