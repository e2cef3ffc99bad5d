/** Python's autobahn on asyncio, as packaged by Debian (which only Debian's own python3 sees). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { faceCompressed, fromNineBits, given } from '../support/compression.mjs';
import { Puppet } from '../support/puppet.mjs';
import { skip } from '../support/results.mjs';
import { face } from '../support/roles.mjs';

const CAN = ['fragments', 'ping', 'emptyClose', 'drop'];
/** It answers every Close with 1000. */
const ODDITIES = { answer: 1000, answerToEmpty: 1000 };
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('../puppets/autobahn_asyncio.py', import.meta.url));

/**
 * As a server it repeats what is asked of its own side, and sets what it asks of the client's; as a
 * client it has no number for its own window.
 */
function agrees(asks, by, role) {
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits } = asks;
  const { clientMaxWindowBits } = asks;
  const ofServer = { serverNoContextTakeover, serverMaxWindowBits };
  const ofClient = { clientNoContextTakeover, clientMaxWindowBits };
  if (role === 'server') return given(by === 'us' ? ofServer : ofClient);
  return given({ ...ofServer, clientNoContextTakeover, ...(by === 'us' && ofClient) });
}

const probe = spawnSync(PYTHON, ['-c', 'import autobahn; print(autobahn.__version__)']);

if (probe.status !== 0) skip('python autobahn', `${PYTHON} has no autobahn`);
else {
  const name = `python autobahn ${`${probe.stdout}`.trim()}`;
  for (const transport of ['tcp', 'tls']) {
    for (const role of ['server', 'client']) {
      const start = (environment) => Puppet.start(PYTHON, [SCRIPT, role, transport], environment);
      await face({ name, role, transport, can: CAN, oddities: ODDITIES, start });
      if (transport === 'tcp') {
        await faceCompressed({
          name,
          role,
          can: CAN,
          start,
          weAsk: fromNineBits,
          peerAsks: fromNineBits,
          agrees,
        });
      }
    }
  }
}
