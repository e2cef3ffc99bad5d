/** The subject's client: our own build, or another in its place (WS6455_SUBJECT). */

import { createRequire } from 'node:module';
import { loadSubject } from '../servers/subject.mjs';
import { load } from './application.mjs';
import { load as loadStandard } from './standard.mjs';

const { WebSocket, version } = loadSubject();
const { standard } = JSON.parse(process.argv[2] ?? '{}');

if (standard) {
  const require = createRequire(import.meta.url);
  const own = require('../../../dist/standard/index.js');
  await loadStandard(own.WebSocket, { perMessageDeflate: false }, version);
} else await load(WebSocket, version);
