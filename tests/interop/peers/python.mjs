/** Python's websockets, as packaged by Debian (which only Debian's own python3 sees), both roles. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { faceCompressed, fromNineBits } from '../support/compression.mjs';
import { Puppet } from '../support/puppet.mjs';
import { skip } from '../support/results.mjs';
import { face } from '../support/roles.mjs';

const CAN = ['fragments', 'ping', 'echoReason', 'drop'];
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('../puppets/debian_websockets.py', import.meta.url));

const probe = spawnSync(PYTHON, ['-c', 'import websockets; print(websockets.__version__)']);

if (probe.status !== 0) skip('python websockets', `${PYTHON} has no websockets`);
else {
  const name = `python websockets ${`${probe.stdout}`.trim()}`;
  for (const transport of ['tcp', 'tls']) {
    for (const role of ['server', 'client']) {
      const start = (environment) => Puppet.start(PYTHON, [SCRIPT, role, transport], environment);
      await face({ name, role, transport, can: CAN, start });
      if (transport === 'tcp')
        await faceCompressed({
          name,
          role,
          can: CAN,
          start,
          weAsk: fromNineBits,
          peerAsks: fromNineBits,
        });
    }
  }
}
