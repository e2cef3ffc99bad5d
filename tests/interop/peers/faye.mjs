/** npm's faye-websocket with its permessage-deflate, both roles. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { faceCompressed, given } from '../support/compression.mjs';
import { Puppet } from '../support/puppet.mjs';
import { face } from '../support/roles.mjs';

const SCRIPT = fileURLToPath(new URL('../puppets/faye.mjs', import.meta.url));
const { version } = createRequire(import.meta.url)('faye-websocket/package.json');
/** It takes a Close without a code for one with 1000. */
const ODDITIES = { answerToEmpty: 1000, empty: 1000 };
const name = `faye-websocket ${version}`;

/**
 * As a server it does not mention a window of 15 bits, which goes without saying, nor one of its own
 * that was not asked for.
 */
function agrees(asks, by, role) {
  if (role === 'client') return asks;
  const { serverMaxWindowBits, clientMaxWindowBits, ...takeover } = asks;
  return given({
    ...takeover,
    ...(by === 'us' && serverMaxWindowBits < 15 && { serverMaxWindowBits }),
    ...(clientMaxWindowBits < 15 && { clientMaxWindowBits }),
  });
}

for (const transport of ['tcp', 'tls']) {
  for (const role of ['server', 'client']) {
    const start = (environment) =>
      Puppet.start(process.execPath, [SCRIPT, role, transport], environment);
    await face({ name, role, transport, can: ['ping', 'echoReason'], oddities: ODDITIES, start });
    if (transport === 'tcp') {
      await faceCompressed({ name, role, start, peerAsks: () => true, agrees });
    }
  }
}
