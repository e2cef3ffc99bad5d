/** Our own build, or another package in its place (WS6455_SUBJECT, as in the tests). */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const subject = process.env.WS6455_SUBJECT;

export function loadSubject() {
  const { version } = require(subject ? `${subject}/package.json` : '../../../package.json');
  const { WebSocket, WebSocketServer } = require(subject ?? '../../../dist/index.js');
  return { WebSocket, WebSocketServer, version: subject ? `${subject} ${version}` : version };
}
