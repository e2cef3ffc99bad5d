/** The subject: our own build, or another in its place (WS6455_SUBJECT, as in the tests). */
import { createRequire } from 'node:module';
import { serveEcho } from './echo.mjs';

const require = createRequire(import.meta.url);
const subject = process.env.WS6455_SUBJECT;
const { version } = require(subject ? `${subject}/package.json` : '../../../package.json');
const { WebSocketServer } = require(subject ?? '../../../dist/index.js');

await serveEcho(WebSocketServer, subject ? `${subject} ${version}` : version);
