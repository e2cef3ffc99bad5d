/** The reference: npm `ws`; whether with its optional native helper, its environment says. */
import { createRequire } from 'node:module';
import { WebSocketServer } from 'ws';
import { serve } from './application.mjs';

const { version } = createRequire(import.meta.url)('ws/package.json');

await serve(WebSocketServer, version);
