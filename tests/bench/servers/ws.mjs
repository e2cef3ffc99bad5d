/** The reference: npm `ws`, plain JavaScript, without its optional native helper. */
import { createRequire } from 'node:module';
import { WebSocketServer } from 'ws';
import { serveEcho } from './echo.mjs';

const { version } = createRequire(import.meta.url)('ws/package.json');

await serveEcho(WebSocketServer, version);
