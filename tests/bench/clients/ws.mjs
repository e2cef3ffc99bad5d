/** The reference: the client of npm `ws`. */
import { createRequire } from 'node:module';
import { WebSocket } from 'ws';
import { load } from './application.mjs';

const { version } = createRequire(import.meta.url)('ws/package.json');

await load(WebSocket, version);
