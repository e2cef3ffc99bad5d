/** Faces a module with the API of `ws`, in both roles and on every transport. */
import { fileURLToPath } from 'node:url';
import { faceCompressed } from './compression.mjs';
import { Puppet } from './puppet.mjs';
import { face } from './roles.mjs';

const CAN = ['fragments', 'ping', 'emptyClose', 'echoReason', 'drop'];
const SCRIPT = fileURLToPath(new URL('../puppets/ws-api.mjs', import.meta.url));

export async function faceModule(name, moduleName) {
  for (const transport of ['tcp', 'tls', 'unix']) {
    for (const role of ['server', 'client']) {
      const script = [SCRIPT, role, transport, moduleName];
      const start = (environment) => Puppet.start(process.execPath, script, environment);
      await face({ name, role, transport, can: CAN, start });
      if (transport === 'tcp') {
        await faceCompressed({ name, role, can: CAN, start, peerAsks: () => true });
      }
    }
  }
}
