/** A project of Nitro 3. The alias is all that it needs. */
import { defineNitroConfig } from 'nitro/config';

export default defineNitroConfig({
  serverDir: '.',
  preset: 'node-server',
  compatibilityDate: '2026-11-28',
  experimental: { websocket: true },
  alias: { 'crossws/adapters/node': 'ws6455/crossws' },
});
